/** minValues: how many values of a label the instance types left must cover, so that a sold-out type has substitutes. */
import type { Requirements } from "./requirements.ts"
import type { State } from "./states.ts"
import type { ValueSet } from "./valueSet.ts"
import { hasValue } from "./valueSet.ts"

/** How many different values of a label the types have that the requirement allows. */
const coverage = (state: State, types: ReadonlyArray<number>, key: string): number => {
  const allowed = state.requirements.get(key)
  const values = new Set<string>()
  for (const t of types) {
    for (const value of state.pool.catalogue.requirement(t, key)?.values ?? []) {
      if (allowed === undefined || hasValue(allowed, value)) values.add(value)
    }
  }
  return values.size
}

/** The labels whose minValues these types do not cover, each with how many values they do. */
export const uncovered = (state: State, types: ReadonlyArray<number>): ReadonlyMap<string, number> => {
  const out = new Map<string, number>()
  for (const [key, count] of state.minimums) {
    const has = coverage(state, types, key)
    if (has < count) out.set(key, has)
  }
  return out
}

/** The same for the types that a node with this need would name. */
export const shortfalls = (state: State, need: Float64Array): ReadonlyMap<string, number> =>
  uncovered(state, state.holding(need, 0).slice(0, state.mostTypes))

/** The requirements with each of these minValues lowered to what there is. */
export const relaxMinimums = (requirements: Requirements, to: ReadonlyMap<string, number>): Requirements => {
  const out = new Map(requirements)
  for (const [key, count] of to) out.set(key, lowered(requirements.get(key)!, count))
  return out
}

const lowered = (set: ValueSet, minValues: number): ValueSet => ({ ...set, minValues })
