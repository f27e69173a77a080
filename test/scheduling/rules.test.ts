import { assert, describe, it } from "@effect/vitest"
import type { Plan, Requirement } from "../../src/scheduling/index.ts"
import { bought, container, daemonSet, filled, ladder, messages, node, pod, pods, pool, problem, refused, required, solve, type } from "./build.ts"
import { schedule } from "../../src/scheduling/index.ts"

const zone = "topology.kubernetes.io/zone"
const typeLabel = "node.kubernetes.io/instance-type"
const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })
const noSchedule = { key: "team", value: "a", effect: "NoSchedule" }

describe("room", () => {
  it("buys nothing for nothing", () => {
    const plan = solve({})
    assert.deepStrictEqual(plan, {
      version: 1, newNodes: [], existingNodes: [], unschedulable: [], totals: { newNodes: 0, hourlyPrice: 0, unschedulable: 0 }
    })
  })

  it("takes the cheapest type that holds the pods, and offers all that do, cheapest first", () => {
    const plan = solve({ pods: pods(2, { cpu: 3, memory: "1Gi" }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.instanceTypeOptions), [["c8", "c16"]])
    assert.strictEqual(plan.totals.hourlyPrice, 0.08)
    assert.deepStrictEqual(plan.newNodes[0]!.requests, { cpu: "6", memory: "2Gi", pods: "2" })
  })

  it("does not buy a dear large type where small ones do", () => {
    const types = [type("small", 4, 8, 0.04), type("large", 64, 128, 1.5)]
    const plan = solve({ types, pods: pods(12, { cpu: 1 }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.instanceType), ["small", "small", "small"])
    assert.deepStrictEqual(plan.newNodes[0]!.instanceTypeOptions, ["small", "large"])
  })

  it("counts the pods of a node", () => {
    const plan = solve({ types: [type("few", 16, 32, 1, { capacity: { cpu: 16, memory: "32Gi", pods: 2 } })], pods: pods(5, {}) })
    assert.strictEqual(plan.totals.newNodes, 3)
  })

  it("knows resources that only some types have", () => {
    const gpu = type("gpu", 4, 8, 1, { capacity: { cpu: 4, memory: "8Gi", pods: 110, "nvidia.com/gpu": 1 } })
    const plan = solve({ types: [...ladder, gpu], pods: [pod("a", { "nvidia.com/gpu": 1 }), pod("b", { "nvidia.com/gpu": 1 })] })
    assert.deepStrictEqual(bought(plan), ["gpu: a", "gpu: b"])
  })

  it("leaves what a type keeps for itself", () => {
    const types = [type("tight", 2, 4, 0.02, { overhead: { cpu: "100m" } }), type("next", 4, 8, 0.05)]
    assert.deepStrictEqual(bought(solve({ types, pods: [pod("a", { cpu: 2 })] })), ["next: a"])
  })

  it("takes huge pages out of memory", () => {
    const capacity = { cpu: 4, memory: "8Gi", pods: 110, "hugepages-2Mi": "6Gi" }
    assert.deepStrictEqual(refused(solve({ types: [type("huge", 4, 8, 1, { capacity })], pods: [pod("a", { memory: "4Gi" })] })), [
      "a: default InsufficientResources"
    ])
  })

  it("names what was missing least", () => {
    assert.deepStrictEqual(messages(solve({ pods: [pod("a", { memory: "96Gi" })] })), [
      "needs 96Gi memory, the largest type NodePool default allows has 32Gi"
    ])
    assert.deepStrictEqual(messages(solve({ types: [type("wide", 8, 4, 1), type("deep", 2, 64, 1)], pods: [pod("a", { cpu: 4, memory: "32Gi" })] })), [
      "needs 4 cpu, 32Gi memory, 1 pods, and no one type NodePool default allows has all of that"
    ])
    const nodePools = [pool("default", { requirements: [inValues(typeLabel, "c2")] })]
    assert.deepStrictEqual(messages(solve({ nodePools, pods: [pod("a", { cpu: 3 })] })), [
      `needs 3 cpu, the largest type NodePool default allows has 2; c4 would hold it, but the NodePool's ${typeLabel} leaves it out`
    ])
  })

  it("reports a pod that cannot be read and places the others", () => {
    const plan = solve({ pods: [pod("bad", { cpu: "1 core" }), pod("negative", { cpu: "-1" }), pod("good", { cpu: 1 })] })
    assert.deepStrictEqual(refused(plan), ["bad:  InvalidPod", "negative:  InvalidPod"])
    assert.deepStrictEqual(bought(plan), ["c2: good"])
  })
})

describe("daemons", () => {
  it("take their part of every node", () => {
    const plan = solve({ daemonSets: [daemonSet("logs", { cpu: "500m" })], pods: [pod("a", { cpu: 2 })] })
    assert.deepStrictEqual(bought(plan), ["c4: a"])
    assert.deepStrictEqual(plan.newNodes[0]!.requests, { cpu: "2500m", pods: "2" })
  })

  it.each<[string, Parameters<typeof daemonSet>[2], string]>([
    ["that select other nodes take nothing", { nodeSelector: { "kubernetes.io/os": "windows" } }, "c2"],
    ["that select these nodes count", { nodeSelector: { "kubernetes.io/os": "linux" } }, "c4"],
    ["that need a registered node count", { nodeSelector: { "karpenter.sh/registered": "true" } }, "c4"],
    ["for which any term holds count", required([inValues(typeLabel, "none")], [inValues(typeLabel, "c2", "c4")]), "c4"],
    ["that only run on one type leave the next as it is", required([inValues(typeLabel, "c2")]), "c4"]
  ])("%s", (_, spec, expected) => {
    const plan = solve({ daemonSets: [daemonSet("d", { cpu: 1 }, spec)], pods: [pod("a", { cpu: 2 })] })
    assert.deepStrictEqual(bought(plan), [`${expected}: a`])
  })

  it("that do not tolerate the NodePool's taints take nothing, startup taints and preferences aside", () => {
    const solveWith = (taints: Parameters<typeof pool>[1]) =>
      bought(solve({
        nodePools: [pool("default", taints)],
        daemonSets: [daemonSet("d", { cpu: 1 })],
        pods: [pod("a", { cpu: 2 }, { tolerations: [{ operator: "Exists" }] })]
      }))
    assert.deepStrictEqual(solveWith({ taints: [noSchedule] }), ["c2: a"])
    assert.deepStrictEqual(solveWith({ startupTaints: [noSchedule] }), ["c4: a"])
    assert.deepStrictEqual(solveWith({ taints: [{ ...noSchedule, effect: "PreferNoSchedule" }] }), ["c4: a"])
  })

  it("that are not on an existing node yet have their room kept, those that are do not count twice", () => {
    const daemon = { ...pod("d-1", { cpu: 1 }), metadata: { name: "d-1", ownerReferences: [{ kind: "DaemonSet" }] } }
    const solveWith = (there: boolean) =>
      solve({ daemonSets: [daemonSet("d", { cpu: 1 })], nodes: [node("n", 3, 8, { pods: there ? [daemon] : [] })], pods: pods(3, { cpu: 1 }) })
    assert.deepStrictEqual(filled(solveWith(true)), ["n: p0 p1"])
    assert.deepStrictEqual(filled(solveWith(false)), ["n: p0 p1"])
  })
})

describe("taints", () => {
  const nodePools = [pool("default", { taints: [noSchedule] })]
  it.each<[string, object, boolean]>([
    ["no toleration", {}, false],
    ["equal value", { key: "team", value: "a" }, true],
    ["equal value by name", { key: "team", operator: "Equal", value: "a", effect: "NoSchedule" }, true],
    ["another value", { key: "team", value: "b" }, false],
    ["Exists", { key: "team", operator: "Exists" }, true],
    ["Exists without a key", { operator: "Exists" }, true],
    ["Equal without a key", { value: "a" }, false],
    ["another effect", { key: "team", operator: "Exists", effect: "NoExecute" }, false]
  ])("%s", (_, toleration, fine) => {
    const plan = solve({ nodePools, pods: [pod("a", { cpu: 1 }, { tolerations: [toleration] })] })
    assert.strictEqual(plan.totals.newNodes, fine ? 1 : 0)
    if (!fine) assert.deepStrictEqual(messages(plan), ["does not tolerate team=a:NoSchedule of NodePool default"])
  })

  it.each<[string, string, boolean]>([["Gt", "5", true], ["Gt", "10", false], ["Lt", "20", true], ["Lt", "10", false], ["Gt", "x", false]])(
    "compare as numbers with %s %s", (operator, value, fine) => {
      const plan = solve({
        nodePools: [pool("default", { taints: [{ key: "level", value: "10", effect: "NoSchedule" }] })],
        pods: [pod("a", { cpu: 1 }, { tolerations: [{ key: "level", operator, value }] })]
      })
      assert.strictEqual(plan.totals.newNodes, fine ? 1 : 0)
    }
  )

  it("for the start of a node keep no pod away", () => {
    assert.strictEqual(solve({ nodePools: [pool("default", { startupTaints: [noSchedule] })], pods: pods(1, { cpu: 1 }) }).totals.newNodes, 1)
  })

  it("that are preferences are kept while another NodePool will do, and given up when none does", () => {
    const soft = pool("soft", { weight: 10, taints: [{ key: "team", effect: "PreferNoSchedule" }] })
    const poolsOf = (plan: Plan) => plan.newNodes.map((made) => made.nodePool)
    assert.deepStrictEqual(poolsOf(solve({ nodePools: [soft, pool("plain")], pods: pods(1, { cpu: 1 }) })), ["plain"])
    assert.deepStrictEqual(poolsOf(solve({ nodePools: [soft], pods: pods(1, { cpu: 1 }) })), ["soft"])
  })

  it("of the NodePool are on the node", () => {
    const plan = solve({ nodePools, pods: [pod("a", { cpu: 1 }, { tolerations: [{ operator: "Exists" }] })] })
    assert.deepStrictEqual(plan.newNodes[0]!.taints, [noSchedule])
  })
})

describe("labels", () => {
  it("of an instance type can be selected", () => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { [typeLabel]: "c8" } })] })), ["c8: a"])
  })

  it("that a provider made known can be selected, and are missing where a type does not have them", () => {
    const types = [type("plain", 4, 8, 1), type("special", 4, 8, 2, { labels: { "linode/class": "dedicated" } })]
    const solveWith = (wellKnownLabels: ReadonlyArray<string>) =>
      solve({ types, wellKnownLabels, pods: [pod("a", { cpu: 1 }, { nodeSelector: { "linode/class": "dedicated" } })] })
    assert.deepStrictEqual(bought(solveWith(["linode/class"])), ["special: a"])
    assert.deepStrictEqual(refused(solveWith([])), ["a: default IncompatibleRequirements"])
  })

  it("of one's own must be set by the NodePool", () => {
    const own = { nodeSelector: { "example.com/team": "a" } }
    const plan = solve({ pods: [pod("a", { cpu: 1 }, own)] })
    assert.deepStrictEqual(messages(plan), ["needs example.com/team In [a], which NodePool default does not set"])
    const labelled = solve({ nodePools: [pool("default", { labels: { "example.com/team": "a" } })], pods: [pod("a", { cpu: 1 }, own)] })
    assert.deepStrictEqual(labelled.newNodes[0]!.labels, { "example.com/team": "a", "karpenter.sh/nodepool": "default" })
  })

  it("that are probably mistyped are named", () => {
    const plan = solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { "topology.k8s.io/zone": "us-ord" } })] })
    assert.deepStrictEqual(messages(plan), [
      `needs topology.k8s.io/zone In [us-ord], which NodePool default does not set (is ${zone} meant?)`
    ])
  })

  it("of one's own that the NodePool leaves open take the value that pods ask for, one for each node", () => {
    const nodePools = [pool("default", { requirements: [{ key: "example.com/team", operator: "Exists" }] })]
    const plan = solve({ nodePools, pods: ["a", "b"].map((team) => pod(team, { cpu: 1 }, { nodeSelector: { "example.com/team": team } })) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.labels["example.com/team"]).sort(), ["a", "b"])
  })

  it("of the hostname never match a node that is not there", () => {
    const plan = solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { "kubernetes.io/hostname": "n1" } })], nodes: [node("n0", 4, 8)] })
    assert.deepStrictEqual(refused(plan), ["a: default IncompatibleRequirements"])
    assert.deepStrictEqual(filled(solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { "kubernetes.io/hostname": "n1" } })], nodes: [node("n1", 4, 8)] })), ["n1: a"])
  })

  it("demanded of the node are on the NodeClaim, with the types and how they are paid", () => {
    const plan = solve({ pods: [pod("a", { cpu: 9 }, { nodeSelector: { "failure-domain.beta.kubernetes.io/zone": "us-ord" } })] })
    assert.deepStrictEqual(plan.newNodes[0]!.requirements, [
      inValues("karpenter.sh/capacity-type", "on-demand"),
      inValues("karpenter.sh/nodepool", "default"),
      inValues(typeLabel, "c16"),
      inValues(zone, "us-ord")
    ])
  })
})

describe("node affinity", () => {
  it.each<[string, ReadonlyArray<ReadonlyArray<Requirement>>, ReadonlyArray<string>]>([
    ["takes the first term that can hold", [[inValues(typeLabel, "none")], [inValues(typeLabel, "c16")], [inValues(typeLabel, "c8")]], ["c16: a"]],
    ["demands all expressions of a term", [[inValues(typeLabel, "c4", "c8"), { key: typeLabel, operator: "NotIn", values: ["c4"] }]], ["c8: a"]]
  ])("%s", (_, terms, expected) => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, required(...terms))] })), [...expected])
  })

  it("with nothing but empty terms matches no node", () => {
    assert.deepStrictEqual(refused(solve({ pods: [pod("a", { cpu: 1 }, required([]))], nodes: [node("n", 4, 8)] })), ["a:  IncompatibleRequirements"])
  })

  it("prefers the heaviest wish that can hold and gives up those before it", () => {
    const prefer = (...types: ReadonlyArray<readonly [number, string]>) => ({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: types.map(([weight, name]) => ({
            weight, preference: { matchExpressions: [inValues(typeLabel, name)] }
          }))
        }
      }
    })
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([1, "c4"], [50, "c8"], [100, "none"]))] })), ["c8: a"])
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([100, "none"]))] })), ["c2: a"])
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([50, "c8"]))], options: { preferencePolicy: "Ignore" } })), ["c2: a"])
  })
})

describe("a pod with several terms and wishes", () => {
  const wish = { weight: 1, preference: { matchExpressions: [inValues(typeLabel, "none")] } }
  const spec = (...names: ReadonlyArray<string>) => ({
    affinity: {
      nodeAffinity: {
        ...required(...names.map((name) => [inValues(typeLabel, name)])).affinity!.nodeAffinity,
        preferredDuringSchedulingIgnoredDuringExecution: [wish]
      }
    }
  })

  it("comes back to an earlier term without the wishes when no later one can hold", () => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, spec("c4", "missing"))] })), ["c4: a"])
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, spec("c4", "c8"))] })), ["c8: a"])
  })

  it("is told about the term that came closest", () => {
    assert.deepStrictEqual(messages(solve({ pods: [pod("a", { cpu: 6 }, spec("c4", "missing"))] })), [
      "needs 6 cpu, the largest type NodePool default allows has 4"
    ])
  })
})

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
    assert.deepStrictEqual(filled(solve({ nodes: [node("n", 4, 8, { labels: { "failure-domain.beta.kubernetes.io/zone": "us-ord" } })], pods: [asks] })), ["n: a"])
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

describe("host ports", () => {
  const listening = (hostIP?: string, protocol?: string, hostPort = 80) => ({
    containers: [{ resources: { requests: { cpu: 1 } }, ports: [{ hostPort, ...(hostIP ? { hostIP } : {}), ...(protocol ? { protocol } : {}) }] }]
  })
  it.each<[string, object, object, number]>([
    ["the same port", listening(), listening(), 2],
    ["another port", listening(), listening(undefined, undefined, 81), 1],
    ["another protocol", listening(), listening(undefined, "UDP"), 1],
    ["other addresses", listening("10.0.0.1"), listening("10.0.0.2"), 1],
    ["one address and all addresses", listening("10.0.0.1"), listening("::"), 2]
  ])("%s", (_, a, b, nodes) => {
    assert.strictEqual(solve({ pods: [pod("a", {}, a), pod("b", {}, b)] }).totals.newNodes, nodes)
  })

  it("of pods and daemons that are there count", () => {
    assert.deepStrictEqual(filled(solve({ nodes: [node("n", 8, 8, { pods: [pod("old", {}, listening())] })], pods: [pod("a", {}, listening())] })), [])
    assert.deepStrictEqual(refused(solve({ daemonSets: [daemonSet("d", {}, listening())], pods: [pod("a", {}, listening())] })), ["a: default HostPortConflict"])
  })

  it("of sidecars count too", () => {
    const sidecar = { containers: [container({ cpu: 1 })], initContainers: [{ restartPolicy: "Always", ports: [{ hostPort: 80 }] }] }
    assert.strictEqual(solve({ pods: [pod("a", {}, sidecar), pod("b", {}, sidecar)] }).totals.newNodes, 2)
  })
})

describe("NodePools", () => {
  it("are tried heaviest first, then by name, last first", () => {
    const names = (nodePools: ReadonlyArray<ReturnType<typeof pool>>) => solve({ nodePools, pods: pods(1, { cpu: 1 }) }).newNodes.map((made) => made.nodePool)
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

  it("never go over a limit in one batch, of nodes neither", () => {
    const byCpu = solve({ nodePools: [pool("default", { limits: { cpu: 10 }, requirements: [inValues(typeLabel, "c4")] })], pods: pods(5, { cpu: 3 }) })
    assert.strictEqual(byCpu.totals.newNodes, 2)
    assert.deepStrictEqual([...new Set(messages(byCpu))], [
      "the smallest type of NodePool default that holds it has 4 cpu, of which its limit leaves 2"
    ])
    const byNodes = solve({ nodePools: [pool("default", { limits: { nodes: 2 } })], types: ladder.slice(0, 1), pods: pods(3, { cpu: 2 }) })
    assert.strictEqual(byNodes.totals.newNodes, 2)
    assert.deepStrictEqual(refused(byNodes), ["p2: default LimitsExceeded"])
  })

  it("do not offer types that a limit would not let be bought", () => {
    const plan = solve({ nodePools: [pool("default", { limits: { cpu: 10 } })], pods: pods(1, { cpu: 3 }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.instanceTypeOptions.filter((name) => name === "c16")), [[]])
  })

  it("without any type that is to be had say so", () => {
    const sold = ladder.map((sort) => ({ ...sort, offerings: sort.offerings.map((offering) => ({ ...offering, available: false })) }))
    assert.deepStrictEqual(refused(solve({ types: [], pods: pods(1, { cpu: 1 }) })), ["p0: default NoInstanceTypes"])
    assert.deepStrictEqual(refused(solve({ types: sold, pods: pods(1, { cpu: 1 }) })), ["p0: default NoInstanceTypes"])
    const some = [...sold.slice(0, 3), ladder[3]!]
    assert.deepStrictEqual(refused(solve({ types: some, pods: [pod("a", { cpu: 1 }, { nodeSelector: { [typeLabel]: "c2" } })] })), ["a: default NoOffering"])
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
    const plan = solve({ types, pods: [pod("p", { cpu: 1 }, { nodeSelector: { [zone]: "a", "karpenter.sh/capacity-type": "spot" } })] })
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
      `the instance types that hold it have 1 values of ${typeLabel}, NodePool default wants 2`
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
    assert.deepStrictEqual(solve({ pods: pods(1, { cpu: 1 }), options: { maxInstanceTypes: 2 } }).newNodes[0]!.instanceTypeOptions, ["c2", "c4"])
  })
})

describe("rules about other pods on the same node", () => {
  const hostname = "kubernetes.io/hostname"
  const web = { labelSelector: { matchLabels: { app: "web" } } }
  const apart = (extra: object = {}) => ({
    labels: { app: "web" },
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: hostname, ...web, ...extra }] } }
  })
  const spread = (maxSkew: number, extra: object = {}) => ({
    labels: { app: "web" },
    topologySpreadConstraints: [{ maxSkew, topologyKey: hostname, whenUnsatisfiable: "DoNotSchedule", ...web, ...extra }]
  })

  it("give each pod that is apart from its like a node of its own, and let others join", () => {
    const plan = solve({ pods: [...pods(3, { cpu: 1 }, apart()), pod("other", { cpu: 1 })] })
    assert.strictEqual(plan.totals.newNodes, 3)
    assert.strictEqual(plan.newNodes.filter((made) => made.pods.length === 2).length, 1)
  })

  it("keep others away from whom does not want them, in either order", () => {
    const wary = pod("wary", { cpu: 1 }, { ...apart(), labels: { app: "wary" } })
    for (const cpu of ["500m", "1500m"]) {
      assert.strictEqual(solve({ pods: [wary, pod("web", { cpu }, { labels: { app: "web" } })], types: ladder.slice(2) }).totals.newNodes, 2)
    }
    assert.deepStrictEqual(filled(solve({ pods: [pod("web", { cpu: 1 }, { labels: { app: "web" } })], nodes: [node("n", 8, 8, { pods: [wary] })] })), [])
    assert.deepStrictEqual(filled(solve({ pods: [wary], nodes: [node("n", 8, 8, { pods: [pod("web", { cpu: 1 }, { labels: { app: "web" } })] })] })), [])
  })

  it("hold within the namespaces that the term names", () => {
    const elsewhere = { ...pod("b", { cpu: 1 }, { labels: { app: "web" } }), metadata: { name: "b", namespace: "other", labels: { app: "web" } } }
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart()), elsewhere] }).totals.newNodes, 1)
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart({ namespaces: ["other"] })), elsewhere] }).totals.newNodes, 2)
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart({ namespaceSelector: {} })), elsewhere] }).totals.newNodes, 2)
  })

  it("spread pods up to the skew on each node, counting those that run", () => {
    assert.deepStrictEqual(solve({ pods: pods(5, { cpu: "100m" }, spread(2)) }).newNodes.map((made) => made.pods.length).sort(), [1, 2, 2])
    const running = node("n", 8, 8, { pods: [pod("old", { cpu: 1 }, { labels: { app: "web" } })] })
    assert.deepStrictEqual(filled(solve({ pods: pods(2, { cpu: "100m" }, spread(2)), nodes: [running] })), ["n: p0"])
  })

  it("do not spread pods that their own selector does not select", () => {
    assert.strictEqual(solve({ pods: pods(5, { cpu: "100m" }, { ...spread(1), labels: { app: "other" } }) }).totals.newNodes, 1)
    assert.strictEqual(solve({ pods: pods(5, { cpu: "100m" }, spread(1, { labelSelector: undefined })) }).totals.newNodes, 1)
  })

  it("compare only pods of one revision where matchLabelKeys says so", () => {
    const revision = (name: string) => pod(name, { cpu: "100m" }, { ...spread(1, { matchLabelKeys: ["rev"] }), labels: { app: "web", rev: name } })
    assert.strictEqual(solve({ pods: [revision("a"), revision("b")] }).totals.newNodes, 1)
  })
})

describe("spread over another label", () => {
  const over = (topologyKey: string, extra: object = {}) => ({
    labels: { app: "web" },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "web" } }, ...extra }
    ]
  })
  const zones = (...names: ReadonlyArray<string>) =>
    [type("t", 8, 16, 1, { offerings: names.map((name) => ({ zone: name, capacityType: "on-demand", price: 1 })) })]

  it("holds by itself where there is one zone only", () => {
    const plan = solve({ pods: pods(5, { cpu: 1 }, over(zone)) })
    assert.strictEqual(plan.totals.unschedulable, 0)
    assert.deepStrictEqual(plan.newNodes[0]!.requirements.find(({ key }) => key === zone)?.values, ["us-ord"])
    assert.deepStrictEqual(filled(solve({ pods: pods(1, { cpu: 1 }, over(zone)), nodes: [node("n", 4, 8)] })), [])
  })

  it("is not judged yet where there are more, unless the pod leaves one", () => {
    assert.deepStrictEqual(messages(solve({ types: zones("a", "b"), pods: pods(1, { cpu: 1 }, over(zone)) })), [
      "spec.topologySpreadConstraints[0] is not supported yet"
    ])
    const chosen = { ...over(zone), nodeSelector: { [zone]: "b" } }
    assert.strictEqual(solve({ types: zones("a", "b"), pods: pods(3, { cpu: 1 }, chosen) }).newNodes[0]!.zone, "b")
    assert.strictEqual(solve({ types: zones("a"), pods: pods(1, { cpu: 1 }, over(zone, { minDomains: 2 })) }).totals.unschedulable, 1)
  })

  it("refuses pods where no node has the label", () => {
    assert.deepStrictEqual(refused(solve({ pods: pods(1, { cpu: 1 }, over("example.com/rack")) })), ["p0: default IncompatibleRequirements"])
  })

  it("keeps pods out of a zone that a running pod wants to itself", () => {
    const alone = pod("alone", { cpu: 1 }, {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zone, labelSelector: { matchLabels: { app: "web" } } }] } }
    })
    const nodes = [node("n", 8, 8, { labels: { [zone]: "a" }, pods: [alone] })]
    const plan = solve({ types: zones("a", "b"), nodes, pods: pods(1, { cpu: 1 }, { labels: { app: "web" } }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.zone), ["b"])
    assert.deepStrictEqual(filled(solve({ types: zones("a", "b"), nodes, pods: pods(1, { cpu: 1 }) })), ["n: p0"])
  })
})

describe("pods with constraints that are not judged yet", () => {
  const term = { topologyKey: zone, labelSelector: { matchLabels: { app: "a" } } }
  it.each<[string, object]>([
    ["spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }],
    [
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields",
      { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [inValues("metadata.name", "n")] }] } } } }
    ]
  ])("are not placed: %s", (field, spec) => {
    const plan = solve({ pods: [pod("p", { cpu: 1 }, spec)], nodes: [node("n", 4, 8)] })
    assert.deepStrictEqual(refused(plan), ["p:  UnsupportedConstraint"])
    assert.deepStrictEqual(messages(plan), [`${field} is not supported yet`])
  })

  it("are placed when these are wishes only", () => {
    const spec = {
      affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term }] } },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: zone, whenUnsatisfiable: "ScheduleAnyway" }]
    }
    assert.strictEqual(solve({ pods: [pod("p", { cpu: 1 }, spec)] }).totals.newNodes, 1)
  })
})

describe("a plan", () => {
  it("is plain data, and equal for equal input", () => {
    const given = problem({ pods: pods(30, { cpu: "700m" }), nodes: [node("n", 4, 8)] })
    const plan = schedule(given)
    assert.deepStrictEqual(JSON.parse(JSON.stringify(plan)), plan)
    assert.deepStrictEqual(schedule(JSON.parse(JSON.stringify(given))), plan)
  })
})
