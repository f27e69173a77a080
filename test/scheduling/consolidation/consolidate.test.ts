import { assert, describe, it } from "@effect/vitest"
import { consolidate } from "../../../src/scheduling/consolidation/consolidate.ts"
import { untilStable } from "../../../src/scheduling/consolidation/untilStable.ts"
import type { InstanceType } from "../../../src/scheduling/index.ts"
import { pod, pods, pool, type } from "../build.ts"
import { requires, running as labelled, spread, hostname, zone } from "../judged.ts"
import { cluster, commandIn, cpu, decided, huge, large, many, medium, reasonsIn, running, small, types } from "./build.ts"
import { objectionsTo } from "./judge.ts"

describe("consolidation", () => {
  it("takes empty nodes away, whatever they cost", () => {
    const answer = decided({ types, nodes: [running("a", small, []), running("b", large, [])] })
    assert.strictEqual(commandIn(answer), "a b >")
    assert.strictEqual(answer.command!.reason, "Empty")
  })

  it("takes a node away whose pods others have room for", () => {
    const answer = decided({ types, nodes: [running("a", medium, many("a", 1, 1)), running("b", medium, many("b", 3, 1))] })
    assert.strictEqual(commandIn(answer), "a >")
    assert.deepStrictEqual(answer.command!.moves, [{ pod: { namespace: "default", name: "a0" }, from: "a", to: "b" }])
    assert.closeTo(answer.command!.hourlySavings, 0.04, 1e-9)
  })

  it("buys a smaller node for a large one that is nearly empty", () => {
    assert.strictEqual(commandIn(decided({ types, nodes: [running("a", huge, [cpu(1)])] })), "a > small")
  })

  it("buys two nodes for one where that is cheaper", () => {
    const dear = type("dear", 12, 32, 1)
    const answer = decided({ types: [small, medium, dear], nodes: [running("a", dear, [cpu(4, "p"), cpu(4, "q")])] })
    assert.strictEqual(commandIn(answer), "a > medium medium")
  })

  it("buys fewer and smaller nodes for many", () => {
    const given = cluster({ types, nodes: Array.from({ length: 6 }, (_, i) => running(`n${i}`, huge, many(`n${i}-`, 3, 1))) })
    const { totals: { after } } = untilStable(given)
    assert.closeTo(after.hourlyPrice, 0.18, 1e-9)
  })

  it("buys replacements where the capacity type is open and there is no spot", () => {
    const answer = decided({ types, nodePools: [pool("default")], nodes: [running("a", huge, [cpu(1)])] })
    assert.strictEqual(answer.command!.replace[0]!.capacityType, "on-demand")
    assert.deepInclude(answer.command!.replace[0]!.requirements, { key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand"] })
  })

  it("is not held up by a wasteful node that cannot go", () => {
    const stuck = running("stuck", huge, [cpu(15, "stuck")])
    const cheap = type("cheap", 6, 16, 0.03)
    const answer = decided({
      types: [small, cheap, huge],
      nodes: [stuck, ...Array.from({ length: 4 }, (_, i) => running(`n${i}`, small, [pod(`p${i}`, { cpu: "1200m" })]))]
    })
    assert.strictEqual(commandIn(answer), "n0 n1 n2 n3 > cheap")
    assert.deepStrictEqual(reasonsIn(answer), ["stuck: NoCheaperPlacement"])
  })

  it("does not buy again what a wasteful node is, to replace others beside it", () => {
    const sold = [type("s2", 1.9, 3.75, 0.036), type("s6", 5.9, 15.75, 0.144), type("s8", 7.9, 31.75, 0.288), type("c6", 6, 16, 0.1)]
    const nodes = [
      running("n0", sold[2]!, [pod("stuck", { cpu: 7, memory: "30Gi" })]),
      ...Array.from({ length: 4 }, (_, i) => running(`n${i + 1}`, sold[0]!, [pod(`p${i}`, { cpu: "1200m", memory: "1Gi" })]))
    ]
    assert.strictEqual(commandIn(decided({ types: sold, nodes })), "n1 n2 n3 n4 > c6")
  })

  it("leaves a cluster alone that is as cheap as can be", () => {
    const answer = decided({ types, nodes: [running("a", small, [cpu(2, "a")]), running("b", medium, many("b", 4, 1))] })
    assert.strictEqual(commandIn(answer), "nothing")
    assert.deepStrictEqual(answer.kept.map(({ message }) => message), [
      "no cheaper placement: closest is small at $0.0200 in NodePool default for its pod, as much as this node",
      "no cheaper placement: closest is medium at $0.0400 in NodePool default for its 4 pods, as much as this node"
    ])
  })

  it("never replaces a node by one like it", () => {
    const given = cluster({ types, nodes: ["a", "b", "c"].map((name) => running(name, large, many(name, 5, 1))) })
    const { disruptions, totals } = untilStable(given)
    for (const { remove, replace } of disruptions) {
      assert.isFalse(replace.some(({ instanceType }) => instanceType === "large"), remove.join())
    }
    assert.closeTo(totals.after.hourlyPrice, 0.16, 1e-9)
  })

  it("asks budgets, and takes what is worth most where they are tight", () => {
    const nodes = [running("a", small, [cpu(1, "a")]), running("b", huge, [cpu(1, "b")]), running("c", large, many("c", 6, 1))]
    const answer = decided({ types, nodes, budgets: { default: 1 } })
    assert.strictEqual(commandIn(answer), "b >")
    assert.include(reasonsIn(answer), "a: Budget")
    assert.deepStrictEqual(reasonsIn(decided({ types, nodes, budgets: { default: 0 } })), ["a: Budget", "b: Budget", "c: Budget"])
  })

  it("moves no pod to a node that takes none", () => {
    const a = running("a", medium, many("a", 1, 1))
    const b = running("b", large, many("b", 6, 1))
    assert.strictEqual(commandIn(decided({ types, nodes: [a, { ...b, takesMoved: false }], stay: ["b"] })), "a > small")
    assert.strictEqual(commandIn(decided({ types, nodes: [a, { ...b, initialized: false }], stay: ["b"] })), "a > small")
    assert.strictEqual(commandIn(decided({ types, nodes: [a, b], stay: ["b"] })), "a >")
  })

  it("keeps the room that waiting pods will take, and the nodes that they will go to", () => {
    const answer = decided({
      types, pods: [cpu(2, "waiting")], nodes: [running("a", medium, many("a", 2, 1)), running("b", medium, many("b", 2, 1))]
    })
    assert.include(reasonsIn(answer), "a: Nominated")
    assert.notInclude(answer.command?.moves.map(({ to }) => to) ?? [], "a")
  })

  it("leaves a node of which a pod has no other place, and says which", () => {
    const answer = decided({
      types: [small, medium], nodes: [running("a", huge, [cpu(1, "fine"), cpu(10, "large")])],
      candidates: [{ node: "a", hourlyPrice: 0.16, moving: ["default/fine", "default/large"], disruptionCost: 3, nodePool: "default" }]
    })
    assert.deepStrictEqual(reasonsIn(answer), ["a: PodHasNoOtherPlace"])
    assert.match(answer.kept[0]!.message, /^pod default\/large has no other place: NodePool default: /)
  })

  it("passes on why nodes are blocked", () => {
    const blocked = [{ node: "z", reason: "PodDisruptionBudget" as const, message: "PDB default/web allows no disruption" }]
    assert.deepStrictEqual(decided({ types, nodes: [running("z", huge, [cpu(1)])], stay: ["z"], blocked }).kept, blocked)
  })

  it("asks for the savings that it is told to", () => {
    const nodes = [running("a", medium, [cpu(1)])]
    assert.strictEqual(commandIn(decided({ types, nodes, consolidation: { minimumSavings: 0.02 } })), "a > small")
    assert.deepStrictEqual(reasonsIn(decided({ types, nodes, consolidation: { minimumSavings: 0.021 } })), ["a: SavingsTooSmall"])
    assert.deepStrictEqual(reasonsIn(decided({ types, nodes, consolidation: { podPrice: 0.021 } })), ["a: SavingsTooSmall"])
  })

  it("lets Balanced weigh what is saved against what is disturbed", () => {
    const nodes = [running("a", large, many("a", 4, 1))]
    const balanced = (disruptionCost: number) => decided({
      types, nodes, about: { a: { policy: "Balanced" } }, poolTotals: { default: { hourlyPrice: 0.8, disruptionCost } }
    })
    assert.strictEqual(commandIn(balanced(60)), "a > medium")
    assert.deepStrictEqual(reasonsIn(balanced(40)), ["a: NotWorthDisruption"])
  })
})

describe("spot", () => {
  const sold = (name: string, size: number, price: number): InstanceType => type(name, size, size * 2, price, {
    offerings: [
      { zone: "us-ord", capacityType: "spot", price: price / 2 }, { zone: "us-ord", capacityType: "on-demand", price }
    ]
  })
  const both = Array.from({ length: 17 }, (_, i) => sold(`s${String(i + 2).padStart(2, "0")}`, i + 2, (i + 2) / 100))
  const [cheapest, dearest] = [both[0]!, both[16]!]

  it("is what an on-demand node is replaced by, and nothing else then", () => {
    const labels = { "karpenter.sh/capacity-type": "on-demand" }
    const answer = decided({ types: both, nodes: [running("a", dearest, [cpu(1)], { labels })] })
    assert.strictEqual(commandIn(answer), `a > ${cheapest.name}`)
    assert.deepInclude(answer.command!.replace[0]!.requirements, { key: "karpenter.sh/capacity-type", operator: "In", values: ["spot"] })
  })

  it("is not replaced by spot unless that is allowed", () => {
    const nodes = [running("a", dearest, [cpu(1)])]
    assert.deepStrictEqual(reasonsIn(decided({ types: both, nodes })), ["a: SpotToSpot"])
    assert.strictEqual(commandIn(decided({ types: both, nodes, consolidation: { spotToSpot: true } })), `a > ${cheapest.name}`)
  })

  it("goes where other nodes have room, allowed or not", () => {
    const nodes = [running("a", dearest, [cpu(1, "a")]), running("b", dearest, [cpu(9, "b")])]
    assert.strictEqual(commandIn(decided({ types: both, nodes })), "a >")
  })

  it("is replaced alone only where 15 types are cheaper, and then by one of them", () => {
    const nodes = [running("a", dearest, [cpu(1)])]
    const answer = decided({ types: both, nodes, consolidation: { spotToSpot: true } })
    assert.lengthOf(answer.command!.replace[0]!.instanceTypeOptions, 15)
    assert.deepStrictEqual(reasonsIn(decided({ types: [cheapest, dearest], nodes, consolidation: { spotToSpot: true } })), ["a: SpotToSpot"])
  })
})

describe("launches", () => {
  it("count at their dearest zone", () => {
    const zoned = (name: string, size: number, a: number, b: number): InstanceType => type(name, size, size * 2, a, {
      offerings: [{ zone: "a", capacityType: "on-demand", price: a }, { zone: "b", capacityType: "on-demand", price: b }]
    })
    const [one, two] = [zoned("one", 4, 0.03, 0.05), zoned("two", 8, 0.045, 0.045)]
    assert.strictEqual(commandIn(decided({ types: [one, two], nodes: [running("a", two, [cpu(1)])] })), "nothing")
  })

  it("come only from what is to be had", () => {
    const sold = { ...small, offerings: small.offerings.map((offering) => ({ ...offering, available: false })) }
    assert.strictEqual(commandIn(decided({ types: [sold, medium, large], nodes: [running("a", large, [cpu(1)])] })), "a > medium")
  })

  it("keep to the limits of their NodePool, in which what goes makes room", () => {
    const limited = [pool("default", { limits: { cpu: 16 } })]
    assert.strictEqual(commandIn(decided({ types, nodePools: limited, nodes: [running("a", huge, [cpu(1)])] })), "a > small")
    const tight = [pool("default", { limits: { nodes: 1 } })]
    const dear = type("dear", 12, 32, 1)
    const nodes = [running("a", dear, [cpu(4, "p"), cpu(4, "q")])]
    assert.strictEqual(commandIn(decided({ types: [small, medium, dear], nodePools: tight, nodes })), "nothing")
  })
})

describe("rules about other pods", () => {
  const abc = ["a", "b", "c"]
  const zoned = types.map((one) => ({ ...one, offerings: abc.map((name) => ({ ...one.offerings[0]!, zone: name })) }))

  it("hold between all of a command's nodes, however many", () => {
    const spec = spread(zone)
    const nodes = Array.from({ length: 90 }, (_, i) => running(`n${String(i).padStart(2, "0")}`, zoned[3]!, [
      labelled(`web${i}`, { app: "web" }, { ...spec, containers: [{ resources: { requests: { cpu: "1500m" } } }] }),
      ...many(`n${i}-`, i % 3, 1)
    ], { labels: { [zone]: abc[i % 3]! } }))
    const given = cluster({ types: zoned, nodes })
    const { command } = consolidate(given)
    assert.isAbove(command!.remove.length, 30)
    assert.deepStrictEqual(objectionsTo(given, command!), [])
  })

  it("keep pods apart that keep apart", () => {
    const apart = requires("podAntiAffinity", hostname)
    const nodes = Array.from({ length: 3 }, (_, i) => running(`n${i}`, small, [labelled(`web${i}`, { app: "web" }, apart)]))
    assert.strictEqual(commandIn(decided({ types, nodes })), "nothing")
  })

  it("keep pods together that belong together", () => {
    const near = requires("podAffinity", hostname)
    const nodes = [running("a", huge, Array.from({ length: 3 }, (_, i) => labelled(`web${i}`, { app: "web" }, near)))]
    const { command } = decided({ types, nodes })
    assert.lengthOf(command!.replace, 1)
  })
})

it("is decided alike for a fleet whose pods have no namespace", () => {
  const nodes = [running("a", medium, pods(1, { cpu: 1 }).map(({ metadata: { name }, ...rest }) => ({ ...rest, metadata: { name } })))]
  assert.strictEqual(commandIn(decided({ types, nodes })), "a > small")
})
