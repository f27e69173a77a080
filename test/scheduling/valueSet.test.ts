import { assert, describe, it } from "@effect/vitest"
import {
  anything, compatible, hasValue, intersection, intersects, isContradiction, matchesLabels, noValue, normalizeLabelKey, operatorOf,
  overlaps, requirementsOf, requirementsOfLabels, serializeRequirements, someValue, toRequirements, valueSet
} from "../../src/scheduling/index.ts"
import type { Requirement, ValueSet } from "../../src/scheduling/index.ts"
import { identityOf } from "../../src/scheduling/valueSet.ts"

const key = "example.com/size"
const one = (operator: string, ...values: ReadonlyArray<string>): Requirement => ({ key, operator, values })

const samples: ReadonlyArray<Requirement> = [
  one("In", "a"), one("In", "a", "b"), one("In", "1", "3", "b"), one("In", "5"), one("In"),
  one("NotIn", "a"), one("NotIn", "1", "3"), one("NotIn", "3", "5", "b"), one("Exists"), one("DoesNotExist"),
  one("Gt", "1"), one("Gt", "3"), one("Gte", "3"), one("Lt", "3"), one("Lt", "5"), one("Lte", "3"), one("Lte", "-1"),
  { ...one("In", "a", "3"), minValues: 2 }, { ...one("Exists"), minValues: 3 }
]
const sets: ReadonlyArray<ValueSet> = samples.map(valueSet)
const universe = ["", "a", "b", "c", "-2", "0", "1", "2", "3", "4", "5", "6", "1000", "3x", "1.5"]

const each = (check: (a: ValueSet, b: ValueSet) => void): void => {
  for (const a of sets) for (const b of sets) check(a, b)
}

describe("the set of values that a requirement allows", () => {
  it.each<[Requirement, ReadonlyArray<string>]>([
    [one("In", "a", "3"), ["a", "3"]],
    [one("NotIn", "a", "b", "c", "3x", "1.5", ""), ["-2", "0", "1", "2", "3", "4", "5", "6", "1000"]],
    [one("Exists"), universe],
    [one("DoesNotExist"), []],
    [one("Gt", "3"), ["4", "5", "6", "1000"]],
    [one("Gte", "3"), ["3", "4", "5", "6", "1000"]],
    [one("Lt", "1"), ["-2", "0"]],
    [one("Lte", "1"), ["-2", "0", "1"]],
    [one("Gt", "many"), []],
    [one("Gt", "9223372036854775807"), []],
    [one("Near", "1"), []]
  ])("of %j", (requirement, allowed) => {
    assert.deepStrictEqual(universe.filter((value) => hasValue(valueSet(requirement), value)), [...allowed])
  })

  it("intersects as the values do", () => {
    each((a, b) => {
      for (const value of universe) {
        assert.strictEqual(
          hasValue(intersection(a, b), value), hasValue(a, value) && hasValue(b, value), `${identityOf(a)} ∩ ${identityOf(b)}`
        )
      }
      assert.strictEqual(intersection(a, b).absent, a.absent && b.absent)
    })
  })

  it("intersects in any order, in any grouping, and with itself to itself", () => {
    each((a, b) => {
      assert.strictEqual(identityOf(intersection(a, b)), identityOf(intersection(b, a)))
      for (const c of sets) {
        assert.strictEqual(identityOf(intersection(intersection(a, b), c)), identityOf(intersection(a, intersection(b, c))))
      }
    })
    for (const a of sets) {
      assert.strictEqual(identityOf(intersection(a, a)), identityOf(a))
      assert.strictEqual(identityOf(intersection(a, anything)), identityOf(a))
      assert.strictEqual(isContradiction(intersection(a, noValue)), !a.absent)
    }
  })

  it("overlaps exactly where the intersection is not empty", () => {
    each((a, b) => assert.strictEqual(overlaps(a, b), !isContradiction(intersection(a, b))))
  })

  it("keeps the larger minValues", () => {
    const min = (minValues?: number): ValueSet => valueSet(
      { ...one("Exists"), ...(minValues === undefined ? {} : { minValues }) }
    )
    assert.strictEqual(intersection(min(2), min(5)).minValues, 5)
    assert.strictEqual(intersection(min(), min(5)).minValues, 5)
    assert.strictEqual(intersection(min(), min()).minValues, undefined)
  })

  it("is read back from what is written", () => {
    each((a, b) => {
      const both = intersection(a, b)
      const again = requirementsOf(toRequirements(key, both)).get(key) ?? anything
      for (const value of universe) assert.strictEqual(hasValue(again, value), hasValue(both, value))
      assert.strictEqual(identityOf(again), identityOf(both))
    })
  })

  it("gives the same value each time, and one that it has", () => {
    each((a, b) => {
      const both = intersection(a, b)
      const value = someValue(both)
      if (value !== undefined) assert.isTrue(hasValue(both, value), identityOf(both))
      else assert.isFalse(universe.some((other) => both.values.has(other)) && !both.complement)
    })
    assert.strictEqual(someValue(valueSet(one("NotIn", "0", "1"))), "2")
    assert.strictEqual(someValue(valueSet(one("In", "b", "a"))), "a")
    assert.strictEqual(someValue(noValue), undefined)
  })

  it("has a missing label as a member for NotIn and DoesNotExist only", () => {
    assert.deepStrictEqual(
      samples.filter((_, i) => sets[i]!.absent).map((sample) => sample.operator), ["NotIn", "NotIn", "NotIn", "DoesNotExist"]
    )
  })

  it("is a contradiction, and not a missing label, when two demands have no value in common", () => {
    assert.isTrue(isContradiction(intersection(valueSet(one("In", "a")), valueSet(one("In", "b")))))
    assert.isTrue(isContradiction(intersection(valueSet(one("In", "a")), valueSet(one("DoesNotExist")))))
    assert.strictEqual(operatorOf(intersection(valueSet(one("NotIn", "a")), valueSet(one("DoesNotExist")))), "DoesNotExist")
  })
})

describe("requirements on labels", () => {
  const wellKnown = new Set(["topology.kubernetes.io/zone"])
  const zone = "topology.kubernetes.io/zone"

  it.each<[string, ReadonlyArray<Requirement>, ReadonlyArray<Requirement>, boolean]>([
    ["a custom label that is not set is refused", [], [one("In", "a")], false],
    ["a custom label that is not set satisfies NotIn", [], [one("NotIn", "a")], true],
    ["a custom label that is not set satisfies DoesNotExist", [], [one("DoesNotExist")], true],
    ["a custom label that is not set does not satisfy Exists", [], [one("Exists")], false],
    ["a custom label that is not set does not satisfy Gt", [], [one("Gt", "1")], false],
    ["a well-known label need not be set", [], [{ key: zone, operator: "In", values: ["a"] }], true],
    ["a value in common", [one("In", "a", "b")], [one("In", "b", "c")], true],
    ["no value in common", [one("In", "a")], [one("In", "b")], false],
    ["two that both admit absence", [one("DoesNotExist")], [one("NotIn", "a")], true],
    ["a label that must not be there against one that must", [one("DoesNotExist")], [one("Exists")], false],
    ["bounds that cross", [one("Gt", "5")], [one("Lt", "3")], false],
    ["demands that contradict each other", [], [one("In", "a"), one("In", "b")], false],
    ["a value that must be there after one that must not", [one("NotIn", "a")], [one("Exists")], true],
    ["bounds that meet", [one("Gte", "3")], [one("Lte", "3")], true]
  ])("%s", (_, have, want, fine) => {
    assert.strictEqual(compatible(requirementsOf(have), requirementsOf(want), wellKnown), fine)
  })

  it("agree when one side does not speak of a label", () => {
    assert.isTrue(intersects(requirementsOf([one("In", "a")]), requirementsOf([{ key: zone, operator: "In", values: ["a"] }])))
    assert.isFalse(intersects(requirementsOf([one("In", "a")]), requirementsOf([one("In", "b")])))
  })

  it("know renamed labels by their stable keys", () => {
    assert.strictEqual(normalizeLabelKey("failure-domain.beta.kubernetes.io/zone"), zone)
    assert.deepStrictEqual(
      serializeRequirements(requirementsOf(
        [{ key: "beta.kubernetes.io/arch", operator: "In", values: ["amd64", "arm64"] }],
        [{ key: "kubernetes.io/arch", operator: "NotIn", values: ["arm64"] }]
      )),
      [{ key: "kubernetes.io/arch", operator: "In", values: ["amd64"] }]
    )
    assert.deepStrictEqual([...requirementsOfLabels({ "beta.kubernetes.io/os": "linux" }).keys()], ["kubernetes.io/os"])
  })

  it("match a node as kube-scheduler does", () => {
    const labels = { [key]: "3" }
    for (const [i, sample] of samples.entries()) {
      assert.strictEqual(matchesLabels(requirementsOf([sample]), labels), hasValue(sets[i]!, "3"), JSON.stringify(sample))
      assert.strictEqual(matchesLabels(requirementsOf([sample]), {}), sets[i]!.absent, JSON.stringify(sample))
    }
  })
})
