import { assert, describe, it } from "@effect/vitest"
import { schedule } from "../../src/scheduling/index.ts"
import {
  bought, container, daemonSet, filled, ladder, messages, node, pod, pods, pool, problem, refused, required, solve, type
} from "./build.ts"

const typeLabel = "node.kubernetes.io/instance-type"
const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })
const noSchedule = { key: "team", value: "a", effect: "NoSchedule" }

describe("room", () => {
  it("buys nothing for nothing", () => {
    const plan = solve({})
    assert.deepStrictEqual(plan, {
      version: 1, newNodes: [], existingNodes: [], unschedulable: [],
      totals: { newNodes: 0, hourlyPrice: 0, lowerBound: 0, unschedulable: 0 }
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

  it("buys one shared Linode of six CPUs for five pods of one", () => {
    const linodes = ([[1, 2, 0.018], [2, 4, 0.036], [4, 8, 0.072], [6, 16, 0.144], [8, 32, 0.288]] as const)
      .map(([cpu, gi, price]) => type(`g6-standard-${cpu}`, cpu, gi, price, { overhead: { cpu: "60m", memory: "900Mi" } }))
    const plan = solve({ types: linodes, pods: pods(5, { cpu: 1 }), daemonSets: [daemonSet("proxy", { cpu: "100m" })] })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.instanceType), ["g6-standard-6"])
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
    assert.deepStrictEqual(refused(
      solve({ types: [type("huge", 4, 8, 1, { capacity })], pods: [pod("a", { memory: "4Gi" })] })
    ), [
      "a: default InsufficientResources"
    ])
  })

  it("names what was missing least", () => {
    assert.deepStrictEqual(messages(solve({ pods: [pod("a", { memory: "96Gi" })] })), [
      "needs 96Gi memory, the largest type NodePool default allows has 32Gi: no instance type that is to be had holds it"
    ])
    assert.deepStrictEqual(messages(
      solve({ types: [type("wide", 8, 4, 1), type("deep", 2, 64, 1)], pods: [pod("a", { cpu: 4, memory: "32Gi" })] })
    ), [
      "needs 4 cpu, 32Gi memory, 1 pods, and no one type NodePool default allows has all of that: no instance type that is to be had holds it"
    ])
    const nodePools = [pool("default", { requirements: [inValues(typeLabel, "c2")] })]
    assert.deepStrictEqual(messages(solve({ nodePools, pods: [pod("a", { cpu: 3 })] })), [
      `needs 3 cpu, the largest type NodePool default allows has 2: allow ${typeLabel} c4 in NodePool default (c4 holds it)`
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
      solve(
        {
          daemonSets: [daemonSet("d", { cpu: 1 })], nodes: [node("n", 3, 8, { pods: there ? [daemon] : [] })],
          pods: pods(3, { cpu: 1 })
        }
      )
    assert.deepStrictEqual(filled(solveWith(true)), ["n: p0 p1"])
    assert.deepStrictEqual(filled(solveWith(false)), ["n: p0 p1"])
  })
})

describe("host ports", () => {
  const listening = (hostIP?: string, protocol?: string, hostPort = 80) => ({
    containers: [{
      resources: { requests: { cpu: 1 } }, ports: [{ hostPort, ...(hostIP ? { hostIP } : {}), ...(protocol ? { protocol } : {}) }]
    }]
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
    assert.deepStrictEqual(
      filled(solve({ nodes: [node("n", 8, 8, { pods: [pod("old", {}, listening())] })], pods: [pod("a", {}, listening())] })), []
    )
    assert.deepStrictEqual(
      refused(solve({ daemonSets: [daemonSet("d", {}, listening())], pods: [pod("a", {}, listening())] })),
      ["a: default HostPortConflict"]
    )
  })

  it("of sidecars count too", () => {
    const sidecar = {
      containers: [container({ cpu: 1 })], initContainers: [{ restartPolicy: "Always", ports: [{ hostPort: 80 }] }]
    }
    assert.strictEqual(solve({ pods: [pod("a", {}, sidecar), pod("b", {}, sidecar)] }).totals.newNodes, 2)
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
