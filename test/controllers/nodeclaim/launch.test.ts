import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { annotation, finalizer, label } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import {
  CloudUnavailable, CreateFailed, InsufficientCapacity, NodeClassNotReady
} from "../../../src/cloud/cloudProvider.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { giveUpClaim } from "../../../src/controllers/nodeclaim/removeClaim.ts"
import { Kube } from "../../../src/kube/kube.ts"
import {
  claim, claimNamed, cloudError, condition, counted, createClaim, createNode, FakeCloud, inWorld, machineOf, nodeOf, reasonsOn,
  seconds, start, statusOf
} from "./support.ts"

const running = Effect.forkScoped(nodeClaimLifecycle)

describe("launch", () => {
  it.effect("puts on the claim what is known of its machine, the node's name above all", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    const found = yield* claim("a")
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
    assert.strictEqual(found?.status?.nodeName, "lke1-a")
    assert.strictEqual(found?.status?.providerID, "linode://a")
    assert.deepStrictEqual(found?.status?.capacity, { cpu: "2", memory: "4Gi" })
    assert.deepStrictEqual(found?.status?.allocatable, { cpu: "2", memory: "3Gi" })
    assert.strictEqual(found?.metadata.labels?.[label.instanceType], "g6-standard-2")
    assert.strictEqual(found?.metadata.annotations?.[annotation.lkeNode], "1-a")
  })))

  it.effect("keeps the claim's own labels where the provider says otherwise", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* createClaim(claimNamed("a", {}, { labels: { [label.nodePool]: "default", [label.zone]: "mine" } }))
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.metadata.labels?.[label.zone], "mine")
  })))

  it.effect("stores the finalizer before anything is bought", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const kube = yield* Kube
    let finalizers: ReadonlyArray<string> | undefined
    cloud.during = kube.get(NodeClaims, { name: "a" }).pipe(
      Effect.map((found) => {
        finalizers = found.metadata.finalizers
      }),
      Effect.ignore
    )
    yield* running
    yield* createClaim(claimNamed("a", {}, { finalizers: [] }))
    yield* seconds(1)
    assert.deepStrictEqual(finalizers, [finalizer.termination])
  })))

  it.effect("leaves the claims of another provider alone", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* running
    yield* createClaim(claimNamed("a", { nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "x" } }))
    yield* seconds(30)
    assert.deepStrictEqual(cloud.calls, [])
    assert.isUndefined(yield* condition("a", "Launched"))
  })))

  it.effect("keeps what the provider itself notes on the claim while it works", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const kube = yield* Kube
    const note = { metadata: { annotations: { note: "mine" } } }
    cloud.during = Effect.ignore(kube.patch(NodeClaims, { name: "a" }, note, { kind: "merge" }))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.metadata.annotations?.["note"], "mine")
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
    assert.deepStrictEqual(cloud.calls, ["create a"])
  })))

  it.effect("is over when only the provider id is missing, and goes on asking for that", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.machine = (each) => ({ ...machineOf(each), providerID: undefined })
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(12)
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
    assert.isUndefined((yield* claim("a"))?.status?.providerID)
    assert.deepStrictEqual(cloud.calls, ["create a", "create a", "create a"])
    cloud.machine = machineOf
    yield* seconds(5)
    assert.strictEqual((yield* claim("a"))?.status?.providerID, "linode://a")
  })))

  it.effect("goes on though the wall's clock is set back between two tries", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const clock = yield* Clock.Clock
    cloud.answers.push(cloudError(new CloudUnavailable({})))
    let back = 0
    const setBack = () => clock.currentTimeMillisUnsafe() - back
    const wall: Clock.Clock = Object.create(clock, {
      currentTimeMillisUnsafe: { value: setBack }, currentTimeMillis: { value: Effect.sync(setBack) }
    })
    yield* Effect.provideService(running, Clock.Clock, wall)
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    back = 3_600_000
    yield* seconds(20)
    assert.deepStrictEqual(cloud.calls, ["create a", "create a"])
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
  })))

  it.effect("learns the provider id from the Node when that says it first", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.machine = (each) => ({ ...machineOf(each), providerID: undefined })
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://77" } }))
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.status?.providerID, "linode://77")
  })))

  it.effect("follows the machine when another one of its name took its place", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    cloud.machine = (made) => ({ ...machineOf(made), providerID: "linode://b", labels: { [label.instanceType]: "g6-standard-4" } })
    yield* seconds(30)
    const found = yield* claim("a")
    assert.strictEqual(found?.status?.providerID, "linode://b")
    assert.strictEqual(found?.status?.nodeName, "lke1-a")
    assert.strictEqual(found?.metadata.labels?.[label.instanceType], "g6-standard-4")
  })))

  it.effect("follows the machine when the provider replaced one that broke before it joined", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.machine = (each) => ({ ...machineOf(each), capacity: { cpu: "2", memory: "4Gi", "nvidia.com/gpu": "1" } })
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    cloud.machine = (each) => ({
      ...machineOf(each), nodeName: "lke1-other", providerID: undefined, labels: { [label.instanceType]: "g6-standard-4" }
    })
    yield* seconds(31)
    const found = yield* claim("a")
    assert.strictEqual(found?.status?.nodeName, "lke1-other")
    assert.isUndefined(found?.status?.providerID)
    assert.deepStrictEqual(found?.status?.capacity, { cpu: "2", memory: "4Gi" })
    assert.strictEqual(found?.metadata.labels?.[label.instanceType], "g6-standard-4")
  })))

  it.effect("gives a claim up for which nothing is to be had, and says so", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.answers.push(cloudError(new InsufficientCapacity()))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(2)
    assert.isUndefined(yield* claim("a"))
    assert.deepStrictEqual(yield* reasonsOn("a"), ["InsufficientCapacityError"])
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"insufficient_capacity\""), 1)
  })))

  it.effect("gives a claim up whose node class is not ready", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.answers.push(cloudError(new NodeClassNotReady()))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(2)
    assert.isUndefined(yield* claim("a"))
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"nodeclass_not_ready\""), 1)
  })))

  it.effect("keeps a machine that was bought when its node class stops being ready", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.answers.push({ ...machineOf(claimNamed("a")), providerID: undefined }, cloudError(new NodeClassNotReady()))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(7)
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
    assert.isUndefined((yield* claim("a"))?.metadata.deletionTimestamp)
  })))

  it.effect("says in the condition why Linode refused, and tries again with growing pauses", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const refused = cloudError(new CreateFailed({ condition: "NodePoolCreationFailed" }))
    cloud.answers.push(refused, refused, refused)
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    const launched = yield* condition("a", "Launched")
    assert.strictEqual(launched?.status, "Unknown")
    assert.strictEqual(launched?.reason, "NodePoolCreationFailed")
    assert.strictEqual(launched?.message, "create: no luck")
    yield* seconds(5)
    assert.strictEqual(cloud.calls.length, 3)
    yield* seconds(4)
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
  })))

  it.effect("waits as long as an unavailable Linode asks for", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.answers.push(cloudError(new CloudUnavailable({ retryAfterSeconds: 20 })))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(15)
    const launched = yield* condition("a", "Launched")
    assert.deepStrictEqual([launched?.status, launched?.reason], ["Unknown", "LaunchFailed"])
    assert.strictEqual(cloud.calls.length, 1)
    yield* seconds(6)
    assert.strictEqual(yield* statusOf("a", "Launched"), "True")
  })))

  it.effect("asks a Linode that says no time again after a moment, never in a rush", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    for (let i = 0; i < 50; i++) cloud.answers.push(cloudError(new CloudUnavailable({ retryAfterSeconds: 0 })))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(10)
    assert.isAtMost(cloud.calls.length, 11)
  })))
})

describe("liveness", () => {
  it.effect("does not give a claim up by what it was: one that has changed since is looked at again", () => inWorld(Effect.gen(function*() {
    yield* createClaim(claimNamed("a"))
    const old = yield* claim("a")
    if (old === undefined) return assert.fail("there is no claim")
    // As the process that led before did, and the caches of this one do not know yet.
    yield* Kube.use((kube) => kube.patch(NodeClaims, { name: "a" }, { status: { nodeName: "lke1-a" } }, { kind: "merge", subresource: "status" }))
    const error = yield* Effect.flip(giveUpClaim(old, "registration_timeout"))
    assert.strictEqual(error.reason._tag, "Conflict")
    assert.isUndefined((yield* claim("a"))?.metadata.deletionTimestamp)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total"), 0)
  })))

  it.effect("gives a claim up that was not launched in five minutes", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    for (let i = 0; i < 100; i++) cloud.answers.push(cloudError(new CloudUnavailable({})))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(298)
    assert.isDefined(yield* claim("a"))
    yield* seconds(4)
    assert.isUndefined(yield* claim("a"))
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"launch_timeout\""), 1)
  })))

  it.effect("gives a claim up whose node did not join in fifteen minutes", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(15 * 60 - 2)
    assert.isDefined(yield* claim("a"))
    yield* seconds(4)
    assert.isUndefined(yield* claim("a"))
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"registration_timeout\""), 1)
  })))

  it.effect("gives a claim up for one reason only when the controller was away for long", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    for (let i = 0; i < 100; i++) cloud.answers.push(cloudError(new CloudUnavailable({})))
    cloud.deletion = "terminating"
    yield* createClaim(claimNamed("a"))
    yield* seconds(20 * 60)
    yield* running
    yield* seconds(10)
    assert.isDefined((yield* claim("a"))?.metadata.deletionTimestamp)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total"), 1)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"launch_timeout\""), 1)
  })))

  it.effect("does not count the time in which reasons change as a new start", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const refused = cloudError(new CreateFailed({ condition: "Other" }))
    for (let i = 0; i < 100; i++) cloud.answers.push(i % 2 === 0 ? refused : cloudError(new CloudUnavailable({})))
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(60)
    const launched = yield* condition("a", "Launched")
    assert.isAtMost(Date.parse(launched?.lastTransitionTime ?? ""), start + 2_000)
  })))
})
