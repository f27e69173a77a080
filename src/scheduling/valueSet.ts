/**
 * What a requirement says about one label, as a set: some values or all but some, within optional bounds, and whether a node may
 * be without the label, which counts as one more member. Every operator of Kubernetes and Karpenter is such a set, and two
 * requirements on one label are their intersection. (Karpenter lets the empty set stand for DoesNotExist, and so takes `In [a]`
 * together with `In [b]` for "no label"; here that is a contradiction, as it is to Kubernetes.)
 */
import type { Requirement } from "./problem.ts"

/** The allowed values of one label. Immutable; equal sets may be written differently. */
export interface ValueSet {
  /** True: all values but `values`. */
  readonly complement: boolean
  readonly values: ReadonlySet<string>
  /** Whether a node without the label is fine. */
  readonly absent: boolean
  /** Whole numbers from here, inclusive. Only complements have bounds. */
  readonly gte?: number
  readonly lte?: number
  /** How many of the values the instance types left must cover. */
  readonly minValues?: number
}

/** What a set amounts to in the API's words, bounds apart. */
export type Operator = "In" | "NotIn" | "Exists" | "DoesNotExist"

const none: ReadonlySet<string> = new Set()

const make = (
  complement: boolean,
  values: ReadonlySet<string>,
  absent: boolean,
  gte: number | undefined,
  lte: number | undefined,
  minValues: number | undefined
): ValueSet => ({
  complement,
  values,
  absent,
  ...(gte === undefined ? {} : { gte }),
  ...(lte === undefined ? {} : { lte }),
  ...(minValues === undefined ? {} : { minValues })
})

/** Exactly these values; the label must be there. */
export const valuesIn = (values: Iterable<string>): ValueSet => ({ complement: false, values: new Set(values), absent: false })
/** Any value or none: what is allowed where nothing is said. */
export const anything: ValueSet = { complement: true, values: none, absent: true }
/** The label must not be there. */
export const noValue: ValueSet = { complement: false, values: none, absent: true }

const integer = /^[+-]?\d+$/

/** The whole number that a label value or bound spells, if it does. */
const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && integer.test(text) ? Number(text) : undefined

/**
 * The set that a requirement describes. Unknown operators and bounds that are no whole numbers describe the empty set, which no
 * node is in: the API server refuses both, so nothing may match what it would not have taken.
 */
export const valueSet = (requirement: Requirement): ValueSet => {
  const { values = [], minValues } = requirement
  const bound = wholeNumber(values[0])
  const within = (gte: number | undefined, lte: number | undefined): ValueSet =>
    bound === undefined || (gte ?? 0) > Number.MAX_SAFE_INTEGER ? make(false, none, false, undefined, undefined, minValues)
      : make(true, none, false, gte, lte, minValues)
  switch (requirement.operator) {
    case "In":
      return make(false, new Set(values), false, undefined, undefined, minValues)
    case "NotIn":
      return make(true, new Set(values), true, undefined, undefined, minValues)
    case "Exists":
      return make(true, none, false, undefined, undefined, minValues)
    case "DoesNotExist":
      return make(false, none, true, undefined, undefined, minValues)
    case "Gt":
      return within((bound ?? 0) + 1, undefined)
    case "Gte":
      return within(bound, undefined)
    case "Lt":
      return within(undefined, (bound ?? 0) - 1)
    case "Lte":
      return within(undefined, bound)
    default:
      return make(false, none, false, undefined, undefined, minValues)
  }
}

/** The operator that the values amount to; neither bounds nor absence matter to it. */
export const operatorOf = (set: ValueSet): Operator =>
  set.complement ? set.values.size > 0 ? "NotIn" : "Exists" : set.values.size > 0 ? "In" : "DoesNotExist"

/** True when no node can satisfy it. */
export const isContradiction = (set: ValueSet): boolean => !set.complement && !set.absent && set.values.size === 0

const withinBounds = (value: string, gte: number | undefined, lte: number | undefined): boolean => {
  if (gte === undefined && lte === undefined) return true
  const number = wholeNumber(value)
  return number !== undefined && (gte === undefined || number >= gte) && (lte === undefined || number <= lte)
}

/** True when the label may have this value. */
export const hasValue = (set: ValueSet, value: string): boolean =>
  set.values.has(value) !== set.complement && withinBounds(value, set.gte, set.lte)

const larger = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.max(a, b)

const smaller = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)

/** The values that both allow. The larger minValues holds. */
export const intersection = (a: ValueSet, b: ValueSet): ValueSet => {
  const gte = larger(a.gte, b.gte)
  const lte = smaller(a.lte, b.lte)
  const minValues = larger(a.minValues, b.minValues)
  const absent = a.absent && b.absent
  if (gte !== undefined && lte !== undefined && gte > lte) return make(false, none, absent, undefined, undefined, minValues)
  const values = new Set<string>()
  if (a.complement && b.complement) {
    for (const side of [a, b]) for (const value of side.values) if (withinBounds(value, gte, lte)) values.add(value)
    return make(true, values, absent, gte, lte, minValues)
  }
  const [concrete, other] = a.complement ? [b, a] : [a, b]
  for (const value of concrete.values) {
    if (other.values.has(value) !== other.complement && withinBounds(value, gte, lte)) values.add(value)
  }
  return make(false, values, absent, undefined, undefined, minValues)
}

/** True when a node could satisfy both: what `intersection` would say, without building it. */
export const overlaps = (a: ValueSet, b: ValueSet): boolean => {
  if (a.absent && b.absent) return true
  const gte = larger(a.gte, b.gte)
  const lte = smaller(a.lte, b.lte)
  if (gte !== undefined && lte !== undefined && gte > lte) return false
  if (a.complement && b.complement) return true
  const [concrete, other] = a.complement ? [b, a] : [a, b]
  for (const value of concrete.values) {
    if (other.values.has(value) !== other.complement && withinBounds(value, gte, lte)) return true
  }
  return false
}

/** One value of the set, the same one each time: the first in order, or the smallest number that is not excluded. */
export const someValue = (set: ValueSet): string | undefined => {
  if (!set.complement) return [...set.values].sort()[0]
  const from = set.gte ?? (set.lte !== undefined && set.lte < 0 ? set.lte - set.values.size : 0)
  for (let n = from; set.lte === undefined || n <= set.lte; n++) if (!set.values.has(String(n))) return String(n)
  return undefined
}

/** The set as the API writes it, which may take several items; values sorted. Nothing where anything is allowed. */
export const toRequirements = (key: string, set: ValueSet): ReadonlyArray<Requirement> => {
  const min = set.minValues === undefined ? {} : { minValues: set.minValues }
  const out: Array<Requirement> = []
  if (set.gte !== undefined) out.push({ key, operator: "Gte", values: [String(set.gte)], ...min })
  if (set.lte !== undefined) out.push({ key, operator: "Lte", values: [String(set.lte)], ...min })
  const operator = operatorOf(set)
  const present = operator === "Exists" || operator === "NotIn"
  if (present && !set.absent && out.length === 0) out.push({ key, operator: "Exists", ...min })
  if (operator === "In" || operator === "NotIn") out.push({ key, operator, values: [...set.values].sort(), ...min })
  if (operator === "DoesNotExist") out.push(set.absent ? { key, operator, ...min } : { key, operator: "In", values: [], ...min })
  return out
}

/** Equal for equal sets only: what to intern a set by. */
export const identityOf = (set: ValueSet): string => {
  // Most sets are one value, or none.
  if (!set.complement && set.minValues === undefined && set.values.size < 2) {
    for (const value of set.values) return `${set.absent ? "?" : "="}${value}`
    return set.absent ? "?" : "="
  }
  return JSON.stringify([set.complement, set.absent, [...set.values].sort(), set.gte ?? "", set.lte ?? "", set.minValues ?? ""])
}

/** For people: `In [a, b]`, `NotIn [c]`, `Exists`, `Gte 4`; long lists are cut to five. */
export const describeValues = (set: ValueSet): string => {
  if (isContradiction(set)) return "In [] (it contradicts itself)"
  const listed = (values: ReadonlyArray<string> | undefined): string => {
    if (values === undefined) return ""
    const more = values.length > 5 ? ` and ${values.length - 5} others` : ""
    return ` [${values.slice(0, 5).join(", ")}${more}]`
  }
  const described = toRequirements("", set).map(({ operator, values }) =>
    operator === "Gte" || operator === "Lte" ? `${operator} ${values![0]}` : operator + listed(values))
  return described.join(" and ") || "anything"
}
