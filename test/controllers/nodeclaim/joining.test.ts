import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint, finalizer, label, unregisteredTaint } from "../../../src/apis/labels.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Conflict } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import type { Taint } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import {
  claim, claimNamed, condition, counted, createClaim, createNode, deleteNode, FakeCloud, inWorld, machineOf, node, nodeOf,
  readiness, reasonsOn, seconds, setNodeStatus, statusOf
} from "./support.ts"

const running = Effect.forkScoped(nodeClaimLifecycle)
const dedicated: Taint = { key: "dedicated", value: "batch", effect: "NoSchedule" }
const startup: Taint = { key: "network/not-ready", effect: "NoExecute" }

const launchedClaim = Effect.fnUntraced(function*(spec: Parameters<typeof claimNamed>[1] = {}) {
  yield* running
  yield* createClaim(claimNamed("a", spec))
  yield* seconds(1)
})
const setTaints = (taints: ReadonlyArray<Taint>) => Kube.use((kube) =>
  kube.patch(Nodes, { name: "lke1-a" }, { spec: { taints } }, { kind: "merge" }))

describe("registration", () => {
  it.effect("knows the node by its name, before any provider id is on it, and puts it right at once", () =>
    inWorld(Effect.gen(function*() {
    const server = yield* MemoryApiServer
    yield* launchedClaim({ taints: [dedicated], startupTaints: [startup] })
    const before = yield* server.count("patch", Nodes)
    const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }
    yield* createNode({ ...nodeOf("a", { spec: { taints: [notReady] } }), status: {} })
    yield* seconds(1)
    const found = yield* node("lke1-a")
    const owner = yield* claim("a")
    assert.strictEqual(yield* statusOf("a", "Registered"), "True")
    assert.deepStrictEqual(found?.metadata.finalizers, [finalizer.termination])
    assert.strictEqual(found?.metadata.labels?.[label.registered], "true")
    assert.strictEqual(found?.metadata.labels?.[label.nodePool], "default")
    assert.strictEqual(found?.metadata.labels?.[label.instanceType], "g6-standard-2")
    assert.strictEqual(found?.metadata.annotations?.[annotation.lkeNode], "1-a")
    assert.deepStrictEqual(found?.metadata.ownerReferences, [{
      apiVersion: "karpenter.sh/v1", kind: "NodeClaim", name: "a", uid: owner?.metadata.uid ?? "", blockOwnerDeletion: true
    }])
    assert.deepStrictEqual(found?.spec?.taints?.map((taint) => taint.key), [notReady.key, dedicated.key, startup.key])
    // The fixture's own write of the status, and one of ours.
    assert.strictEqual((yield* server.count("patch", Nodes)) - before, 2)
    assert.strictEqual(yield* counted("karpenter_nodes_created_total{nodepool=\"default\",zone=\"us-ord\"}"), 1)
  })))

  it.effect("takes the unregistered taint off where a node has it, and does not complain where it has none", () =>
    inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a", { spec: { taints: [unregisteredTaint] } }))
    yield* seconds(1)
    assert.deepStrictEqual((yield* node("lke1-a"))?.spec?.taints ?? [], [])
    // Its transitions and nothing else.
    assert.sameMembers([...yield* reasonsOn("a")], ["Launched", "Registered", "Initialized", "Ready"])
  })))

  it.effect("of a node that was born with all of its taints, labels and its provider id doubles none and takes off what kept pods away", () =>
    inWorld(Effect.gen(function*() {
    const server = yield* MemoryApiServer
    yield* launchedClaim({ taints: [dedicated], startupTaints: [startup] })
    const owner = yield* claim("a")
    const before = yield* server.count("patch", Nodes)
    yield* createNode(nodeOf("a", {
      metadata: { labels: { [label.hostname]: "lke1-a", ...owner?.metadata.labels } },
      spec: { providerID: owner?.status?.providerID ?? "", taints: [dedicated, startup, unregisteredTaint] }
    }))
    yield* seconds(1)
    const found = yield* node("lke1-a")
    assert.strictEqual(yield* statusOf("a", "Registered"), "True")
    assert.strictEqual(found?.spec?.providerID, owner?.status?.providerID)
    assert.deepStrictEqual(found?.spec?.taints?.map((taint) => taint.key), [dedicated.key, startup.key])
    assert.strictEqual((yield* server.count("patch", Nodes)) - before, 2)
  })))

  it.effect("of a node that was born unregistered and without its one taint swaps them", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim({ taints: [dedicated] })
    yield* createNode(nodeOf("a", { spec: { taints: [unregisteredTaint] } }))
    yield* seconds(1)
    assert.deepStrictEqual((yield* node("lke1-a"))?.spec?.taints, [dedicated])
  })))

  it.effect("copies no taints onto a node that asks not to", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim({ taints: [dedicated] })
    yield* createNode(nodeOf("a", { metadata: { labels: { [label.doNotSyncTaints]: "true" } } }))
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Registered"), "True")
    assert.deepStrictEqual((yield* node("lke1-a"))?.spec?.taints ?? [], [])
  })))

  it.effect("says that the node is not there until it is", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    const registered = yield* condition("a", "Registered")
    assert.deepStrictEqual([registered?.status, registered?.reason], ["Unknown", "NodeNotFound"])
  })))

  it.effect("goes on when others write the node at the same time", () => inWorld(Effect.gen(function*() {
    const server = yield* MemoryApiServer
    yield* launchedClaim()
    yield* server.inject({ verb: "patch", resource: Nodes, reason: new Conflict(), status: 409, times: 2 })
    yield* Kube.use((kube) => kube.create(Nodes, { ...nodeOf("a"), status: {} }))
    yield* seconds(1)
    assert.strictEqual(yield* server.count("patch", Nodes), 3)
    assert.strictEqual(yield* statusOf("a", "Registered"), "True")
  })))

  it.effect("does not take another machine of that name for the claim's, and recovers when it has gone", () =>
    inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://another" } }))
    yield* seconds(1)
    const registered = yield* condition("a", "Registered")
    assert.deepStrictEqual([registered?.status, registered?.reason], ["False", "MultipleNodesFound"])
    assert.isUndefined((yield* node("lke1-a"))?.metadata.finalizers)
    yield* deleteNode("lke1-a")
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Registered"), "Unknown")
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Registered"), "True")
  })))

  it.effect("makes a Node its own again that the kubelet made anew, after somebody removed it by force", () =>
    inWorld(Effect.gen(function*() {
    yield* launchedClaim({ taints: [dedicated] })
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* seconds(1)
    yield* Kube.use((kube) => kube.patch(Nodes, { name: "lke1-a" }, { metadata: { finalizers: null } }, { kind: "merge" }))
    yield* deleteNode("lke1-a")
    yield* seconds(5)
    yield* createNode(nodeOf("a"))
    yield* seconds(2)
    const found = yield* node("lke1-a")
    assert.deepStrictEqual(found?.metadata.finalizers, [finalizer.termination])
    assert.deepStrictEqual(found?.spec?.taints, [dedicated])
    assert.strictEqual(found?.metadata.labels?.[label.nodePool], "default")
    assert.strictEqual(found?.metadata.labels?.[label.initialized], "true")
    assert.strictEqual(yield* statusOf("a", "Ready"), "True")
    assert.strictEqual(yield* counted("karpenter_nodes_created_total"), 1)
  })))

  it.effect("finds a node under another name by its provider id", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a", { metadata: { name: "renamed" }, spec: { providerID: "linode://a" } }))
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.status?.nodeName, "renamed")
  })))

  it.effect("does not bring a startup taint back that somebody removed, also after a restart", () =>
    inWorld(Effect.gen(function*() {
    yield* createClaim(claimNamed("a", { startupTaints: [startup] }))
    const first = yield* running
    yield* seconds(1)
    yield* createNode(nodeOf("a"))
    yield* seconds(1)
    yield* setTaints([])
    yield* seconds(5)
    assert.deepStrictEqual((yield* node("lke1-a"))?.spec?.taints ?? [], [])
    first.interruptUnsafe()
    yield* running
    yield* seconds(5)
    assert.deepStrictEqual((yield* node("lke1-a"))?.spec?.taints ?? [], [])
  })))
})

describe("initialization", () => {
  it.effect("names the first thing that is in the way, and ends when nothing is", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim({ startupTaints: [startup], resources: { requests: { cpu: "1", "nvidia.com/gpu": "1" } } })
    yield* createNode({
      ...nodeOf("a", { spec: { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }] } }),
      status: { allocatable: { cpu: "2", memory: "3Gi" }, conditions: [readiness("False")] }
    })
    const reason = Effect.map(condition("a", "Initialized"), (found) => found?.reason)
    yield* seconds(1)
    assert.strictEqual(yield* reason, "NodeNotReady")
    yield* setNodeStatus("lke1-a", { conditions: [readiness("True")] })
    yield* seconds(1)
    assert.strictEqual(yield* reason, "StartupTaintsExist")
    const message = Effect.map(condition("a", "Initialized"), (found) => found?.message)
    assert.strictEqual(yield* message, "StartupTaint \"network/not-ready:NoExecute\" still exists")
    yield* setTaints([{ key: "node.kubernetes.io/not-ready", effect: "NoExecute" }])
    yield* seconds(1)
    assert.strictEqual(yield* reason, "KnownEphemeralTaintsExist")
    yield* setTaints([])
    yield* seconds(1)
    assert.strictEqual(yield* reason, "ResourceNotRegistered")
    assert.isUndefined((yield* node("lke1-a"))?.metadata.labels?.[label.initialized])
    yield* setNodeStatus("lke1-a", { allocatable: { cpu: "2", memory: "3Gi", "nvidia.com/gpu": "1" } })
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Initialized"), "True")
    assert.strictEqual(yield* statusOf("a", "Ready"), "True")
    assert.strictEqual((yield* node("lke1-a"))?.metadata.labels?.[label.initialized], "true")
  })))

  it.effect("is done in the second in which a ready node joins", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a"))
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Ready"), "True")
  })))

  it.effect("stays true when the node has trouble later", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a"))
    yield* seconds(1)
    yield* setNodeStatus("lke1-a", { conditions: [readiness("Unknown")] })
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Initialized"), "True")
  })))

  it.effect("does not wait for Linode to name the instance", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.machine = (each) => ({ ...machineOf(each), providerID: undefined })
    yield* launchedClaim()
    yield* createNode(nodeOf("a"))
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Ready"), "True")
    assert.isUndefined((yield* claim("a"))?.status?.providerID)
  })))

  it.effect("is not held by the taint that disruption puts on a node", () => inWorld(Effect.gen(function*() {
    yield* launchedClaim()
    yield* createNode(nodeOf("a", { spec: { taints: [disruptedTaint] } }))
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "Initialized"), "True")
  })))
})
