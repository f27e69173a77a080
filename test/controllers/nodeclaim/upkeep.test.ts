import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import { CloudUnavailable, CreateFailed } from "../../../src/cloud/cloudProvider.ts"
import { nodeClaimDisruption } from "../../../src/controllers/nodeclaim/disruption.ts"
import { nodeClaimExpiration } from "../../../src/controllers/nodeclaim/expiration.ts"
import { instanceGarbageCollection, nodeClaimGarbageCollection } from "../../../src/controllers/nodeclaim/garbageCollection.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { nodeClaimPodEvents } from "../../../src/controllers/nodeclaim/podEvents.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Nodes, Pods } from "../../../src/kube/resources.ts"
import {
  claim, claimNamed, cloudError, condition, counted, createClaim, createNode, createPool, daemonOwner, deleteNode, FakeCloud,
  finishPod, inWorld, machineOf, nodeOf, podNamed, poolNamed, readiness, runPod, seconds, setNodeStatus, start
} from "./support.ts"

/** Claim `a` on a ready node, with nobody at work any more. */
const joined = Effect.fnUntraced(function*(spec: Parameters<typeof claimNamed>[1] = {}) {
  yield* Effect.scoped(Effect.gen(function*() {
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* createClaim(claimNamed("a", spec))
    yield* seconds(1)
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* seconds(1)
  }))
})
const deleted = Effect.map(claim("a"), (found) => found === undefined || found.metadata.deletionTimestamp !== undefined)
const vanishes = Effect.gen(function*() {
  yield* Kube.use((kube) => kube.patch(Nodes, { name: "lke1-a" }, { metadata: { finalizers: null } }, { kind: "merge" }))
  yield* deleteNode("lke1-a")
})

describe("garbage collection of claims", () => {
  it.effect("takes a registered claim away whose node and machine are gone", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* joined()
    yield* vanishes
    cloud.exists = "gone"
    yield* Effect.forkScoped(nodeClaimGarbageCollection)
    yield* seconds(1)
    assert.isTrue(yield* deleted)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"garbage_collected\""), 1)
  })))

  it.effect("looks again every two minutes", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* joined()
    yield* Effect.forkScoped(nodeClaimGarbageCollection)
    yield* seconds(1)
    yield* setNodeStatus("lke1-a", { conditions: [readiness("Unknown")] })
    cloud.exists = "gone"
    yield* seconds(115)
    assert.isFalse(yield* deleted)
    yield* seconds(6)
    assert.isTrue(yield* deleted)
  })))

  it.effect("takes a claim away whose machine is shut down, unless its node answers all the same", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* joined()
    cloud.exists = "stopped"
    yield* Effect.forkScoped(nodeClaimGarbageCollection)
    yield* seconds(130)
    assert.isFalse(yield* deleted)
    yield* setNodeStatus("lke1-a", { conditions: [readiness("Unknown")] })
    yield* seconds(120)
    assert.isTrue(yield* deleted)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"garbage_collected\""), 1)
  })))

  it.effect("does not even ask about a node that is Ready, or a claim that is not registered", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* joined()
    yield* createClaim(claimNamed("b"))
    cloud.exists = "gone"
    yield* Effect.forkScoped(nodeClaimGarbageCollection)
    yield* seconds(130)
    assert.isFalse(yield* deleted)
    assert.isUndefined((yield* claim("b"))?.metadata.deletionTimestamp)
    assert.notInclude(cloud.calls, "exists a")
  })))

  for (const [what, error] of [
    ["does not answer", new CloudUnavailable({})],
    ["answers with an error", new CreateFailed({ condition: "LinodeAuthFailed" })]
  ] as const) {
    it.effect(`concludes nothing from a Linode that ${what}`, () => inWorld(Effect.gen(function*() {
      const cloud = yield* FakeCloud
      yield* joined()
      yield* vanishes
      cloud.exists = cloudError(error)
      yield* Effect.forkScoped(nodeClaimGarbageCollection)
      yield* seconds(300)
      assert.isFalse(yield* deleted)
      cloud.exists = "gone"
      yield* seconds(120)
      assert.isTrue(yield* deleted)
    })))
  }
})

it.effect("machines without a claim are looked for every half minute", () => inWorld(Effect.gen(function*() {
  const cloud = yield* FakeCloud
  yield* Effect.forkScoped(instanceGarbageCollection)
  yield* seconds(95)
  assert.deepStrictEqual(cloud.calls, ["collect", "collect", "collect", "collect"])
})))

describe("expiration", () => {
  it.effect("takes a claim away when its own time is over, and counts the pods that need another place", () =>
    inWorld(Effect.gen(function*() {
    yield* joined({ expireAfter: "10m" })
    yield* runPod(podNamed("web", "lke1-a"))
    yield* runPod(podNamed("agent", "lke1-a", { metadata: { ownerReferences: [daemonOwner] } }))
    yield* Effect.forkScoped(nodeClaimExpiration)
    yield* seconds(590)
    assert.isFalse(yield* deleted)
    yield* seconds(12)
    assert.isTrue(yield* deleted)
    const labels = "{reason=\"expired\",nodepool=\"default\",capacity_type=\"on-demand\","
    assert.strictEqual(yield* counted(`karpenter_nodeclaims_disrupted_total${labels}`), 1)
    assert.strictEqual(yield* counted(`karpenter_pods_disruption_initiated_total${labels}`), 1)
  })))

  it.effect("takes a claim away at once that expired while nobody looked", () => inWorld(Effect.gen(function*() {
    yield* joined({ expireAfter: "1s" })
    yield* Effect.forkScoped(nodeClaimExpiration)
    yield* seconds(1)
    assert.isTrue(yield* deleted)
  })))

  it.effect("never comes for a claim without an end", () => inWorld(Effect.gen(function*() {
    yield* joined({ expireAfter: "Never" })
    yield* Effect.forkScoped(nodeClaimExpiration)
    yield* seconds(3600)
    assert.isFalse(yield* deleted)
  })))
})

describe("consolidatable", () => {
  const marked = Effect.map(condition("a", "Consolidatable"), (found) => found?.status)

  it.effect("is true as soon as the node is usable when consolidateAfter is zero", () => inWorld(Effect.gen(function*() {
    yield* createPool(poolNamed("default", { consolidateAfter: "0s" }))
    yield* Effect.forkScoped(nodeClaimDisruption)
    yield* createClaim(claimNamed("a"))
    yield* seconds(2)
    assert.isUndefined(yield* marked)
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* seconds(1)
    yield* createNode(nodeOf("a"))
    yield* seconds(2)
    assert.strictEqual(yield* marked, "True")
  })))

  it.effect("comes when the node was left alone for long enough, and goes when a pod comes or leaves", () =>
    inWorld(Effect.gen(function*() {
    yield* createPool(poolNamed("default", { consolidateAfter: "1m" }))
    yield* joined()
    yield* Effect.forkScoped(nodeClaimDisruption)
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* seconds(57)
    assert.isUndefined(yield* marked)
    yield* seconds(5)
    assert.strictEqual(yield* marked, "True")
    yield* runPod(podNamed("web", "lke1-a"))
    yield* seconds(2)
    assert.isUndefined(yield* marked)
    yield* seconds(60)
    assert.strictEqual(yield* marked, "True")
    yield* finishPod("web")
    yield* seconds(2)
    assert.isUndefined(yield* marked)
  })))

  it.effect("is not for pools that say Never, and follows the pool when it changes its mind", () =>
    inWorld(Effect.gen(function*() {
    const pool = yield* createPool(poolNamed("default", { consolidateAfter: "Never" }))
    yield* joined()
    yield* Effect.forkScoped(nodeClaimDisruption)
    yield* seconds(60)
    assert.isUndefined(yield* marked)
    yield* Kube.use((kube) => kube.update(NodePools,
      { ...pool, spec: { ...pool.spec, disruption: { ...pool.spec.disruption, consolidateAfter: "0s" } } }))
    yield* seconds(1)
    assert.strictEqual(yield* marked, "True")
  })))
})

describe("pod events", () => {
  const lastEvent = Effect.map(claim("a"), (found) => found?.status?.lastPodEventTime)
  const secondsSinceStart = Effect.map(lastEvent, (time) =>
    time === undefined ? undefined : Math.floor((Date.parse(time) - start) / 1000))
  const bindLater = Effect.gen(function*() {
    const { nodeName: _, ...spec } = podNamed("web", "").spec
    yield* Kube.use((kube) => kube.create(Pods, { ...podNamed("web", ""), spec }))
    yield* seconds(1)
    yield* Kube.use((kube) =>
      kube.patch(Pods, { name: "web", namespace: "default" }, { spec: { nodeName: "lke1-a" } }, { kind: "merge" }))
    yield* seconds(1)
  })

  it.effect("keep the time at which a pod was bound, began to leave, or ended", () => inWorld(Effect.gen(function*() {
    yield* joined()
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* seconds(20)
    assert.isUndefined(yield* lastEvent)
    yield* bindLater
    const bound = yield* secondsSinceStart
    assert.isDefined(bound)
    yield* seconds(30)
    assert.strictEqual(yield* secondsSinceStart, bound)
    yield* Kube.use((kube) => kube.delete(Pods, { name: "web", namespace: "default" }))
    yield* seconds(1)
    assert.isAbove((yield* secondsSinceStart) ?? 0, (bound ?? 0) + 25)
  })))

  it.effect("that follow within ten seconds are one", () => inWorld(Effect.gen(function*() {
    yield* joined()
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* bindLater
    const first = yield* lastEvent
    yield* seconds(5)
    yield* Kube.use((kube) => kube.delete(Pods, { name: "web", namespace: "default" }))
    yield* seconds(1)
    assert.strictEqual(yield* lastEvent, first)
  })))

  it.effect("are not made of the pods that are there when the controller starts", () => inWorld(Effect.gen(function*() {
    yield* joined()
    yield* runPod(podNamed("web", "lke1-a"))
    yield* seconds(1)
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* seconds(30)
    assert.isUndefined(yield* lastEvent)
  })))

  it.effect("of the time in which nobody watched are told by the pods themselves, once", () => inWorld(Effect.gen(function*() {
    yield* joined()
    yield* seconds(30)
    yield* runPod(podNamed("web", "lke1-a"))
    const bound = new Date(start + 25_000).toISOString()
    yield* Kube.use((kube) => kube.patch(Pods, { name: "web", namespace: "default" }, {
      status: { conditions: [{ type: "PodScheduled", status: "True", lastTransitionTime: bound }] }
    }, { kind: "merge", subresource: "status" }))
    yield* seconds(60)
    yield* Effect.scoped(Effect.andThen(Effect.forkScoped(nodeClaimPodEvents), seconds(2)))
    assert.strictEqual(yield* lastEvent, bound)
    const before = yield* claim("a")
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* seconds(2)
    assert.strictEqual((yield* claim("a"))?.metadata.resourceVersion, before?.metadata.resourceVersion)
  })))

  it.effect("are not made of DaemonSet pods", () => inWorld(Effect.gen(function*() {
    yield* joined()
    yield* Effect.forkScoped(nodeClaimPodEvents)
    yield* seconds(1)
    yield* runPod(podNamed("agent", "lke1-a", { metadata: { ownerReferences: [daemonOwner] } }))
    yield* seconds(5)
    assert.isUndefined(yield* lastEvent)
  })))
})

it.effect("two claims on one name: the one that owns the node is the one that counts", () => inWorld(Effect.gen(function*() {
  const cloud = yield* FakeCloud
  yield* joined()
  cloud.machine = (each) => ({ ...machineOf(each), nodeName: "lke1-a", providerID: undefined })
  yield* createClaim(claimNamed("b"))
  yield* Kube.use((kube) =>
    kube.patch(NodeClaims, { name: "b" }, { status: { nodeName: "lke1-a" } }, { kind: "merge", subresource: "status" }))
  yield* Effect.forkScoped(nodeClaimPodEvents)
  yield* seconds(1)
  yield* runPod(podNamed("web", "lke1-a"))
  yield* seconds(1)
  assert.isDefined((yield* claim("a"))?.status?.lastPodEventTime)
  assert.isUndefined((yield* claim("b"))?.status?.lastPodEventTime)
})))
