/** What several of the kinds are made of: quantities, durations, taints, requirements, conditions. */
import { Schema } from "effect"
import type { Condition } from "../kube/objects.ts"
import { labelValuePattern, qualifiedNamePattern } from "./names.ts"
import { requirementKeyRules, requirementRules } from "./rules.ts"
import { optional, required, type Rule, structural } from "./structural.ts"

const quantityPattern =
  /^([+-]?(\d+(\.\d*)?|\.\d+))(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?\d+))?$/u

/** A resource quantity as text or number: `500m`, `2Gi`, `4`. */
export const Quantity = Schema.Union([
  Schema.String.check(Schema.isPattern(quantityPattern, { expected: "a quantity such as 500m or 2Gi" })),
  Schema.Int
])

/** A quantity that this program writes, always as text. */
export const WrittenQuantity = Schema.String.check(Schema.isPattern(quantityPattern)).annotate(structural({ intOrString: true }))

/** One or more of integer and unit, the unit being s, m or h: `1h30m`. */
export const DurationText = Schema.String.check(
  Schema.isPattern(/^([0-9]+(s|m|h))+$/u, { expected: "a duration such as 1h30m, of whole s, m and h" })
)
export const DurationOrNever = Schema.String.check(
  Schema.isPattern(/^(([0-9]+(s|m|h))+|Never)$/u, { expected: "a duration such as 720h, of whole s, m and h, or Never" })
)

/** A label value; may be empty. */
export const LabelValue = Schema.String.check(
  Schema.isMaxLength(63),
  Schema.isPattern(labelValuePattern, { expected: "a label value" })
)

const QualifiedName = Schema.String.check(Schema.isPattern(qualifiedNamePattern, { expected: "a qualified name" }))

export const Resources = Schema.Record(Schema.String, Quantity)

const operators = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"] as const

const requirementFields = (keyRules: ReadonlyArray<Rule>) => ({
  key: required(
    QualifiedName.check(Schema.isMaxLength(316)),
    "The label key that the requirement is about.",
    { rules: keyRules }
  ),
  operator: required(Schema.Literals(operators), "How the label's value relates to the values."),
  values: optional(
    Schema.Array(LabelValue),
    "Values for In (at least one) and NotIn, one non-negative integer for Gt, Lt, Gte and Lte, none for Exists and DoesNotExist.",
    { listType: "atomic" }
  )
})

/** Requirements of a NodeOverlay: without `minValues`. */
export const OverlayRequirement = Schema.Struct(requirementFields([requirementKeyRules.domain, requirementKeyRules.hostname]))

const requirementWithMinimum = (keyRules: ReadonlyArray<Rule>) => Schema.Struct({
  ...requirementFields(keyRules),
  minValues: optional(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
    "Alpha: how many different values of the label the nodes to choose from must have at least."
  )
})

/** Requirements that only this program writes. */
export const StatedRequirement = requirementWithMinimum([])

export const NodeSelectorRequirement = requirementWithMinimum([requirementKeyRules.domain, requirementKeyRules.hostname])

/** Requirements of a NodePool: a NodePool cannot require another NodePool. */
export const NodePoolRequirement =
  requirementWithMinimum([requirementKeyRules.domain, requirementKeyRules.nodePool, requirementKeyRules.hostname])

export const requirementsDescription =
  "What nodes must be like, by label: instance types, zones and so on are narrowed down by these and by what the pods ask."

/** How every list of requirements is kept. */
export const requirementsSaid = {
  listType: "atomic",
  rules: [requirementRules.values, requirementRules.number, requirementRules.minValues]
} as const

export const atMost100 = Schema.isMaxLength(100)

export const TaintSchema = Schema.Struct({
  key: required(QualifiedName.check(Schema.isMinLength(1)), "The taint key to be applied to a node."),
  value: optional(QualifiedName, "The taint value that goes with the key."),
  effect: required(
    Schema.Literals(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
    "What happens to pods that do not tolerate the taint."
  ),
  timeAdded: optional(Schema.String, "When the taint was added.", { format: "date-time" })
})

export const taints = optional(
  Schema.Array(TaintSchema),
  "Taints that the node keeps: only pods that tolerate them run there.",
  { listType: "atomic" }
)
export const startupTaints = optional(
  Schema.Array(TaintSchema),
  "Taints that the node starts with and that something else removes, such as a network plugin. Pods need not tolerate them.",
  { listType: "atomic" }
)
export const terminationGracePeriod = optional(
  DurationText,
  "How long a node may drain at most before it goes in spite of pods and budgets that still hold it. Absent: for ever."
)
export const expireAfter = optional(
  DurationOrNever,
  "How old a node may get before it is replaced, or Never.",
  { default: "720h" }
)

const conditionFields = {
  lastTransitionTime: required(Schema.String, "When the status last changed.", { format: "date-time" }),
  observedGeneration: optional(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    "The generation of the object that the condition was set for."
  ),
  status: required(Schema.Literals(["True", "False", "Unknown"]), "Whether the condition holds."),
  type: required(QualifiedName.check(Schema.isMaxLength(316)), "What the condition is about.")
}
const reason = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/u

const ConditionSchema = Schema.Struct({
  ...conditionFields,
  message: required(Schema.String.check(Schema.isMaxLength(32768)), "Details for a person; may be empty."),
  reason: required(
    Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(1024), Schema.isPattern(reason)),
    "Why, as one CamelCase word."
  )
})

/** NodeClaims of early versions have conditions without reason and message. */
const RelaxedConditionSchema = Schema.Struct({
  ...conditionFields,
  message: optional(Schema.String.check(Schema.isMaxLength(32768)), "Details for a person; may be empty."),
  reason: optional(
    Schema.String.check(Schema.isMaxLength(1024), Schema.isPattern(/^([A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?)?$/u)),
    "Why, as one CamelCase word."
  )
})

const conditionsSaid = { listType: "map", listMapKeys: ["type"] } as const
export const conditions = optional(Schema.Array(ConditionSchema), "What is known about the object.", conditionsSaid)
export const relaxedConditions = optional(Schema.Array(RelaxedConditionSchema), "What is known about the object.", conditionsSaid)

/** A status as code handles it: the conditions in the shape that all kinds share. */
export type StatusOf<S> = Omit<S, "conditions"> & { readonly conditions?: ReadonlyArray<Condition> }
