/** Requirements of which one must hold, kept few: nearly every pod ends with one, or with none where any node will do. */
import type { Requirements } from "./requirements.ts"
import { both, identityOfRequirements, intersects } from "./requirements.ts"
import type { ValueSet } from "./valueSet.ts"
import { isContradiction, valuesIn } from "./valueSet.ts"

/** No alternative stands for no constraint. */
export const anyNode: ReadonlyArray<Requirements> = []

/**
 * The alternatives of two volumes that one node must serve: each of the one with each of the other, where they agree. Undefined
 * where none do.
 */
export const allOf = (
  a: ReadonlyArray<Requirements>, b: ReadonlyArray<Requirements>
): ReadonlyArray<Requirements> | undefined => {
  const product = a.length === 0 ? b : b.length === 0 ? a
    : a.flatMap((one) => b.filter((other) => intersects(one, other)).map((other) => both(one, other)))
  const possible = product.filter((one) => ![...one.values()].some(isContradiction))
  return possible.length === 0 && a.length + b.length > 0 ? undefined : merge(possible)
}

/** Alternatives that leave several values of a label, with each value by itself, in the order in which they were given. */
export const partsOf = (alternatives: ReadonlyArray<Requirements>): ReadonlyArray<Requirements> =>
  alternatives.flatMap((one) => [...one].flatMap(([key, set]) => (
    isList(set) && set.values.size > 1 ? [...set.values].map((value) => new Map(one).set(key, valuesIn([value]))) : []
  )))

/** Alternatives that differ in the values of one key only become one, and equal ones are said once. */
const merge = (alternatives: ReadonlyArray<Requirements>): ReadonlyArray<Requirements> => {
  let left = alternatives
  for (let before = -1; before !== left.length;) {
    before = left.length
    if (left.some((one) => one.size === 0)) return anyNode
    for (const key of new Set(left.flatMap((one) => [...one.keys()]))) left = mergeAt(left, key)
  }
  return left
}

const mergeAt = (alternatives: ReadonlyArray<Requirements>, key: string): ReadonlyArray<Requirements> => {
  const out = new Map<string, Requirements>()
  for (const one of alternatives) {
    const set = one.get(key)
    const rest = new Map(one)
    rest.delete(key)
    // What cannot be joined stands for itself.
    const identity = set !== undefined && isList(set) ? identityOfRequirements(rest) : `= ${identityOfRequirements(one)}`
    const known = out.get(identity)
    const union = known === undefined || set === undefined || !isList(set)
      ? one : new Map(one).set(key, valuesIn([...known.get(key)!.values, ...set.values]))
    out.set(identity, union)
  }
  return [...out.values()]
}

const isList = (set: ValueSet): boolean => !set.complement && !set.absent && set.minValues === undefined
