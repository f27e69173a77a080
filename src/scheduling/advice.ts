/** What a person can do about a refusal: the smallest change of a NodePool that would let the pod in. */
import { allBits, hasBit, isEmptyBits } from "./bits.ts"
import type { Catalogue } from "./catalogue.ts"
import type { Pool } from "./pools.ts"
import { matchingTypes } from "./pools.ts"
import type { Requirements } from "./requirements.ts"
import type { ValueSet } from "./valueSet.ts"
import { describeValues, hasValue, isContradiction, someValue } from "./valueSet.ts"

/** `zone us-ord`, or that the label may be missing. */
const valueText = (key: string, set: ValueSet, wanted: ValueSet | undefined): string => {
  const agreed = set.complement || wanted === undefined ? [] : [...set.values].filter((value) => hasValue(wanted, value))
  const value = agreed.sort()[0] ?? someValue(set)
  return value === undefined ? `nodes without ${key}` : `${key} ${value}`
}

/** The labels by which the NodePool leaves a type out. */
const inTheWay = (pool: Pool, t: number): ReadonlyArray<string> => [...pool.requirements].flatMap(([key, set]) => {
  const types = pool.catalogue.matching(key, set)
  return types === undefined || hasBit(types, t) ? [] : [key]
}).sort()

/**
 * What the NodePool would have to allow besides, for a type that agrees with what the pod demands and that `holds` says yes to:
 * the fewest labels, then the cheapest type. `allow zone us-ord in NodePool default (g6-standard-2 holds it)`; undefined where no
 * type that is to be had would do, or where no requirement of the NodePool is in the way.
 */
export const allowing = (pool: Pool, want: Requirements, holds: (t: number) => boolean): string | undefined => {
  const { catalogue } = pool
  const agreeing = matchingTypes(catalogue, want, allBits(catalogue.types.length))
  let best: { readonly t: number; readonly price: number; readonly keys: ReadonlyArray<string> } | undefined
  for (let t = 0; t < catalogue.types.length; t++) {
    if (!hasBit(agreeing, t) || !holds(t)) continue
    const offering = catalogue.offering(t, want)
    if (offering === undefined) continue
    const keys = inTheWay(pool, t)
    if (keys.length === 0) continue
    const further = best === undefined ? -1 : keys.length - best.keys.length || offering.price - best.price
    if (further < 0) best = { t, price: offering.price, keys }
  }
  if (best === undefined) return undefined
  const { keys, t } = best
  const changes = keys.map((key) => valueText(key, catalogue.requirement(t, key)!, want.get(key)))
  return `allow ${changes.join(" and ")} in NodePool ${pool.name} (${catalogue.types[t]!.name} holds it)`
}

/** Values that types have of a label, the first few. */
const valuesOf = (catalogue: Catalogue, key: string): string => {
  const values = [...new Set(catalogue.types.flatMap((_, t) => [...catalogue.requirement(t, key)?.values ?? []]))].sort()
  const more = values.length > 5 ? ` and ${values.length - 5} others` : ""
  return values.length === 0 ? "" : `; there is ${values.slice(0, 5).join(", ")}${more}`
}

/** The first of the labels whose requirement no instance type meets, as a sentence; undefined where each is met by some. */
export const metByNone = (catalogue: Catalogue, requirements: Requirements): string | undefined => {
  const everything = allBits(catalogue.types.length)
  const key = [...requirements.keys()].sort()
    .find((each) => isEmptyBits(matchingTypes(catalogue, new Map([[each, requirements.get(each)!]]), everything)))
  return key === undefined
    ? undefined
    : `no instance type has ${key} ${describeValues(requirements.get(key)!)}${valuesOf(catalogue, key)}`
}

/** What to change where the NodePool's own say on a label keeps the pod away, and no type has a say in it. */
export const settling = (pool: Pool, key: string, wanted: ValueSet): string | undefined => {
  const own = pool.requirements.get(key)
  const value = someValue(wanted)
  if (isContradiction(wanted) || (own === undefined && value === undefined)) return undefined
  if (own === undefined) {
    return `add the label ${key}${wanted.complement ? "" : `=${value}`} to NodePool ${pool.name}`
  }
  const isFixed = Object.hasOwn(pool.labels, key)
  return isFixed || value === undefined ? undefined : `allow ${key} ${value} in NodePool ${pool.name}`
}
