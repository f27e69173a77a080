/** What `kubectl get nodepools,nodes,pods,ds,pdb,pvc,pv -A -o json` gives of a cluster that runs. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { list, node, nodePool, placed, plan, pod, podSpec } from "./support.ts"
import type { Fields } from "./support.ts"

const ours = { "karpenter.sh/nodepool": "default", "topology.kubernetes.io/region": "us-ord", "node.kubernetes.io/instance-type": "g6-standard-8" }
const ready = (status: string, more: Fields = {}): Fields =>
  ({ status: { conditions: [{ type: "Ready", status, reason: "Ready", message: "the node class is gone", lastTransitionTime: "2026-01-01T00:00:00Z", ...more }] } })

const claim = (name: string, requests: Fields, status: Fields = {}): Fields => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: { name, labels: { "karpenter.sh/nodepool": "default" } },
  spec: {
    requirements: [{ key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-standard-4"] }],
    resources: { requests },
    nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }
  },
  status
})

/** Recorded from an API server of Kubernetes 1.36: examples/plan/shop.yaml applied, one node of 4 CPUs beside it. */
const recorded = readFileSync(join(import.meta.dirname, "kubectl.json"), "utf8")

describe("what kubectl shows of a real cluster", () => {
  it.effect("can be planned for as it is", () => Effect.gen(function*() {
    const { ignored, json, notes } = yield* plan(recorded, { region: { flag: undefined, variable: undefined } })
    assert.deepStrictEqual([ignored, notes, json.unschedulable, json.existingNodes], [[], [], [], []])
    assert.deepStrictEqual(placed(json).map((name) => name.replace(/(-[^-]+){1,2}$/, "")), [
      "shop/api", "shop/api", "shop/report", "shop/report", "shop/web", "shop/web", "shop/web"
    ])
    assert.deepStrictEqual([...new Set(json.newNodes.map(({ zone }) => zone))], ["nl-ams"])
  }))
})

describe("a cluster", () => {
  it.effect("takes pods on the nodes it has before it gets new ones", () => Effect.gen(function*() {
    const { json } = yield* plan(list(
      nodePool(), node("n1", ours), pod("runs", { cpu: "5" }, { nodeName: "n1" }), pod("small", { cpu: "2" }), pod("big", { cpu: "4" })
    ))
    assert.deepStrictEqual(json.existingNodes, [{ name: "n1", pods: ["default/small"] }])
    assert.deepStrictEqual(json.newNodes.map(({ pods }) => pods), [["default/big"]])
  }))

  it.effect("counts on what is on its way", () => Effect.gen(function*() {
    const { json } = yield* plan(list(nodePool(), claim("default-x", { cpu: "2" }), pod("a", { cpu: "2" })))
    assert.deepStrictEqual([json.existingNodes, json.newNodes], [[{ name: "default-x", pods: ["default/a"] }], []])
  }))

  it.effect("finds another place for the pods of a node that is going away", () => Effect.gen(function*() {
    const going = node("n1", ours, { metadata: { deletionTimestamp: "2026-01-01T00:00:00Z" } })
    const { json } = yield* plan(list(nodePool(), going, pod("moves", {}, { nodeName: "n1" }), pod("kept", {}, { nodeName: "n1" }, {
      annotations: { "karpenter.sh/do-not-disrupt": "true" }
    })))
    assert.deepStrictEqual(placed(json), ["default/moves"])
  }))

  it.effect("keeps to the limits of its NodePools with what runs already", () => Effect.gen(function*() {
    const { json } = yield* plan(list(nodePool("default", { limits: { cpu: "8" } }), node("n1", ours, { spec: { unschedulable: true } }), pod("a")))
    assert.strictEqual(json.unschedulable[0]!.reasons[0]!.reason, "LimitsExceeded")
  }))

  it.effect("leaves room for DaemonSets on every new node", () => Effect.gen(function*() {
    const agent = { apiVersion: "apps/v1", kind: "DaemonSet", metadata: { name: "agent" }, spec: { template: { spec: podSpec({ cpu: "1500m" }) } } }
    const without = yield* plan(list(nodePool(), pod("a", { cpu: "1500m" })))
    const withIt = yield* plan(list(nodePool(), agent, pod("a", { cpu: "1500m" })))
    assert.isAbove(withIt.json.totals.hourlyPrice, without.json.totals.hourlyPrice)
  }))

  const pools: ReadonlyArray<readonly [string, Fields, ReadonlyArray<string>]> = [
    ["is new", nodePool(), []],
    ["is ready", { ...nodePool(), ...ready("True") }, []],
    ["is not ready", { ...nodePool(), ...ready("False") }, ["NodePool default is left out: it is not ready (Ready is False: the node class is gone)"]],
    ["breaks a rule and is not ready", { ...nodePool("default", {}, { requirements: [{ key: "karpenter.sh/x", operator: "Exists" }] }), ...ready("False") },
      ["NodePool default is left out: it is not ready (Ready is False: the node class is gone)"]],
    ["was ready in an older form", { ...nodePool(), metadata: { name: "default", generation: 2 }, ...ready("True", { observedGeneration: 1 }) },
      ["NodePool default is left out: its Ready condition is of an older generation"]],
    ["is static", nodePool("default", { replicas: 2 }), ["NodePool default is left out: it is static (spec.replicas) and buys nothing for pods"]],
    ["is being deleted", { ...nodePool(), metadata: { name: "default", deletionTimestamp: "2026-01-01T00:00:00Z" } },
      ["NodePool default is left out: it is being deleted"]]
  ]
  it.effect.each(pools)("takes or leaves a NodePool that %s as the controller does", ([, pool, expected]) => Effect.gen(function*() {
    const { json, notes } = yield* plan(list(pool, pod("a")))
    assert.deepStrictEqual(notes, expected)
    assert.strictEqual(json.totals.newNodes, expected.length === 0 ? 1 : 0)
  }))

  it.effect("uses a LinodeNodeClass where there is one, and its defaults where there is none", () => Effect.gen(function*() {
    const kubelet = (name: string): Fields => ({ apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name }, spec: { kubelet: { maxPods: 2 } } })
    const pods = [pod("a", { cpu: "10m" }), pod("b", { cpu: "10m" }), pod("c", { cpu: "10m" })]
    assert.strictEqual((yield* plan(list(nodePool(), ...pods))).json.totals.newNodes, 1)
    assert.strictEqual((yield* plan(list(nodePool(), kubelet("default"), ...pods))).json.totals.newNodes, 2)
    const { notes } = yield* plan(list(nodePool(), kubelet("other"), ...pods))
    assert.deepStrictEqual(notes, ["LinodeNodeClass default of NodePool default is not in the input: taken as one with defaults"])
  }))

  it.effect("tells of pods whose nodes it was not shown", () => Effect.gen(function*() {
    const { notes } = yield* plan(list(nodePool(), pod("a", {}, { nodeName: "elsewhere" }), pod("b", {}, { nodeName: "elsewhere" })))
    assert.deepStrictEqual(notes, ["2 pods left out, running on nodes that are not in the input"])
  }))

  it.effect("learns from its nodes what a plan really has", () => Effect.gen(function*() {
    const small = node("n1", { ...ours, "node.kubernetes.io/instance-type": "g6-standard-4" }, { spec: { unschedulable: true } })
    const { question } = yield* plan(list(nodePool(), small))
    assert.strictEqual(question.problem.instanceTypes["default"]!.find(({ name }) => name === "g6-standard-4")!.capacity["memory"], "16Gi")
  }))

  it.effect("knows volumes whose class kubectl was not asked for", () => Effect.gen(function*() {
    const volume: Fields = {
      apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: { storageClassName: "linode-block-storage" }, status: { phase: "Pending" }
    }
    const { json, notes } = yield* plan(list(nodePool(), volume, pod("a", {}, { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "data" } }] })))
    assert.deepStrictEqual(placed(json), ["default/a"])
    assert.deepStrictEqual(notes, ["StorageClass linode-block-storage is not in the input: taken as Linode's block storage, bound when a pod needs it"])
  }))

  it.effect("gives a claim without a class the default class", () => Effect.gen(function*() {
    const storage = (name: string, isDefault: boolean): Fields => ({
      apiVersion: "storage.k8s.io/v1", kind: "StorageClass", provisioner: "linodebs.csi.linode.com",
      metadata: { name, annotations: { "storageclass.kubernetes.io/is-default-class": String(isDefault) } }
    })
    const { question } = yield* plan(list(
      storage("other", false), storage("standard", true), { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "data" }, spec: {} }
    ))
    assert.strictEqual(question.problem.persistentVolumeClaims![0]!.spec.storageClassName, "standard")
  }))

  it.effect("follows the policies it is given", () => Effect.gen(function*() {
    const wish = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{
      weight: 1, preference: { matchExpressions: [{ key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-dedicated-8"] }] }
    }] } }
    const bought = (preferencePolicy: "Respect" | "Ignore") =>
      Effect.map(plan(list(nodePool(), pod("a", {}, { affinity: wish })), { preferencePolicy }), ({ json }) => json.newNodes[0]!.instanceType)
    assert.strictEqual(yield* bought("Respect"), "g6-dedicated-8")
    assert.notStrictEqual(yield* bought("Ignore"), "g6-dedicated-8")
  }))
})
