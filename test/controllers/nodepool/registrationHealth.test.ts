import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nodePoolConditions } from "../../../src/apis/conditions.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import { CreateFailed } from "../../../src/cloud/cloudProvider.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { nodePoolRegistrationHealth } from "../../../src/controllers/nodepool/registrationHealth.ts"
import * as registrations from "../../../src/controllers/nodepool/registrations.ts"
import { healthOf, withOutcome } from "../../../src/controllers/nodepool/registrations.ts"
import type { Outcome } from "../../../src/controllers/nodepool/registrations.ts"
import { Kube } from "../../../src/kube/kube.ts"
import {
  claim, claimNamed, cloudError, createClaim, createNode, createPool, eventsOn, FakeCloud, inWorld, nodeOf, poolNamed, seconds
} from "../nodeclaim/support.ts"

describe("the health of registrations", () => {
  const [good, bad] = ["registered", "failed"] as const
  it.each<[ReadonlyArray<Outcome>, string]>([
    [[], "unknown"],
    [[good], "healthy"],
    [[bad], "healthy"],
    [[bad, bad], "unhealthy"],
    [[bad, bad, good, good], "unhealthy"],
    [[bad, good, good, good], "healthy"]
  ])("%j is %s", (outcomes, expected) => {
    assert.strictEqual(healthOf(outcomes), expected)
  })

  it("goes by the last four", () => {
    assert.deepStrictEqual([bad, bad, good, good, good].reduce<ReadonlyArray<Outcome>>(withOutcome, []), [bad, good, good, good])
  })
})

const health = Kube.use((kube) => Effect.map(kube.get(NodePools, { name: "default" }), (pool) =>
  nodePoolConditions.get(pool, "NodeRegistrationHealthy")))
const status = Effect.map(health, (condition) => condition?.status)

const owned = Effect.fnUntraced(function*(name: string) {
  const pool = yield* Kube.use((kube) => kube.get(NodePools, { name: "default" }))
  const owner = { apiVersion: "karpenter.sh/v1", kind: "NodePool", name: "default", uid: pool.metadata.uid ?? "", blockOwnerDeletion: true }
  yield* createClaim(claimNamed(name, {}, { ownerReferences: [owner] }))
})
/** A claim of the pool whose node joins. */
const joins = Effect.fnUntraced(function*(name: string) {
  yield* owned(name)
  yield* seconds(1)
  yield* createNode(nodeOf(name, { spec: { providerID: `linode://${name}` } }))
  yield* seconds(2)
})
const pool = Effect.gen(function*() {
  yield* createPool(poolNamed("default", undefined))
  yield* Kube.use((kube) => kube.create(LinodeNodeClasses, {
    apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name: "default" }, spec: {}
  }))
})
const work = Effect.gen(function*() {
  yield* Effect.forkScoped(nodePoolRegistrationHealth)
  yield* Effect.forkScoped(nodeClaimLifecycle)
  yield* seconds(1)
})
/** A process of its own: what it remembers is gone when it ends. */
const aProcess = <A, E, R>(during: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.andThen(work, during)).pipe(Effect.provide(registrations.layer, { local: true }))

describe("the condition NodeRegistrationHealthy", () => {
  it.effect("is unknown at first, and true when a node has registered", () => inWorld(Effect.gen(function*() {
    yield* pool
    yield* work
    assert.strictEqual((yield* health)?.reason, "AwaitingReconciliation")
    yield* joins("a")
    assert.strictEqual(yield* status, "True")
  })))

  it.effect("is false after two nodes that did not join, with an event", () => inWorld(Effect.gen(function*() {
    yield* pool
    yield* work
    yield* owned("a")
    yield* seconds(901)
    assert.strictEqual(yield* status, "Unknown")
    yield* owned("b")
    yield* seconds(901)
    const found = yield* health
    assert.deepInclude(found, { status: "False", reason: "RegistrationFailed", message: "Failed to register node" })
    assert.deepInclude((yield* eventsOn("default")).map(({ reason, type }) => ({ reason, type })),
      { reason: "NodeRegistrationHealthy", type: "Warning" })
  })), 30_000)

  it.effect("tells why launches fail", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* pool
    yield* work
    cloud.answers.push(...Array.from({ length: 1000 }, () => cloudError(new CreateFailed({ condition: "AccountLimitReached" }))))
    yield* owned("a")
    yield* owned("b")
    yield* seconds(330)
    assert.isUndefined(yield* claim("a"))
    assert.deepInclude(yield* health, { status: "False", reason: "AccountLimitReached" })
  })), 30_000)

  it.effect("is unknown again when the NodePool or its class is edited", () => inWorld(Effect.gen(function*() {
    yield* pool
    yield* work
    yield* joins("a")
    yield* Kube.use((kube) => kube.patch(NodePools, { name: "default" }, { spec: { weight: 5 } }, { kind: "merge" }))
    yield* seconds(1)
    assert.strictEqual(yield* status, "Unknown")
    yield* joins("b")
    assert.strictEqual(yield* status, "True")
    yield* Kube.use((kube) => kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { image: "linode/debian12" } }, { kind: "merge" }))
    yield* seconds(1)
    assert.strictEqual(yield* status, "Unknown")
  })))

  it.effect("outlives a restart, from where it takes three nodes in a row to be true again", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* pool
    cloud.answers.push(...Array.from({ length: 1000 }, () => cloudError(new CreateFailed({ condition: "AccountLimitReached" }))))
    yield* aProcess(Effect.gen(function*() {
      yield* owned("a")
      yield* owned("b")
      yield* seconds(330)
      assert.strictEqual(yield* status, "False")
    }))
    cloud.answers.length = 0
    yield* aProcess(Effect.gen(function*() {
      yield* joins("c")
      yield* joins("d")
      assert.strictEqual(yield* status, "False")
      yield* joins("e")
      assert.strictEqual(yield* status, "True")
    }))
  })), 30_000)

  it.effect("counts a claim that is past both of its times once", () => inWorld(Effect.gen(function*() {
    yield* pool
    yield* aProcess(Effect.void)
    yield* owned("a")
    const cloud = yield* FakeCloud
    cloud.answers.push(...Array.from({ length: 9 }, () => cloudError(new CreateFailed({ condition: "AccountLimitReached" }))))
    yield* seconds(1200)
    yield* aProcess(Effect.gen(function*() {
      yield* seconds(5)
      assert.isUndefined(yield* claim("a"))
      assert.strictEqual(yield* status, "Unknown")
    }))
  })), 30_000)

  it.effect("does not count claims that the NodePool does not own", () => inWorld(Effect.gen(function*() {
    yield* pool
    yield* work
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* seconds(2)
    assert.strictEqual(yield* status, "Unknown")
  })))
})
