/**
 * What the CRD's schema cannot say about a NodePool (core-scheduling §1.7), and what it does say, for pools that were
 * read from a file or written under an older CRD. The controller turns the problems into ValidationSucceeded=False.
 */
import { budgetProblems } from "./budgets.ts"
import { capacityType, isRestrictedLabel, label, normalizedLabelKey } from "./labels.ts"
import { isLabelValue, isQualifiedName } from "./names.ts"
import type { NodePool } from "./nodePool.ts"

export interface Problem {
  /** Path in the object: `spec.template.spec.requirements[1].values[0]`. */
  readonly field: string
  /** What was found, and what was expected. */
  readonly message: string
}

type Spec = NodePool["spec"]
type Requirement = Spec["template"]["spec"]["requirements"][number]

const quoted = (values: ReadonlyArray<string>): string => values.map((value) => `"${value}"`).join(", ")

const keyProblems = (field: string, key: string): ReadonlyArray<Problem> => {
  if (!isQualifiedName(key)) {
    return [{ field, message: `found "${key}", expected a label key: at most 63 letters, digits, -, _ and . after an optional "domain/"` }]
  }
  if (key === label.nodePool) return [{ field, message: `"${key}" is set by Karpenter itself, expected another label` }]
  if (isRestrictedLabel(key)) return [{ field, message: `"${key}" is a restricted label, expected one outside Karpenter's own domains` }]
  return []
}

const valueMessage = (value: string): string =>
  `found "${value}", expected a label value: at most 63 letters, digits, -, _ and ., with a letter or digit at both ends`

const labelProblems = (labels: Readonly<Record<string, string>>): ReadonlyArray<Problem> =>
  Object.entries(labels).flatMap(([key, value]) => {
    const field = `spec.template.metadata.labels[${key}]`
    const problems = keyProblems(field, key)
    return isLabelValue(value) ? problems : [...problems, { field, message: valueMessage(value) }]
  })

const effects: ReadonlyArray<string> = ["NoSchedule", "PreferNoSchedule", "NoExecute", ""]

const taintProblems = (spec: Spec["template"]["spec"]): ReadonlyArray<Problem> => {
  const seen = new Map<string, string>()
  return (["taints", "startupTaints"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((taint, position) => {
      const field = `spec.template.spec.${list}[${position}]`
      const problems: Array<Problem> = []
      if (!isQualifiedName(taint.key)) {
        problems.push({ field: `${field}.key`, message: `found "${taint.key}", expected a qualified name` })
      }
      if (taint.value !== undefined && taint.value !== "" && !isQualifiedName(taint.value)) {
        problems.push({ field: `${field}.value`, message: `found "${taint.value}", expected a qualified name` })
      }
      if (!effects.includes(taint.effect)) {
        problems.push({ field: `${field}.effect`, message: `found "${taint.effect}", expected NoSchedule, PreferNoSchedule or NoExecute` })
      }
      const identity = `${taint.key}:${taint.effect}`
      const first = seen.get(identity)
      if (first !== undefined) problems.push({ field, message: `${identity} is already at ${first}, expected each key and effect once` })
      else seen.set(identity, field)
      return problems
    })
  )
}

const operators: ReadonlyArray<string> = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]
const numeric: ReadonlyArray<string> = ["Gt", "Lt", "Gte", "Lte"]
const capacityTypes: ReadonlyArray<string> = Object.values(capacityType)

const requirementProblems = (requirement: Requirement, position: number): ReadonlyArray<Problem> => {
  const field = `spec.template.spec.requirements[${position}]`
  const key = normalizedLabelKey(requirement.key)
  const { operator, minValues } = requirement
  const values = requirement.values ?? []
  const problems: Array<Problem> = [...keyProblems(`${field}.key`, key)]
  if (!operators.includes(operator)) {
    problems.push({ field: `${field}.operator`, message: `found "${operator}", expected one of ${operators.join(", ")}` })
  }
  values.forEach((value, at) => {
    if (!isLabelValue(value)) problems.push({ field: `${field}.values[${at}]`, message: valueMessage(value) })
  })
  if (operator === "In" && values.length === 0) {
    problems.push({ field: `${field}.values`, message: "found none, expected at least one value for operator In" })
  }
  if (operator === "In" && minValues !== undefined && values.length < minValues) {
    problems.push({ field: `${field}.values`, message: `found ${values.length}, expected at least ${minValues} because of minValues` })
  }
  if (numeric.includes(operator) && (values.length !== 1 || !/^\d+$/u.test(values[0] ?? ""))) {
    problems.push({ field: `${field}.values`, message: `found [${quoted(values)}], expected one non-negative integer for operator ${operator}` })
  }
  if (key === label.capacityType && operator === "In" && values.length > 0) {
    const known = values.filter((value) => capacityTypes.includes(value))
    if (known.length === 0) {
      problems.push({ field: `${field}.values`, message: `found [${quoted(values)}], expected one of ${capacityTypes.join(", ")}` })
    } else if (minValues !== undefined && values.length >= minValues && known.length < minValues) {
      problems.push({ field: `${field}.values`, message: `found ${known.length} known capacity types, expected at least ${minValues} because of minValues` })
    }
  }
  return problems
}

/** Fields of v1beta1, and what to write instead. */
const formerFields = (pool: NodePool): ReadonlyArray<Problem> => {
  const raw = pool as unknown as {
    readonly apiVersion?: string
    readonly spec: {
      readonly disruption?: { readonly consolidationPolicy?: string; readonly expireAfter?: string }
      readonly template: { readonly spec: { readonly kubelet?: unknown; readonly nodeClassRef?: { readonly apiVersion?: string } } }
    }
  }
  const { disruption, template } = raw.spec
  const problems: Array<Problem> = []
  if (raw.apiVersion === "karpenter.sh/v1beta1") {
    problems.push({ field: "apiVersion", message: "found karpenter.sh/v1beta1, write karpenter.sh/v1 instead" })
  }
  const policy = disruption?.consolidationPolicy
  if (policy === "WhenUnderutilized") {
    problems.push({
      field: "spec.disruption.consolidationPolicy",
      message: "found WhenUnderutilized, a v1beta1 spelling: write WhenEmptyOrUnderutilized instead"
    })
  } else if (policy !== undefined && !["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"].includes(policy)) {
    problems.push({
      field: "spec.disruption.consolidationPolicy",
      message: `found ${policy}, expected WhenEmpty, WhenEmptyOrUnderutilized or Balanced`
    })
  }
  if (disruption?.expireAfter !== undefined) {
    problems.push({ field: "spec.disruption.expireAfter", message: "a v1beta1 field: write spec.template.spec.expireAfter instead" })
  }
  if (template.spec.kubelet !== undefined) {
    problems.push({ field: "spec.template.spec.kubelet", message: "a v1beta1 field: write spec.kubelet of the LinodeNodeClass instead" })
  }
  const reference = template.spec.nodeClassRef?.apiVersion
  if (reference !== undefined) {
    problems.push({
      field: "spec.template.spec.nodeClassRef.apiVersion",
      message: `a v1beta1 field: write group: ${reference.split("/")[0]} instead`
    })
  }
  return problems
}

/** Every problem of a NodePool, in the order of its fields; none when it may be used. */
export const validateNodePool = (pool: NodePool): ReadonlyArray<Problem> => [
  ...formerFields(pool),
  ...labelProblems(pool.spec.template.metadata?.labels ?? {}),
  ...taintProblems(pool.spec.template.spec),
  ...pool.spec.template.spec.requirements.flatMap(requirementProblems),
  ...(pool.spec.disruption?.budgets ?? []).flatMap((budget, position) =>
    budgetProblems(budget).map(({ field, message }) => ({ field: `spec.disruption.budgets[${position}].${field}`, message }))
  )
]

/** The problems as one sentence, for a condition's message. */
export const problemsText = (problems: ReadonlyArray<Problem>): string =>
  problems.map(({ field, message }) => `${field}: ${message}`).join("; ")
