/** What Karpenter's consolidation does not find, as it asks for prefixes of a list and buys one node at most. */
import { assert, describe, it } from "@effect/vitest"
import { untilStable } from "../../../src/scheduling/consolidation/untilStable.ts"
import type { InstanceType } from "../../../src/scheduling/index.ts"
import { pool, type } from "../build.ts"
import { cluster, commandIn, cpu, decided, huge, large, many, medium, reasonsIn, running, small, types } from "./build.ts"

describe("consolidation, where Karpenter's finds nothing,", () => {
  it("buys three nodes for one", () => {
    const dear = type("dear", 8, 32, 1)
    const nodes = [running("a", dear, [cpu(2, "p"), cpu(2, "q"), cpu(2, "r")])]
    assert.strictEqual(commandIn(decided({ types: [small, dear], nodes })), "a > small small small")
  })

  it("buys two nodes of different types for two", () => {
    const dear = type("dear", 8, 32, 0.5)
    const nodes = [running("a", dear, [cpu(4, "p"), cpu(1, "q")]), running("b", dear, [cpu(1, "r")])]
    const { command } = decided({ types: [small, medium, dear], nodes })
    assert.deepStrictEqual(command!.replace.map(({ instanceType }) => instanceType).sort(), ["medium", "small"])
    assert.closeTo(command!.hourlySavings, 0.94, 1e-9)
  })

  it("takes two nodes away together of which neither pays alone", () => {
    const sold = [type("s4", 4, 8, 0.04), type("s6", 6, 12, 0.055)]
    const nodes = ["a", "b"].map((name) => running(name, sold[0]!, [cpu(3, name)]))
    assert.strictEqual(commandIn(decided({ types: sold, nodes })), "a b > s6")
  })

  it("takes nodes away on both sides of one that cannot go", () => {
    const nodes = [
      running("a", huge, [cpu(1, "a")]), running("b", huge, [cpu(2, "b")]), running("c", huge, [cpu(1, "c")])
    ]
    const { command } = decided({ types, nodes, stay: ["b"] })
    assert.deepStrictEqual(command!.remove, ["a", "c"])
    assert.lengthOf(command!.replace, 0)
  })

  it("takes nodes of several NodePools away that lie between others which stay", () => {
    const in2 = { nodePool: "two", labels: { "karpenter.sh/nodepool": "two" } }
    const in1 = { nodePool: "one", labels: { "karpenter.sh/nodepool": "one" } }
    const nodes = [
      running("a", large, many("a", 8, 1), in1), running("b", large, many("b", 1, 1), in1),
      running("c", large, many("c", 8, 1), in2), running("d", large, many("d", 1, 1), in2)
    ]
    const given = cluster({ types, nodes, nodePools: [pool("one"), pool("two")] })
    const { disruptions, totals } = untilStable(given)
    assert.deepStrictEqual(disruptions.flatMap(({ remove }) => remove).filter((name) => name.length === 1).sort(), ["b", "d"])
    assert.closeTo(totals.after.hourlyPrice, 0.18, 1e-9)
  })

  it("goes by the price of the zone that a node is in", () => {
    const zoned = (name: string, size: number, near: number, far: number): InstanceType => type(name, size, size * 2, near, {
      offerings: [{ zone: "near", capacityType: "on-demand", price: near }, { zone: "far", capacityType: "on-demand", price: far }]
    })
    const [four, eight] = [zoned("four", 4, 0.04, 0.09), zoned("eight", 8, 0.1, 0.1)]
    const inZone = (zone: string) => ({ labels: { "topology.kubernetes.io/zone": zone } })
    const held = (name: string) => ({ ...cpu(4, name), spec: { ...cpu(4, name).spec, nodeSelector: { "topology.kubernetes.io/zone": "near" } } })
    const nodes = [running("a", eight, [held("p")], inZone("near")), running("b", four, [held("q")], inZone("near"))]
    assert.strictEqual(commandIn(decided({ types: [four, eight], nodes })), "a > four")
  })

  it("passes nodes by whose budget is used up", () => {
    const in1 = { nodePool: "one", labels: { "karpenter.sh/nodepool": "one" } }
    const in2 = { nodePool: "two", labels: { "karpenter.sh/nodepool": "two" } }
    const nodes = [
      running("a", huge, [cpu(1, "a")], in1), running("b", huge, [cpu(1, "b")], in1),
      running("c", medium, [cpu(1, "c")], in2), running("d", medium, many("d", 3, 1), in2)
    ]
    const answer = decided({
      types, nodes, nodePools: [pool("one"), pool("two")], budgets: { one: 0 }
    })
    assert.strictEqual(commandIn(answer), "c >")
    assert.includeMembers([...reasonsIn(answer)], ["a: Budget", "b: Budget"])
  })
})
