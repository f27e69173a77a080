/** What the kinds that `plan` reads have in common: quantities, metadata, selectors. Only what planning looks at is named. */
import { Schema } from "effect"
import { isLabelValue, isQualifiedName } from "../../apis/names.ts"
import { parseQuantity } from "../../scheduling/quantity.ts"

export const optional = <S extends Schema.Constraint>(schema: S): Schema.optionalKey<S> => Schema.optionalKey(schema)

const isQuantity = (value: string | number): boolean => {
  try {
    return parseQuantity(value) >= 0n
  } catch {
    return false
  }
}

/** Of a resource: zero or more. */
export const Quantity = Schema.Union([Schema.String, Schema.Finite])
  .check(Schema.makeFilter(isQuantity, { expected: "a quantity such as 500m or 2Gi" }))

export const ResourceList = Schema.Record(Schema.String, Quantity)

export const Name = Schema.String.check(Schema.isMinLength(1, { expected: "a name" }))
export const Natural = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0, { expected: "a whole number, 0 or more" }))
export const Positive = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1, { expected: "a whole number, 1 or more" }))

export const LabelKey = Schema.String
  .check(Schema.makeFilter(isQualifiedName, { expected: "a label key such as example.com/team" }))
const LabelValue = Schema.String.check(Schema.makeFilter(isLabelValue, { expected: "a label value of at most 63 characters" }))

export const Labels = Schema.Record(Schema.String, LabelValue)
const Texts = Schema.Record(Schema.String, Schema.String)

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: optional(Schema.String),
  controller: optional(Schema.Boolean)
})

const optionalMetadata = {
  namespace: optional(Schema.String),
  uid: optional(Schema.String),
  generation: optional(Schema.Int),
  creationTimestamp: optional(Schema.String),
  deletionTimestamp: optional(Schema.String),
  labels: optional(Labels),
  annotations: optional(Texts),
  ownerReferences: optional(Schema.Array(OwnerReference))
}

export const Metadata = Schema.Struct({ name: Name, ...optionalMetadata })
export const TemplateMetadata = Schema.Struct({ name: optional(Schema.String), ...optionalMetadata })

export const SelectorRequirement = Schema.Struct({
  key: LabelKey,
  operator: Schema.Literals(["In", "NotIn", "Exists", "DoesNotExist"]),
  values: optional(Schema.Array(Schema.String))
})

export const LabelSelector = Schema.Struct({
  matchLabels: optional(Labels),
  matchExpressions: optional(Schema.Array(SelectorRequirement))
})

export const Taint = Schema.Struct({
  key: Schema.String,
  value: optional(Schema.String),
  effect: Schema.Literals(["NoSchedule", "PreferNoSchedule", "NoExecute"])
})

export const Condition = Schema.Struct({
  type: Schema.String,
  status: Schema.Literals(["True", "False", "Unknown"]),
  reason: optional(Schema.String),
  message: optional(Schema.String),
  observedGeneration: optional(Schema.Int),
  lastTransitionTime: optional(Schema.String)
})
export const Conditions = Schema.Array(Condition)
