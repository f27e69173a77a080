import { assert, describe, it } from "@effect/vitest"
import { filled, ladder, messages, node, pod, pods, pool, refused, solve, type } from "./build.ts"

const zone = "topology.kubernetes.io/zone"
const typeLabel = "node.kubernetes.io/instance-type"
const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })
const noSchedule = { key: "team", value: "a", effect: "NoSchedule" }

describe("existing nodes", () => {
  it("are filled first, the initialized before those on their way, then by name", () => {
    const nodes = [node("b", 2, 8), node("a", 2, 8, { initialized: false }), node("c", 2, 8)]
    assert.deepStrictEqual(filled(solve({ nodes, pods: pods(5, { cpu: 1 }) })), ["b: p0 p1", "c: p2 p3", "a: p4"])
  })

  it("keep the room of the pods they have", () => {
    const plan = solve({ nodes: [node("n", 4, 8, { pods: [pod("old", { cpu: 3 })] })], pods: pods(2, { cpu: 1 }) })
    assert.deepStrictEqual(filled(plan), ["n: p0"])
    assert.strictEqual(plan.totals.newNodes, 1)
  })

  it("must have every label themselves, well-known or not", () => {
    const asks = pod("a", { cpu: 1 }, { nodeSelector: { [zone]: "us-ord" } })
    assert.deepStrictEqual(filled(solve({ nodes: [node("n", 4, 8)], pods: [asks] })), [])
    assert.deepStrictEqual(filled(solve({ nodes: [node("n", 4, 8, { labels: { [zone]: "us-ord" } })], pods: [asks] })), ["n: a"])
    assert.deepStrictEqual(
      filled(
        solve({ nodes: [node("n", 4, 8, { labels: { "failure-domain.beta.kubernetes.io/zone": "us-ord" } })], pods: [asks] })
      ),
      ["n: a"]
    )
  })

  it("keep away who does not tolerate their taints", () => {
    const plan = solve({ nodes: [node("n", 4, 8, { taints: [noSchedule] })], pods: pods(1, { cpu: 1 }) })
    assert.deepStrictEqual(filled(plan), [])
  })

  it("are used even where there is no NodePool", () => {
    const plan = solve({ nodePools: [], nodes: [node("n", 1, 8)], pods: pods(2, { cpu: 1 }) })
    assert.deepStrictEqual(filled(plan), ["n: p0"])
    assert.deepStrictEqual(refused(plan), ["p1:  NoNodePools"])
  })
})

describe("NodePools", () => {
  it("are tried heaviest first, then by name, last first", () => {
    const names = (
      nodePools: ReadonlyArray<ReturnType<typeof pool>>
    ) => solve({ nodePools, pods: pods(1, { cpu: 1 }) }).newNodes.map((made) => made.nodePool)
    assert.deepStrictEqual(names([pool("a"), pool("b", { weight: 5 }), pool("c")]), ["b"])
    assert.deepStrictEqual(names([pool("a"), pool("c"), pool("b")]), ["c"])
  })

  it("hand over to the next when a limit is reached, counting what exists", () => {
    const limited = pool("limited", { weight: 10, limits: { cpu: 8 }, requirements: [inValues(typeLabel, "c4")] })
    const owned = node("n", 4, 8, { nodePool: "limited", pods: [pod("old", { cpu: 4 })] })
    const plan = solve({ nodePools: [limited, pool("other")], nodes: [owned], pods: pods(3, { cpu: 3 }) })
    assert.strictEqual(plan.newNodes.filter((made) => made.nodePool === "limited").length, 1)
    assert.strictEqual(plan.totals.unschedulable, 0)
  })

  it("lose no pods to lighter ones for the sake of the price", () => {
    const heavy = pool("heavy", { weight: 10, limits: { nodes: 1 } })
    const types = [type("small", 2, 4, 0.01), type("large", 16, 32, 1)]
    const plan = solve({ types, nodePools: [heavy, pool("light")], pods: pods(8, { cpu: 1 }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.nodePool), ["heavy"])
  })

  it("never go over a limit in one batch, of nodes neither", () => {
    const byCpu = solve(
      {
        nodePools: [pool("default", { limits: { cpu: 10 }, requirements: [inValues(typeLabel, "c4")] })],
        pods: pods(5, { cpu: 3 })
      }
    )
    assert.strictEqual(byCpu.totals.newNodes, 2)
    assert.deepStrictEqual([...new Set(messages(byCpu))], [
      "the smallest type of NodePool default that holds it has 4 cpu, of which its limit leaves 2: raise its limit of cpu by 2"
    ])
    const byNodes = solve(
      { nodePools: [pool("default", { limits: { nodes: 2 } })], types: ladder.slice(0, 1), pods: pods(3, { cpu: 2 }) }
    )
    assert.strictEqual(byNodes.totals.newNodes, 2)
    assert.deepStrictEqual(refused(byNodes), ["p2: default LimitsExceeded"])
  })

  it("do not offer types that a limit would not let be bought", () => {
    const plan = solve({ nodePools: [pool("default", { limits: { cpu: 10 } })], pods: pods(1, { cpu: 3 }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.instanceTypeOptions.filter((name) => name === "c16")), [[]])
  })

  it("without any type that is to be had say so", () => {
    const sold = ladder.map(
      (sort) => ({ ...sort, offerings: sort.offerings.map((offering) => ({ ...offering, available: false })) })
    )
    assert.deepStrictEqual(refused(solve({ types: [], pods: pods(1, { cpu: 1 }) })), ["p0: default NoInstanceTypes"])
    assert.deepStrictEqual(refused(solve({ types: sold, pods: pods(1, { cpu: 1 }) })), ["p0: default NoInstanceTypes"])
    const some = [...sold.slice(0, 3), ladder[3]!]
    assert.deepStrictEqual(
      refused(solve({ types: some, pods: [pod("a", { cpu: 1 }, { nodeSelector: { [typeLabel]: "c2" } })] })),
      ["a: default NoOffering"]
    )
  })
})

describe("offerings", () => {
  const types = [type("t", 4, 8, 1, {
    offerings: [
      { zone: "a", capacityType: "on-demand", price: 2 }, { zone: "b", capacityType: "on-demand", price: 1 },
      { zone: "b", capacityType: "spot", price: 0.3 }, { zone: "c", capacityType: "spot", price: 0.1, available: false }
    ]
  })]
  it.each<[string, Record<string, string>, readonly [string, string, number]]>([
    ["the cheapest that is to be had", {}, ["b", "spot", 0.3]],
    ["the zone that the pod wants", { [zone]: "a" }, ["a", "on-demand", 2]],
    ["the capacity type that the pod wants", { "karpenter.sh/capacity-type": "on-demand" }, ["b", "on-demand", 1]]
  ])("are chosen: %s", (_, nodeSelector, expected) => {
    const made = solve({ types, pods: [pod("p", { cpu: 1 }, { nodeSelector })] }).newNodes[0]!
    assert.deepStrictEqual([made.zone, made.capacityType, made.hourlyPrice], [...expected])
  })

  it("must have zone and capacity type together", () => {
    const plan = solve(
      { types, pods: [pod("p", { cpu: 1 }, { nodeSelector: { [zone]: "a", "karpenter.sh/capacity-type": "spot" } })] }
    )
    assert.deepStrictEqual(refused(plan), ["p: default NoOffering"])
  })

  it("keep pods of different zones apart", () => {
    const plan = solve({ types, pods: ["a", "b"].map((where) => pod(where, { cpu: 1 }, { nodeSelector: { [zone]: where } })) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.zone).sort(), ["a", "b"])
  })
})

describe("minValues", () => {
  const nodePools = [pool("default", { requirements: [{ key: typeLabel, operator: "Exists", minValues: 2 }] })]
  it("keeps so many types open to a node", () => {
    const plan = solve({ nodePools, pods: pods(3, { cpu: 4 }) })
    for (const made of plan.newNodes) assert.isAtLeast(made.instanceTypeOptions.length, 2)
    assert.deepStrictEqual(plan.newNodes[0]!.requirements.find(({ key }) => key === typeLabel)?.minValues, 2)
  })

  it("refuses pods that leave fewer, unless it is only best effort", () => {
    const asks = pods(1, { cpu: 9 })
    assert.deepStrictEqual(messages(solve({ nodePools, pods: asks })), [
      `the instance types that hold it have 1 values of ${typeLabel}, NodePool default wants 2: lower its minValues or allow more types`
    ])
    const plan = solve({ nodePools, pods: asks, options: { minValuesPolicy: "BestEffort" } })
    assert.isTrue(plan.newNodes[0]!.minValuesRelaxed)
    assert.deepStrictEqual(plan.newNodes[0]!.requirements.find(({ key }) => key === typeLabel)?.minValues, 1)
  })

  it("refuses a node when the list of types is cut below it", () => {
    const plan = solve({ nodePools, pods: pods(1, { cpu: 1 }), options: { maxInstanceTypes: 1 } })
    assert.deepStrictEqual(refused(plan), ["p0: default MinValuesNotMet"])
  })

  it("cuts the list of types to the cheapest", () => {
    assert.deepStrictEqual(
      solve({ pods: pods(1, { cpu: 1 }), options: { maxInstanceTypes: 2 } }).newNodes[0]!.instanceTypeOptions, ["c2", "c4"]
    )
  })
})
