import { assert, describe, it } from "@effect/vitest"
import type { Requirement, ValueSet } from "../../src/scheduling/index.ts"
import {
  anything, both, hasValue, intersection, isContradiction, matchesLabels, overlaps, requirementsOf, serializeRequirements,
  someValue, toRequirements, valueSet
} from "../../src/scheduling/index.ts"
import type { Dice } from "./generate/dice.ts"
import { dice, times } from "./generate/dice.ts"

/** Few enough that sets meet often: words, integers around the bounds, and the label being absent. */
const samples: ReadonlyArray<string | undefined> = ["a", "b", "c", "-1", "0", "1", "2", "3", "4", "07", "9", undefined]
const words = ["a", "b", "1", "2", "3", "07"]

const requirement = (d: Dice, key = "k"): Requirement => {
  const operator = d.pick(["In", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"])
  if (operator === "In" || operator === "NotIn") return { key, operator, values: times(1 + d.upTo(3), () => d.pick(words)) }
  if (operator === "Exists" || operator === "DoesNotExist") return { key, operator }
  return { key, operator, values: [d.pick(["0", "1", "2", "3"])] }
}

const setOf = (d: Dice): ValueSet => times(1 + d.upTo(3), () => valueSet(requirement(d))).reduce(intersection)

const has = (set: ValueSet, value: string | undefined): boolean => value === undefined ? set.absent : hasValue(set, value)
const members = (set: ValueSet): ReadonlyArray<string | undefined> => samples.filter((value) => has(set, value))

const forSets = (count: number, law: (a: ValueSet, b: ValueSet, c: ValueSet, seed: number) => void): void => {
  for (let seed = 1; seed <= count; seed++) {
    const d = dice(seed)
    law(setOf(d), setOf(d), setOf(d), seed)
  }
}

describe("what requirements on one label allow", () => {
  it("is in both where it is in the intersection", () => forSets(2000, (a, b, _, seed) => {
    assert.deepStrictEqual(members(intersection(a, b)), members(a).filter((value) => has(b, value)), `seed ${seed}`)
  }))

  it("does not depend on who is asked first", () => forSets(2000, (a, b, _, seed) => {
    assert.deepStrictEqual(intersection(a, b), intersection(b, a), `seed ${seed}`)
    assert.strictEqual(overlaps(a, b), overlaps(b, a), `seed ${seed}`)
  }))

  it("does not depend on who is asked together", () => forSets(2000, (a, b, c, seed) => {
    assert.deepStrictEqual(intersection(intersection(a, b), c), intersection(a, intersection(b, c)), `seed ${seed}`)
  }))

  it("is the same when asked twice", () => forSets(2000, (a, b, _, seed) => {
    assert.deepStrictEqual(intersection(a, a), a, `seed ${seed}`)
    assert.deepStrictEqual(intersection(intersection(a, b), b), intersection(a, b), `seed ${seed}`)
  }))

  it("overlaps where the intersection is no contradiction", () => forSets(2000, (a, b, _, seed) => {
    assert.strictEqual(overlaps(a, b), !isContradiction(intersection(a, b)), `seed ${seed}`)
    if (members(intersection(a, b)).length > 0) assert.isTrue(overlaps(a, b), `seed ${seed}`)
  }))

  it("holds the value that is chosen from it", () => forSets(2000, (a, _, __, seed) => {
    const value = someValue(a)
    if (value !== undefined) assert.isTrue(hasValue(a, value), `seed ${seed}`)
  }))

  it("is the same after being written down and read again", () => forSets(2000, (a, _, __, seed) => {
    const read = toRequirements("k", a).map((item) => valueSet(item)).reduce(intersection, anything)
    assert.deepStrictEqual(read, a, `seed ${seed}`)
  }))
})

describe("requirements on several labels", () => {
  const keys = ["k", "l", "m"]
  const list = (d: Dice): ReadonlyArray<Requirement> => times(1 + d.upTo(4), () => requirement(d, d.pick(keys)))
  const nodes = (d: Dice) => times(10, () => Object.fromEntries(
    keys.flatMap((key) => d.chance(0.7) ? [[key, d.pick(["a", "b", "0", "1", "2", "3", "07"])]] : [])
  ))

  it("are met by the labels that meet each of them", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const d = dice(seed)
      const [a, b] = [list(d), list(d)]
      const all = both(requirementsOf(a), requirementsOf(b))
      for (const labels of nodes(d)) {
        const each = [...a, ...b].every((item) => matchesLabels(requirementsOf([item]), labels))
        assert.strictEqual(matchesLabels(all, labels), each, `seed ${seed}`)
      }
    }
  })

  it("are met by the same labels after being written down and read again", () => {
    for (let seed = 1; seed <= 2000; seed++) {
      const d = dice(seed)
      const set = requirementsOf(list(d))
      const read = requirementsOf(serializeRequirements(set))
      for (const labels of nodes(d)) assert.strictEqual(matchesLabels(read, labels), matchesLabels(set, labels), `seed ${seed}`)
    }
  })
})
