/** What plan prints: one JSON object for programs, a page for people. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { PlanJson } from "../../src/commands/plan/json.ts"
import { coloured, plain } from "../../src/commands/plan/page.ts"
import { planText } from "../../src/commands/plan/text.ts"
import { list, node, nodePool, plan, pod, workload } from "./support.ts"
import type { Fields } from "./support.ts"

const shop = (): ReadonlyArray<Fields> => [
  nodePool("default", {}, { requirements: [{ key: "karpenter.k8s.linode/instance-class", operator: "In", values: ["standard"] }] }),
  node("lke1-a", { "topology.kubernetes.io/region": "us-ord" }),
  pod("busy", { cpu: "7600m" }, { nodeName: "lke1-a" }),
  pod("small", { cpu: "200m", memory: "100Mi" }),
  workload("Deployment", "web", 9),
  pod("big-1", { memory: "400Gi" }), pod("big-2", { memory: "400Gi" }), pod("big-3", { memory: "400Gi" }), pod("big-4", { memory: "400Gi" })
]

const page = (objects: ReadonlyArray<Fields>, width = 100) =>
  Effect.map(plan(list(...objects)), ({ answer, question }) => planText(question, answer, { width, paint: plain }))

describe("-o json", () => {
  it.effect("has the documented keys and nothing else", () => Effect.gen(function*() {
    const { json } = yield* plan(list(...shop()))
    yield* Schema.decodeUnknownEffect(PlanJson)(JSON.parse(JSON.stringify(json)), { onExcessProperty: "error" })
    assert.deepStrictEqual(Object.keys(json), ["version", "newNodes", "existingNodes", "unschedulable", "totals", "elapsedMs"])
    assert.deepStrictEqual(Object.keys(json.newNodes[0]!), [
      "name", "nodePool", "instanceType", "zone", "capacityType", "hourlyPrice", "instanceTypeOptions", "labels", "pods"
    ])
    assert.deepStrictEqual(Object.keys(json.unschedulable[0]!.reasons[0]!), ["nodePool", "reason", "message"])
  }))

  it.effect("names every pod once, by namespace and name", () => Effect.gen(function*() {
    const { json } = yield* plan(list(...shop()))
    const names = [...json.newNodes, ...json.existingNodes].flatMap(({ pods }) => pods).concat(json.unschedulable.map((each) => each.pod))
    assert.deepStrictEqual(names.toSorted(), [
      "default/big-1", "default/big-2", "default/big-3", "default/big-4", "default/small",
      ...Array.from({ length: 9 }, (_, i) => `default/web-${i + 1}`)
    ])
    assert.strictEqual(json.totals.unschedulable, 4)
    assert.closeTo(json.totals.hourlyPrice, json.newNodes.reduce((sum, { hourlyPrice }) => sum + hourlyPrice, 0), 1e-9)
  }))

  it.effect("shows the labels of type, offering and NodePool, and those that pods made it choose", () => Effect.gen(function*() {
    const pool = nodePool("default", {}, { requirements: [{ key: "example.com/team", operator: "In", values: ["a", "b"] }] })
    const labelled = { ...pool, spec: { template: { ...(pool["spec"] as { template: Fields }).template, metadata: { labels: { tier: "web" } } } } }
    const { json } = yield* plan(list(labelled, pod("p", {}, { nodeSelector: { "example.com/team": "b" } })))
    const { labels } = json.newNodes[0]!
    assert.deepInclude(labels, {
      tier: "web", "example.com/team": "b", "karpenter.sh/nodepool": "default", "karpenter.sh/capacity-type": "on-demand",
      "topology.kubernetes.io/zone": "us-ord", "node.kubernetes.io/instance-type": json.newNodes[0]!.instanceType
    })
    assert.deepStrictEqual(Object.keys(labels).filter((key) => /hostname|registered|initialized/.test(key)), [])
  }))

  it.effect("says of a pod that no node can be made for what is wrong with it", () => Effect.gen(function*() {
    const { json } = yield* plan(list(nodePool(), pod("p", {}, { nodeSelector: { "karpenter.sh/color": "red" } })))
    assert.deepStrictEqual(json.unschedulable.map(({ pod, reasons }) => [pod, reasons.map(({ nodePool, reason }) => [nodePool, reason])]), [
      ["default/p", [["", "InvalidPod"]]]
    ])
    assert.include(json.unschedulable[0]!.reasons[0]!.message, "label karpenter.sh/color is restricted")
    assert.strictEqual(json.totals.unschedulable, 1)
  }))
})

describe("-o text", () => {
  it.effect("begins with what matters", () => Effect.gen(function*() {
    const [first] = yield* page(shop())
    assert.match(first!, /^14 pods to place: 9 on \d+ new nodes?, 1 on 1 node that is there, 4 cannot be placed\.$/)
  }))

  it.effect("counts equal nodes, and pods by their workload", () => Effect.gen(function*() {
    const lines = yield* page([nodePool("default", {}, { requirements: [
      { key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-standard-2"] }
    ] }), workload("Deployment", "web", 8)])
    assert.include(lines, "  2 × g6-standard-2  us-ord  on-demand  $0.036/h  NodePool default  cpu 100 %  memory 54 %")
    assert.include(lines, "      each: default/web ×4")
    assert.match(lines.join("\n"), /Price: \$0\.072\/h, \$52\.56\/month/)
  }))

  it.effect("tells pods with the same reasons together", () => Effect.gen(function*() {
    const lines = yield* page(shop())
    const at = lines.indexOf("Cannot be placed")
    assert.strictEqual(lines[at + 1], "  4 pods: default/big ×4")
    assert.match(lines[at + 2]!, /^ {4}needs 400Gi memory, the largest type NodePool default allows has /)
    assert.match(lines.join(" "), /\(InsufficientResources\)/)
  }))

  it.effect("names the nodes that are there and get a pod", () => Effect.gen(function*() {
    assert.include(yield* page(shop()), "  lke1-a: default/small")
    const full = ["a", "b", "c", "d"].flatMap((name) => [node(name), pod(`busy-${name}`, { cpu: "7" }, { nodeName: name })])
    assert.include(yield* page([nodePool(), ...full, workload("Deployment", "web", 8)]), "  4 nodes (a, b, c, …): each default/web ×2")
  }))

  it.effect("stays within the width, without colour unless asked for it", () => Effect.gen(function*() {
    const lines = yield* page(shop(), 80)
    assert.deepStrictEqual(lines.filter((line) => line.length > 80), [])
    assert.notInclude(lines.join(""), "\u001b")
    const { answer, question } = yield* plan(list(...shop()))
    assert.include(planText(question, answer, { width: 80, paint: coloured }).join(""), "\u001b[1m")
  }))

  it.effect("sets the price against what every plan costs at least", () => Effect.gen(function*() {
    const { answer, question } = yield* plan(list(...shop()))
    const priced = (lowerBound: number) => {
      const totals = { ...answer.plan.totals, hourlyPrice: 1, lowerBound }
      return planText(question, { ...answer, plan: { ...answer.plan, totals } }, { width: 200, paint: plain }).find((line) => line.startsWith("Price"))
    }
    assert.strictEqual(priced(1), "Price: $1.000/h, $730.00/month; no plan costs less.")
    assert.strictEqual(priced(0.9998), "Price: $1.000/h, $730.00/month, less than 0.1 % above the $1.000/h that every plan costs at least.")
    assert.strictEqual(priced(0.8), "Price: $1.000/h, $730.00/month, 25.0 % above the $0.800/h that every plan costs at least.")
    assert.strictEqual(priced(0), "Price: $1.000/h, $730.00/month.")
  }))

  it.effect("has little to say where nothing is to do", () => Effect.gen(function*() {
    assert.deepStrictEqual(yield* page([nodePool()]), ["Nothing to do: no pod is waiting for a node.", "", "Nothing is bought."])
  }))
})
