import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint, finalizer, label } from "../../../src/apis/labels.ts"
import { CloudUnavailable } from "../../../src/cloud/cloudProvider.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { nodeTermination } from "../../../src/controllers/node/termination.ts"
import { nodeClaimExpiration } from "../../../src/controllers/nodeclaim/expiration.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { Nodes, Pods } from "../../../src/kube/resources.ts"
import {
  claim, claimNamed, cloudError, counted, createClaim, createNode, daemonOwner, deleteClaim, deleteNode, FakeCloud, finishPod, inWorld, node, nodeOf, pod,
  readiness, reasonsOn, runPod, seconds, setNodeStatus, statusOf
} from "../nodeclaim/support.ts"
import { holdPods, leaving, nodeName, podHere, readyNode, releasePods } from "./support.ts"

const deletions = Effect.map(FakeCloud, (cloud) => cloud.calls.filter((call) => call.startsWith("delete")).length)

describe("the end of a node", () => {
  for (const what of ["node", "nodeclaim"]) {
    it.effect(`kubectl delete ${what} drains, gives the machine back, and leaves nothing`, () => inWorld(Effect.gen(function*() {
      const cloud = yield* FakeCloud
      cloud.deletion = "terminating"
      yield* readyNode()
      yield* runPod(podHere("web"))
      if (what === "node") yield* deleteNode(nodeName)
      else yield* deleteClaim("a")
      yield* seconds(2)
      assert.deepStrictEqual(yield* leaving, ["web"])
      assert.deepInclude((yield* node(nodeName))?.spec?.taints ?? [], disruptedTaint)
      assert.strictEqual((yield* node(nodeName))?.metadata.labels?.[label.excludeFromLoadBalancers], "karpenter")
      assert.strictEqual(yield* statusOf("a", "Drained"), "Unknown")
      assert.strictEqual(yield* deletions, 0)
      yield* finishPod("web")
      yield* seconds(8)
      assert.strictEqual(yield* statusOf("a", "Drained"), "True")
      assert.strictEqual(yield* statusOf("a", "InstanceTerminating"), "True")
      assert.isDefined(yield* node(nodeName))
      cloud.deletion = "gone"
      yield* seconds(12)
      assert.isUndefined(yield* node(nodeName))
      assert.isUndefined(yield* claim("a"))
      assert.strictEqual(yield* counted("karpenter_nodes_drained_total"), 1)
      assert.strictEqual(yield* counted("karpenter_nodes_terminated_total"), 1)
      assert.strictEqual(yield* counted("karpenter_nodeclaims_terminated_total"), 1)
      assert.strictEqual(yield* counted("karpenter_nodes_termination_duration_seconds_count"), 1)
      assert.include(yield* reasonsOn("web"), "Evicted")
      assert.include(yield* reasonsOn(nodeName), "FailedDraining")
    })))
  }

  it.effect("an empty node is watched for five seconds, so that a pod placed at the last moment is drained too", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* deleteNode(nodeName)
    yield* seconds(3)
    assert.strictEqual(yield* deletions, 0)
    yield* runPod(podHere("late"))
    yield* seconds(6)
    assert.deepStrictEqual(yield* leaving, ["late"])
    assert.strictEqual(yield* deletions, 0)
    yield* finishPod("late")
    yield* seconds(3)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("a node drains though its claim was deleted before its status named it", () => inWorld(Effect.gen(function*() {
    yield* createClaim(claimNamed("a", {}, { annotations: { [annotation.lkeNode]: "1-a" } }))
    yield* deleteClaim("a")
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* runPod(podHere("web"))
    yield* holdPods("web", "web")
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* Effect.forkScoped(nodeTermination)
    yield* seconds(5)
    assert.strictEqual(yield* deletions, 0)
    yield* releasePods("web")
    yield* seconds(12)
    assert.deepStrictEqual(yield* leaving, ["web"])
    yield* finishPod("web")
    yield* seconds(3)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("a node whose instance vanished goes at once, with pods that nobody could tell to leave", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* readyNode()
    yield* runPod(podHere("web"))
    yield* setNodeStatus(nodeName, { conditions: [readiness("Unknown")] })
    cloud.exists = "gone"
    // As the cloud controller manager does.
    yield* deleteNode(nodeName)
    yield* seconds(2)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
    assert.deepStrictEqual(yield* leaving, [])
  })))

  it.effect("a node whose machine is shut down gives it back at once, and stays until it is gone", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* readyNode()
    yield* runPod(podHere("job", { metadata: { annotations: { [annotation.doNotDisrupt]: "true" } } }))
    yield* setNodeStatus(nodeName, { conditions: [readiness("Unknown")] })
    cloud.exists = "stopped"
    yield* deleteClaim("a")
    yield* seconds(3)
    assert.isAtLeast(yield* deletions, 1)
    assert.isDefined(yield* node(nodeName))
    assert.deepStrictEqual(yield* leaving, [])
    cloud.deletion = "gone"
    yield* seconds(12)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("a node that is not ready waits for Linode to say whether its instance exists", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* readyNode()
    yield* setNodeStatus(nodeName, { conditions: [readiness("Unknown")] })
    cloud.exists = cloudError(new CloudUnavailable({ retryAfterSeconds: 10 }))
    yield* deleteNode(nodeName)
    yield* seconds(9)
    assert.isUndefined((yield* node(nodeName))?.spec?.taints?.find(({ key }) => key === disruptedTaint.key))
    cloud.exists = "gone"
    yield* seconds(3)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("Linode is not asked every second about a node that does not answer", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* readyNode()
    yield* runPod(podHere("job", { metadata: { annotations: { [annotation.doNotDisrupt]: "true" } } }))
    yield* setNodeStatus(nodeName, { conditions: [readiness("Unknown")] })
    yield* deleteNode(nodeName)
    yield* seconds(60)
    assert.isAtMost(cloud.calls.filter((call) => call === "exists a").length, 15)
    assert.isDefined(yield* node(nodeName))
  })))

  it.effect("the provider's own notes on the claim do not make it ask for the deletion twice", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    let notes = 0
    const note = () => ({ metadata: { annotations: { note: String(++notes) } } })
    cloud.duringDelete = Effect.ignore(Kube.use((kube) => kube.patch(NodeClaims, { name: "a" }, note(), { kind: "merge" })))
    cloud.deletion = "terminating"
    yield* readyNode()
    yield* deleteNode(nodeName)
    yield* seconds(9)
    assert.strictEqual(yield* statusOf("a", "InstanceTerminating"), "True")
    assert.strictEqual(yield* deletions, 1)
    assert.strictEqual((yield* claim("a"))?.metadata.annotations?.["note"], "1")
  })))

  const stale = Effect.fnUntraced(function*(resource: typeof Pods | typeof Nodes) {
    const server = yield* MemoryApiServer
    yield* server.inject({ verb: "watch", resource, reason: new Unavailable(), times: 1_000_000 })
    yield* server.breakWatches(resource)
    return server.server
  })

  it.effect("a pod that the caches do not know of yet keeps the machine", () => inWorld(Effect.gen(function*() {
    const { heal } = yield* MemoryApiServer
    yield* readyNode()
    const server = yield* stale(Pods)
    server.create(Pods, podHere("web"))
    yield* deleteNode(nodeName)
    yield* seconds(30)
    assert.isDefined(yield* node(nodeName))
    assert.strictEqual(yield* deletions, 0)
    yield* heal
    yield* seconds(30)
    assert.deepStrictEqual(yield* leaving, ["web"])
    yield* finishPod("web")
    yield* seconds(5)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("a node that the caches do not know of yet is drained before its machine goes", () => inWorld(Effect.gen(function*() {
    const { heal } = yield* MemoryApiServer
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* Effect.forkScoped(nodeTermination)
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    const server = yield* stale(Nodes)
    // As the process that led before left it.
    const metadata = { finalizers: [finalizer.termination], labels: { [label.registered]: "true", [label.nodeClass]: "default" } }
    server.create(Nodes, nodeOf("a", { metadata, spec: { providerID: "linode://a" } }))
    yield* runPod(podHere("web"))
    yield* deleteClaim("a")
    yield* seconds(10)
    assert.strictEqual(yield* deletions, 0)
    assert.isDefined((yield* node(nodeName))?.metadata.deletionTimestamp)
    yield* heal
    yield* seconds(30)
    assert.deepStrictEqual(yield* leaving, ["web"])
    yield* finishPod("web")
    yield* seconds(10)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("a node that still reports Ready is drained even if Linode says that its instance is gone", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* readyNode()
    yield* runPod(podHere("web"))
    cloud.exists = "gone"
    yield* deleteNode(nodeName)
    yield* seconds(3)
    assert.isDefined(yield* node(nodeName))
    assert.deepStrictEqual(yield* leaving, ["web"])
  })))

  it.effect("a node without a claim is drained and let go, and Linode is not asked", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* readyNode()
    const metadata = { finalizers: [finalizer.termination], labels: { [label.nodeClass]: "default" } }
    yield* createNode(nodeOf("lost", { metadata }))
    yield* runPod({ ...podHere("web"), spec: { ...podHere("web").spec, nodeName: "lke1-lost" } })
    const before = cloud.calls.length
    yield* deleteNode("lke1-lost")
    yield* seconds(2)
    assert.deepStrictEqual(yield* leaving, ["web"])
    assert.isDefined(yield* node("lke1-lost"))
    yield* finishPod("web")
    yield* seconds(2)
    assert.isUndefined(yield* node("lke1-lost"))
    assert.strictEqual(cloud.calls.length, before)
  })))

  it.effect("a node that is not ours is left to Kubernetes", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* createNode(nodeOf("foreign", { metadata: { finalizers: ["example.com/keep"] } }))
    yield* deleteNode("lke1-foreign")
    yield* seconds(10)
    assert.deepStrictEqual((yield* node("lke1-foreign"))?.spec?.taints ?? [], [])
  })))

  it.effect("other finalizers on the node stay", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* Kube.use((kube) => kube.patch(Nodes, { name: nodeName }, {
      metadata: { finalizers: [finalizer.termination, "example.com/keep"] }
    }, { kind: "merge" }))
    yield* deleteNode(nodeName)
    yield* seconds(10)
    assert.deepStrictEqual((yield* node(nodeName))?.metadata.finalizers, ["example.com/keep"])
  })))

  it.effect("a restart in the middle goes on where it was", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* Effect.scoped(Effect.gen(function*() {
      yield* readyNode()
      yield* runPod(podHere("web"))
      yield* deleteNode(nodeName)
      yield* seconds(2)
    }))
    yield* finishPod("web")
    cloud.deletion = "gone"
    yield* Effect.forkScoped(nodeTermination)
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* seconds(10)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))
})

describe("draining", () => {
  const tiers = [
    podHere("app"),
    podHere("agent", { metadata: { ownerReferences: [daemonOwner] } }),
    podHere("dns", { spec: { priorityClassName: "system-cluster-critical" } }),
    podHere("cni", { metadata: { ownerReferences: [daemonOwner] }, spec: { priorityClassName: "system-node-critical" } })
  ]

  it.effect("goes tier by tier, each when the one before is gone", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    for (const one of tiers.toReversed()) yield* runPod(one)
    yield* deleteNode(nodeName)
    for (const name of ["app", "agent", "dns", "cni"]) {
      yield* seconds(3)
      assert.deepStrictEqual(yield* leaving, [name])
      yield* finishPod(name)
    }
    yield* seconds(8)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("leaves pods alone that tolerate it, static pods, and pods that ended", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("proxy", { spec: { tolerations: [{ operator: "Exists" }] } }))
    const { uid = "" } = (yield* node(nodeName))?.metadata ?? {}
    yield* runPod(podHere("static", { metadata: { ownerReferences: [{ apiVersion: "v1", kind: "Node", name: nodeName, uid }] } }))
    const ended = yield* runPod(podHere("job"))
    yield* Kube.use((kube) => kube.patch(Pods, ended.metadata,
      { status: { phase: "Succeeded" } }, { kind: "merge", subresource: "status" }))
    yield* deleteNode(nodeName)
    yield* seconds(4)
    assert.deepStrictEqual(yield* leaving, [])
    yield* seconds(4)
    assert.isUndefined(yield* node(nodeName))
    assert.strictEqual(yield* counted("karpenter_pods_eviction_requests_total"), 0)
  })))

  it.effect("stops waiting for a pod whose kubelet does not answer, a minute after its time", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("stuck", { spec: { terminationGracePeriodSeconds: 10 } }))
    yield* deleteNode(nodeName)
    yield* seconds(65)
    assert.isDefined(yield* node(nodeName))
    yield* seconds(15)
    assert.isUndefined(yield* node(nodeName))
  })))

  it.effect("waits for a disruption budget, tells which pod, and goes on when it allows", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("db"))
    yield* holdPods("db", "db")
    yield* deleteNode(nodeName)
    yield* seconds(120)
    assert.deepStrictEqual(yield* leaving, [])
    assert.strictEqual(yield* deletions, 0)
    assert.include(yield* reasonsOn(nodeName), "FailedDraining")
    assert.isAbove(yield* counted("karpenter_pods_eviction_requests_total{code=\"429\"}"), 1)
    yield* releasePods("db")
    yield* seconds(11)
    assert.deepStrictEqual(yield* leaving, ["db"])
  })))

  it.effect("waits for ever for a pod that must not be disrupted, and does not ask for its eviction", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("job", { metadata: { annotations: { [annotation.doNotDisrupt]: "true" } } }))
    yield* deleteNode(nodeName)
    yield* seconds(600)
    assert.deepStrictEqual(yield* leaving, [])
    assert.strictEqual(yield* counted("karpenter_pods_eviction_requests_total"), 0)
    assert.isDefined(yield* node(nodeName))
  })))

  it.effect("waits for as long as a pod's do-not-disrupt says", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("job", { metadata: { annotations: { [annotation.doNotDisrupt]: "2m" } } }))
    yield* deleteNode(nodeName)
    yield* seconds(115)
    assert.deepStrictEqual(yield* leaving, [])
    assert.include(yield* reasonsOn("job"), "DoNotDisruptUntil")
    yield* seconds(20)
    assert.deepStrictEqual(yield* leaving, ["job"])
    assert.include(yield* reasonsOn("job"), "DoNotDisruptGracePeriodElapsed")
  })))

  it.effect("an expired node drains like any other, and by its grace period in spite of what holds it", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode({ expireAfter: "10m", terminationGracePeriod: "5m" })
    yield* Effect.forkScoped(nodeClaimExpiration)
    yield* runPod(podHere("web"))
    yield* runPod(podHere("db", { spec: { terminationGracePeriodSeconds: 30 } }))
    yield* holdPods("db", "db")
    yield* seconds(590)
    assert.deepStrictEqual(yield* leaving, [])
    yield* seconds(15)
    assert.deepStrictEqual(yield* leaving, ["web"])
    yield* finishPod("web")
    yield* seconds(240)
    assert.isDefined(yield* node(nodeName))
    yield* seconds(60)
    assert.include(yield* reasonsOn("db"), "Disrupted")
    yield* finishPod("db")
    yield* seconds(10)
    assert.isUndefined(yield* node(nodeName))
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("does not mind a do-not-disrupt that says nothing, but tells the pod's owner", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("job", { metadata: { annotations: { [annotation.doNotDisrupt]: "soon" } } }))
    yield* deleteNode(nodeName)
    yield* seconds(2)
    assert.deepStrictEqual(yield* leaving, ["job"])
    assert.include(yield* reasonsOn("job"), "InvalidDoNotDisruptAnnotation")
  })))

  it.effect("the terminationGracePeriod overrules budgets and do-not-disrupt, and leaves each pod its own grace", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode({ terminationGracePeriod: "5m" })
    yield* runPod(podHere("db", { spec: { terminationGracePeriodSeconds: 60 } }))
    yield* runPod(podHere("job", {
      metadata: { annotations: { [annotation.doNotDisrupt]: "true" } },
      spec: { terminationGracePeriodSeconds: 120 }
    }))
    yield* holdPods("db", "db")
    yield* deleteNode(nodeName)
    yield* seconds(170)
    assert.deepStrictEqual(yield* leaving, [])
    yield* seconds(15)
    assert.deepStrictEqual(yield* leaving, ["job"])
    const grace = (yield* pod("job"))?.metadata.deletionGracePeriodSeconds ?? 0
    assert.isAtLeast(grace, 110)
    assert.isAtMost(grace, 120)
    yield* seconds(60)
    assert.deepStrictEqual(yield* leaving, ["db", "job"])
    assert.include(yield* reasonsOn("db"), "Disrupted")
    assert.include(yield* reasonsOn(nodeName), "TerminationGracePeriodExpiring")
  })))

  it.effect("a pod whose time is up does not wait for an earlier tier that a budget holds", () => inWorld(Effect.gen(function*() {
    yield* readyNode({ terminationGracePeriod: "5m" })
    yield* runPod(podHere("db", { spec: { terminationGracePeriodSeconds: 10 } }))
    yield* runPod(podHere("agent", {
      metadata: { ownerReferences: [daemonOwner] },
      spec: { terminationGracePeriodSeconds: 200 }
    }))
    yield* holdPods("db", "db")
    yield* deleteNode(nodeName)
    yield* seconds(110)
    assert.deepStrictEqual(yield* leaving, ["agent"])
  })))

  it.effect("a pod that was deleted with more time than the node has gets less", () => inWorld(Effect.gen(function*() {
    yield* readyNode({ terminationGracePeriod: "1m" })
    yield* runPod(podHere("slow", { spec: { terminationGracePeriodSeconds: 3600 } }))
    yield* Kube.use((kube) => kube.delete(Pods, { name: "slow", namespace: "default" }))
    yield* deleteNode(nodeName)
    yield* seconds(5)
    assert.isAtMost((yield* pod("slow"))?.metadata.deletionGracePeriodSeconds ?? 0, 60)
    assert.isAtLeast((yield* pod("slow"))?.metadata.deletionGracePeriodSeconds ?? 0, 1)
  })))

  it.effect("deletes a pod once when the deadline has passed, however long its kubelet takes", () =>
    inWorld(Effect.gen(function*() {
    yield* readyNode({ terminationGracePeriod: "10s" })
    yield* runPod(podHere("web"))
    yield* deleteNode(nodeName)
    yield* seconds(40)
    assert.deepStrictEqual(yield* leaving, ["web"])
    assert.strictEqual(yield* counted("karpenter_pods_drained_total"), 1)
  })))

  it.effect("does not evict a new pod that took the name of one that was held", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod(podHere("db-0", { metadata: { labels: { app: "db" } } }))
    yield* holdPods("db", "db")
    yield* deleteNode(nodeName)
    yield* seconds(3)
    yield* finishPod("db-0")
    yield* runPod({ ...podHere("db-0"), spec: { ...podHere("db-0").spec, nodeName: "elsewhere" } })
    yield* releasePods("db")
    yield* seconds(30)
    assert.isUndefined((yield* pod("db-0"))?.metadata.deletionTimestamp)
  })))

  it.effect("pods on other nodes stay where they are", () => inWorld(Effect.gen(function*() {
    yield* readyNode()
    yield* runPod({ ...podHere("other"), spec: { ...podHere("other").spec, nodeName: "elsewhere" } })
    yield* deleteNode(nodeName)
    yield* seconds(8)
    assert.deepStrictEqual(yield* leaving, [])
    assert.isUndefined(yield* claim("a"))
  })))
})
