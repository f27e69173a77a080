/**
 * What the CRD's schema cannot say about a NodePool, and what it does say, for pools that were
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

const problem = (field: string, message: string): Problem => ({ field, message })
const found = (field: string, what: string, expected: string): Problem => problem(field, `found ${what}, expected ${expected}`)
const quoted = (values: ReadonlyArray<string>): string => values.map((value) => `"${value}"`).join(", ")

const labelKey = "a label key: at most 63 letters, digits, -, _ and . after an optional \"domain/\""
const labelValue = "a label value: at most 63 letters, digits, -, _ and ., with a letter or digit at both ends"

/** The label that names the NodePool is well known, and yet a NodePool cannot ask for it. */
const isRestrictedInPool = (key: string): boolean => key === label.nodePool || isRestrictedLabel(key)

const keyProblems = (
  field: string, key: string, isRestricted: (key: string) => boolean = isRestrictedInPool
): ReadonlyArray<Problem> => {
  if (!isQualifiedName(key)) return [found(field, quoted([key]), labelKey)]
  if (!isRestricted(key)) return []
  if (key === label.nodePool) return [problem(field, `"${key}" is set by Karpenter itself, expected another label`)]
  return [problem(field, `"${key}" is restricted, expected a label outside Karpenter's own domains`)]
}

const labelProblems = (labels: Readonly<Record<string, string>>): ReadonlyArray<Problem> =>
  Object.entries(labels).flatMap(([key, value]) => {
    const field = `spec.template.metadata.labels[${key}]`
    return [...keyProblems(field, key), ...isLabelValue(value) ? [] : [found(field, quoted([value]), labelValue)]]
  })

const effects: ReadonlyArray<string> = ["NoSchedule", "PreferNoSchedule", "NoExecute", ""]

const taintProblems = (spec: Spec["template"]["spec"]): ReadonlyArray<Problem> => {
  const seen = new Map<string, string>()
  return (["taints", "startupTaints"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap((taint, position) => {
      const field = `spec.template.spec.${list}[${position}]`
      const problems: Array<Problem> = []
      if (!isQualifiedName(taint.key)) problems.push(found(`${field}.key`, quoted([taint.key]), "a qualified name"))
      if (taint.value !== undefined && taint.value !== "" && !isQualifiedName(taint.value)) {
        problems.push(found(`${field}.value`, quoted([taint.value]), "a qualified name"))
      }
      if (!effects.includes(taint.effect)) {
        problems.push(found(`${field}.effect`, quoted([taint.effect]), "NoSchedule, PreferNoSchedule or NoExecute"))
      }
      const identity = `${taint.key}:${taint.effect}`
      const first = seen.get(identity)
      if (first === undefined) seen.set(identity, field)
      else problems.push(problem(field, `${identity} is already at ${first}, expected each key and effect once`))
      return problems
    })
  )
}

const operators: ReadonlyArray<string> = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]
const numeric: ReadonlyArray<string> = ["Gt", "Lt", "Gte", "Lte"]
const capacityTypes: ReadonlyArray<string> = Object.values(capacityType)

/** Some unknown capacity types beside known ones are let through: another provider of the cluster may have them. */
const capacityTypeProblems = (field: string, values: ReadonlyArray<string>, minValues: number): ReadonlyArray<Problem> => {
  const known = values.filter((value) => capacityTypes.includes(value)).length
  if (known === 0) return [found(field, `[${quoted(values)}]`, `one of ${capacityTypes.join(", ")}`)]
  return known < minValues ? [found(field, `${known} known capacity types`, `at least ${minValues} because of minValues`)] : []
}

/** What is wrong with a requirement at `field`; `isRestricted` says which keys users may not require. */
export const requirementProblems = (
  field: string,
  requirement: Requirement,
  isRestricted: (key: string) => boolean
): ReadonlyArray<Problem> => {
  const listField = `${field}.values`
  const key = normalizedLabelKey(requirement.key)
  const { operator, minValues = 0 } = requirement
  const values = requirement.values ?? []
  const problems: Array<Problem> = [...keyProblems(`${field}.key`, key, isRestricted)]
  if (!operators.includes(operator)) {
    problems.push(found(`${field}.operator`, quoted([operator]), `one of ${operators.join(", ")}`))
  }
  values.forEach((value, at) => {
    if (!isLabelValue(value)) problems.push(found(`${listField}[${at}]`, quoted([value]), labelValue))
  })
  if (numeric.includes(operator) && (values.length !== 1 || !/^\d+$/u.test(values[0] ?? ""))) {
    problems.push(found(listField, `[${quoted(values)}]`, `one non-negative integer for operator ${operator}`))
  }
  if (operator === "In" && values.length === 0) {
    problems.push(found(listField, "none", "at least one value for operator In"))
  } else if (operator === "In" && values.length < minValues) {
    problems.push(found(listField, String(values.length), `at least ${minValues} because of minValues`))
  } else if (operator === "In" && key === label.capacityType) {
    problems.push(...capacityTypeProblems(listField, values, minValues))
  }
  return problems
}

/** What a pool of v1beta1 has, and v1 has not. */
interface FormerPool {
  readonly apiVersion?: string
  readonly spec: {
    readonly disruption?: { readonly consolidationPolicy?: string; readonly expireAfter?: string }
    readonly template: {
      readonly spec: { readonly kubelet?: unknown; readonly nodeClassRef?: { readonly apiVersion?: string } }
    }
  }
}

const instead = (field: string, write: string): Problem => problem(field, `a v1beta1 spelling: write ${write} instead`)

const formerProblems = (pool: NodePool): ReadonlyArray<Problem> => {
  const { apiVersion, spec: { disruption, template } } = pool as unknown as FormerPool
  const policyField = "spec.disruption.consolidationPolicy"
  const policy = disruption?.consolidationPolicy ?? "WhenEmptyOrUnderutilized"
  const reference = template.spec.nodeClassRef?.apiVersion
  const problems: Array<Problem> = []
  if (apiVersion === "karpenter.sh/v1beta1") problems.push(instead("apiVersion", "karpenter.sh/v1"))
  if (policy === "WhenUnderutilized") problems.push(instead(policyField, "WhenEmptyOrUnderutilized"))
  else if (!["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"].includes(policy)) {
    problems.push(found(policyField, quoted([policy]), "WhenEmpty, WhenEmptyOrUnderutilized or Balanced"))
  }
  if (disruption?.expireAfter !== undefined) {
    problems.push(instead("spec.disruption.expireAfter", "spec.template.spec.expireAfter"))
  }
  if (template.spec.kubelet !== undefined) {
    problems.push(instead("spec.template.spec.kubelet", "spec.kubelet of the LinodeNodeClass"))
  }
  if (reference !== undefined) {
    problems.push(instead("spec.template.spec.nodeClassRef.apiVersion", `group: ${reference.split("/")[0]}`))
  }
  return problems
}

/** Every problem of a NodePool, in the order of its fields; none when it may be used. */
export const validateNodePool = (pool: NodePool): ReadonlyArray<Problem> => [
  ...formerProblems(pool),
  ...labelProblems(pool.spec.template.metadata?.labels ?? {}),
  ...taintProblems(pool.spec.template.spec),
  ...pool.spec.template.spec.requirements.flatMap((requirement, position) =>
    requirementProblems(`spec.template.spec.requirements[${position}]`, requirement, isRestrictedInPool)),
  ...(pool.spec.disruption?.budgets ?? []).flatMap((budget, position) =>
    budgetProblems(budget).map(({ field, message }) => ({ field: `spec.disruption.budgets[${position}].${field}`, message }))
  )
]

/** The problems as one sentence, for a condition's message. */
export const problemsText = (problems: ReadonlyArray<Problem>): string =>
  problems.map(({ field, message }) => `${field}: ${message}`).join("; ")
