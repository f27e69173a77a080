/** Requirements on the labels of a node: by label key, the values allowed. Karpenter's algebra. */
import type { Labels, Requirement } from "./problem.ts"
import type { ValueSet } from "./valueSet.ts"
import {
  describeValues, hasValue, identityOf, intersection, isContradiction, overlaps, toRequirements, valuesIn, valueSet
} from "./valueSet.ts"
import { HostnameLabel, normalizeLabelKey } from "./wellKnown.ts"

/** A key that is absent allows everything. */
export type Requirements = ReadonlyMap<string, ValueSet>

/** Nothing is asked: every node will do. */
export const noRequirements: Requirements = new Map()

/** All of the given requirements at once; keys in their stable form. */
export const requirementsOf = (...lists: ReadonlyArray<ReadonlyArray<Requirement> | undefined>): Requirements => {
  const out = new Map<string, ValueSet>()
  for (const list of lists) for (const item of list ?? []) constrain(out, normalizeLabelKey(item.key), valueSet(item))
  return out
}

/** A requirement of one value per label. */
export const requirementsOfLabels = (labels: Labels | undefined): Requirements => {
  const out = new Map<string, ValueSet>()
  for (const key in labels) constrain(out, normalizeLabelKey(key), valuesIn([labels[key]!]))
  return out
}

const constrain = (into: Map<string, ValueSet>, key: string, set: ValueSet): void => {
  const have = into.get(key)
  into.set(key, have === undefined ? set : intersection(have, set))
}

/** Both at once. */
export const both = (a: Requirements, b: Requirements): Requirements => {
  if (b.size === 0) return a
  if (a.size === 0) return b
  const out = new Map(a)
  for (const [key, set] of b) constrain(out, key, set)
  return out
}

/** True when no key that both name keeps them apart. Keys that only one names do not matter. */
export const intersects = (a: Requirements, b: Requirements): boolean => {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  for (const [key, set] of small) {
    const other = large.get(key)
    if (other !== undefined && !overlaps(set, other)) return false
  }
  return true
}

/**
 * The first key, in order of the alphabet, at which `have` cannot give what `want` asks: a key that both name without a common
 * value, or one that `have` does not know, unless it is in `allowUndefined` or its absence is what is asked for.
 */
export const conflict = (have: Requirements, want: Requirements, allowUndefined: ReadonlySet<string>): string | undefined => {
  let first: string | undefined
  for (const [key, set] of want) {
    const own = have.get(key)
    const fine = own === undefined ? set.absent || (allowUndefined.has(key) && !isContradiction(set)) : overlaps(own, set)
    if (!fine && (first === undefined || key < first)) first = key
  }
  return first
}

/** Karpenter's compatibility: `want` can be met by a node that `have` describes. For nodes that exist, allow nothing. */
export const compatible = (have: Requirements, want: Requirements, allowUndefined: ReadonlySet<string>): boolean =>
  conflict(have, want, allowUndefined) === undefined

/** True when a node with these labels (keys in their stable form) satisfies every requirement, as kube-scheduler judges it. */
export const matchesLabels = (want: Requirements, labels: Labels): boolean => {
  for (const [key, set] of want) {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    if (value === undefined ? !set.absent : !hasValue(set, value)) return false
  }
  return true
}

/** As the API writes them, keys in order of the alphabet. */
export const serializeRequirements = (requirements: Requirements): ReadonlyArray<Requirement> =>
  sortedKeys(requirements).flatMap((key) => toRequirements(key, requirements.get(key)!))

/** Equal for equal requirements only: what to intern them by. */
export const identityOfRequirements = (requirements: Requirements): string =>
  sortedKeys(requirements).map((key) => `${key} ${identityOf(requirements.get(key)!)}`).join("\n")

/** For people: `zone In [a], arch In [amd64]`; the hostname is left out. */
export const describeRequirements = (requirements: Requirements): string =>
  sortedKeys(requirements).filter((key) => key !== HostnameLabel)
    .map((key) => `${key} ${describeValues(requirements.get(key)!)}`).join(", ")

const sortedKeys = (requirements: Requirements): ReadonlyArray<string> => [...requirements.keys()].sort()

/** A known key that the unknown one was probably meant to be: one contains the other, or they end alike. */
export const likelyKey = (unknown: string, known: Iterable<string>): string | undefined => {
  const tail = (key: string): string => key.slice(key.lastIndexOf("/") + 1)
  return [...known].sort().find((key) => key !== unknown && key !== HostnameLabel &&
    (key.includes(unknown) || unknown.includes(key) || tail(key) === tail(unknown)))
}
