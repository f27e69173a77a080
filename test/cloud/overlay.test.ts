import { assert, describe, it } from "@effect/vitest"
import { label } from "../../src/apis/labels.ts"
import type { NodeOverlay } from "../../src/apis/nodeOverlay.ts"
import { correct, correctedPrice, overlay, overlayOf } from "../../src/cloud/overlay.ts"
import { huge, instanceType, large, medium, nodePool, small } from "../cluster/world.ts"

const types = [small, medium, large, huge]
const named = (name: string, spec: Partial<NodeOverlay["spec"]> = {}): NodeOverlay =>
  ({ metadata: { name }, spec: { requirements: [], ...spec } })
const typeIn = (...values: ReadonlyArray<string>) => [{ key: label.instanceType, operator: "In" as const, values }]

/** Prices by type in the pool `default`, once the overlays have done their work. */
const prices = (overlays: ReadonlyArray<NodeOverlay>, pool = nodePool()): Readonly<Record<string, number>> => {
  const { corrections } = overlay(overlays, [{ pool, types }])
  return Object.fromEntries(correct(types, corrections.get(pool.metadata.name) ?? new Map())
    .map(({ name, offerings }) => [name, offerings[0]!.price]))
}
const listed = { small: 0.036, medium: 0.072, large: 0.144, huge: 0.288 }

describe("a price", () => {
  it.each([
    [0.1, "0.5", 0.5], [0.1, "0", 0], [0.1, "+0.02", 0.12], [0.1, "-0.02", 0.08], [0.1, "-0.5", 0],
    [0.2, "+10%", 0.22], [0.2, "-10%", 0.18], [0.2, "-100%", 0], [0.2, "+250%", 0.7], [0.072, "+.5%", 0.07236]
  ])("of %d with %s is %d", (price, written, expected) => {
    assert.strictEqual(correctedPrice(price, written), expected)
  })
})

describe("an overlay", () => {
  it("changes what it selects and leaves the rest as the same objects", () => {
    const pool = nodePool()
    const { accepted, corrections } = overlay([named("a", { requirements: typeIn("small"), price: "0.01" })], [{ pool, types }])
    const [first, ...others] = correct(types, corrections.get("default")!)
    assert.lengthOf(accepted, 1)
    assert.strictEqual(first?.offerings[0]?.price, 0.01)
    assert.deepStrictEqual(overlayOf(first!), { price: true, capacity: false })
    assert.isTrue(others.every((type, i) => type === types[i + 1]))
    assert.deepStrictEqual(overlayOf(medium), { price: false, capacity: false })
    assert.strictEqual(small.offerings[0]?.price, 0.036)
  })

  it("selects by labels of types, by zone and capacity type, by the NodePool and the labels of its template", () => {
    const select = (...requirements: NodeOverlay["spec"]["requirements"]) => prices([named("a", { requirements, price: "1" })],
      nodePool("default", { template: { ...nodePool().spec.template, metadata: { labels: { team: "red" } } } }))
    const every = { small: 1, medium: 1, large: 1, huge: 1 }
    assert.deepStrictEqual(select(), every)
    assert.deepStrictEqual(select({ key: label.zone, operator: "In", values: ["us-ord"] }), every)
    assert.deepStrictEqual(select({ key: label.zone, operator: "In", values: ["us-sea"] }), listed)
    assert.deepStrictEqual(select({ key: label.capacityType, operator: "In", values: ["on-demand"] }), every)
    assert.deepStrictEqual(select({ key: label.nodePool, operator: "In", values: ["default"] }), every)
    assert.deepStrictEqual(select({ key: label.nodePool, operator: "NotIn", values: ["default"] }), listed)
    assert.deepStrictEqual(select({ key: "team", operator: "In", values: ["red", "blue"] }), every)
    assert.deepStrictEqual(select({ key: "team", operator: "In", values: ["blue"] }), listed)
    assert.deepStrictEqual(select({ key: "beta.kubernetes.io/arch", operator: "In", values: ["amd64"] }), every)
  })

  it("does not select by a label that nobody knows of, unless it asks for its absence", () => {
    const select = (operator: "Exists" | "DoesNotExist") =>
      prices([named("a", { requirements: [{ key: "unknown", operator }], price: "1" })])["small"]
    assert.strictEqual(select("Exists"), 0.036)
    assert.strictEqual(select("DoesNotExist"), 1)
  })

  it("adds resources of its own to the whole type, and of two the heavier wins resource by resource", () => {
    const { accepted, corrections } = overlay([
      named("light", { weight: 1, capacity: { "example.com/fuse": 1, "example.com/port": "4" } }),
      named("heavy", { weight: 5, requirements: typeIn("small"), capacity: { "example.com/fuse": 100 } })
    ], [{ pool: nodePool(), types }])
    assert.lengthOf(accepted, 2)
    const [first, second] = correct(types, corrections.get("default")!)
    assert.deepInclude(first?.capacity, { cpu: "2", "example.com/fuse": 100, "example.com/port": "4" })
    assert.deepInclude(second?.capacity, { "example.com/fuse": 1, "example.com/port": "4" })
    assert.deepStrictEqual(overlayOf(first!), { price: false, capacity: true })
  })

  it("holds for each NodePool by itself", () => {
    const pools = [nodePool("a"), nodePool("b")]
    const requirements = [{ key: label.nodePool, operator: "In" as const, values: ["a"] }]
    const all = [named("o", { requirements, priceAdjustment: "+100%" })]
    const { corrections } = overlay(all, pools.map((pool) => ({ pool, types })))
    assert.deepStrictEqual([...corrections.keys()], ["a"])
  })
})

describe("of several overlays", () => {
  const price = (name: string, value: string, weight?: number, requirements: NodeOverlay["spec"]["requirements"] = []) =>
    named(name, { price: value, requirements, ...(weight === undefined ? {} : { weight }) })

  it("the heaviest sets the price, in whatever order they come", () => {
    const all = [price("a", "1", 1), price("b", "2", 2), price("c", "3", 3, typeIn("huge"))]
    const expected = { small: 2, medium: 2, large: 2, huge: 3 }
    assert.deepStrictEqual(prices(all), expected)
    assert.deepStrictEqual(prices(all.toReversed()), expected)
  })

  it("the last in the alphabet counts where two of one weight set the same price; the other counts nowhere", () => {
    const all = [price("a", "1", 5), price("b", "2", 5, typeIn("small"))]
    const { accepted, rejected } = overlay(all, [{ pool: nodePool(), types }])
    assert.deepStrictEqual(accepted.map(({ metadata: { name } }) => name), ["b"])
    assert.deepStrictEqual(rejected.map(({ overlay: { metadata: { name } }, reason }) => [name, reason]), [["a", "Conflict"]])
    assert.include(rejected[0]?.message, "conflict with another overlay: b")
    assert.deepStrictEqual(prices(all), { ...listed, small: 2 })
  })

  it("two without a weight conflict, two that set different things do not", () => {
    const fuse = named("fuse", { capacity: { "example.com/fuse": 1 } })
    const other = named("other", { capacity: { "example.com/port": 1 } })
    const rejectedOf = (...all: ReadonlyArray<NodeOverlay>) =>
      overlay(all, [{ pool: nodePool(), types }]).rejected.map((each) => each.overlay.metadata.name)
    assert.deepStrictEqual(rejectedOf(price("a", "1"), price("b", "2")), ["a"])
    assert.deepStrictEqual(rejectedOf(price("a", "1"), fuse, other), [])
    assert.deepStrictEqual(rejectedOf(fuse, { ...fuse, metadata: { name: "a" } }), ["a"])
    const [one, another] = [price("a", "1", undefined, typeIn("small")), price("b", "2", undefined, typeIn("huge"))]
    assert.deepStrictEqual(rejectedOf(one, another), [])
  })

  it("two conflict though a heavier one hides both", () => {
    const { rejected } = overlay([price("a", "1", 5), price("b", "2", 5), price("c", "3", 9)], [{ pool: nodePool(), types }])
    assert.deepStrictEqual(rejected.map((each) => each.overlay.metadata.name), ["a"])
  })

  it("a conflict in one NodePool rejects the overlay in all of them", () => {
    const special = instanceType("special", 2, 4, 0.1)
    const catalogues = [{ pool: nodePool("one"), types: [small] }, { pool: nodePool("two"), types: [special] }]
    const { corrections, rejected } = overlay([price("z", "1", 1, typeIn("special")), price("a", "2", 1)], catalogues)
    assert.deepStrictEqual(rejected.map((each) => each.overlay.metadata.name), ["a"])
    assert.deepStrictEqual([...corrections.keys()], ["two"])
  })

  it("one that is not valid counts nowhere and is in nobody's way", () => {
    const invalid = named("z", { price: "1", requirements: [{ key: "karpenter.sh/secret", operator: "Exists" }] })
    const { accepted, rejected } = overlay([invalid, price("a", "2")], [{ pool: nodePool(), types }])
    assert.deepStrictEqual(accepted.map(({ metadata: { name } }) => name), ["a"])
    assert.deepStrictEqual(rejected.map(({ reason }) => reason), ["RuntimeValidation"])
    assert.include(rejected[0]?.message, "spec.requirements[0].key")
  })
})
