import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Ref } from "effect"
import { TestClock } from "effect/testing"
import { Kube } from "../../src/kube/kube.ts"
import { Conflict, KubeError, NotFound, Unavailable } from "../../src/kube/kubeError.ts"
import type { KubeErrorReason } from "../../src/kube/kubeError.ts"
import { LeadershipLost, leaseDefaults, leaseIdentity, whileLeader } from "../../src/kube/lease.ts"
import type { KubeObject, Lease } from "../../src/kube/objects.ts"

const error = (reason: KubeErrorReason) => new KubeError({ request: "lease", status: 0, detail: "", reason })

/** One lease with optimistic locking, and a server that can be away. */
const makeServer = Effect.gen(function*() {
  let stored: Lease | undefined
  let version = 0
  const up = yield* Ref.make(true)
  const guard = Effect.flatMap(Ref.get(up), (isUp) => isUp ? Effect.void : Effect.fail(error(new Unavailable())))
  const write = (next: Lease): Effect.Effect<Lease, KubeError> => Effect.andThen(guard, Effect.suspend(() => {
    if (stored?.metadata.resourceVersion !== next.metadata.resourceVersion) return Effect.fail(error(new Conflict()))
    version++
    stored = { ...next, metadata: { ...next.metadata, resourceVersion: String(version) } }
    return Effect.succeed(stored)
  }))
  const asA = <A extends KubeObject>(effect: Effect.Effect<Lease, KubeError>) =>
    effect as unknown as Effect.Effect<A, KubeError>
  const layer = Layer.mock(Kube, {
    get: () => asA(Effect.andThen(guard, Effect.suspend(() =>
      stored === undefined ? Effect.fail(error(new NotFound())) : Effect.succeed(stored)))),
    create: (_, object) => asA(write(object as Lease)),
    update: (_, object) => asA(write(object as Lease))
  })
  const lead = (identity: string) => whileLeader({ ...leaseDefaults, namespace: "kube-system", identity })
  return { layer, up, lead, lease: () => stored, write }
})

const working = (log: Ref.Ref<ReadonlyArray<string>>, name: string) =>
  Ref.update(log, (l) => [...l, `start ${name}`]).pipe(
    Effect.andThen(Effect.never),
    Effect.onInterrupt(() => Ref.update(log, (l) => [...l, `stop ${name}`]))
  )

it.effect("the next process starts only after the leader has stopped and given the lease back", () => Effect.gen(function*() {
  const server = yield* makeServer
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  yield* Effect.gen(function*() {
    const a = yield* Effect.forkChild(server.lead("a")(working(log, "a")))
    yield* TestClock.adjust("1 second")
    const b = yield* Effect.forkChild(server.lead("b")(working(log, "b")))
    yield* TestClock.adjust("60 seconds")
    assert.deepStrictEqual(yield* Ref.get(log), ["start a"])
    yield* Fiber.interrupt(a)
    assert.strictEqual(server.lease()?.spec?.holderIdentity, "")
    yield* TestClock.adjust("5 seconds")
    assert.deepStrictEqual(yield* Ref.get(log), ["start a", "stop a", "start b"])
    assert.strictEqual(server.lease()?.spec?.leaseTransitions, 1)
    yield* Fiber.interrupt(b)
  }).pipe(Effect.provide(server.layer))
}))

it.effect("the lease is held until the interrupted work has really stopped", () => Effect.gen(function*() {
  const server = yield* makeServer
  const work = Effect.never.pipe(Effect.onInterrupt(() => Effect.sleep("4 seconds")))
  const a = yield* Effect.forkChild(server.lead("a")(work).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("1 second")
  const stopping = yield* Effect.forkChild(Fiber.interrupt(a))
  yield* TestClock.adjust("3 seconds")
  assert.strictEqual(server.lease()?.spec?.holderIdentity, "a")
  yield* TestClock.adjust("2 seconds")
  assert.strictEqual(server.lease()?.spec?.holderIdentity, "")
  yield* Fiber.join(stopping)
}))

it.effect("a leader that dies without a word is replaced when its lease has run out", () => Effect.gen(function*() {
  const server = yield* makeServer
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  yield* server.write({
    metadata: { name: "l" },
    spec: { holderIdentity: "dead", leaseDurationSeconds: 15, leaseTransitions: 4 }
  })
  const b = yield* Effect.forkChild(server.lead("b")(working(log, "b")).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("14 seconds")
  assert.deepStrictEqual(yield* Ref.get(log), [])
  yield* TestClock.adjust("5 seconds")
  assert.deepStrictEqual(yield* Ref.get(log), ["start b"])
  assert.strictEqual(server.lease()?.spec?.leaseTransitions, 5)
  yield* Fiber.interrupt(b)
}))

it.effect("a leader that cannot reach the server stops its work before anyone else may start", () => Effect.gen(function*() {
  const server = yield* makeServer
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  const a = yield* Effect.forkChild(server.lead("a")(working(log, "a")).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("1 second")
  yield* Ref.set(server.up, false)
  yield* TestClock.adjust("7 seconds")
  assert.deepStrictEqual(yield* Ref.get(log), ["start a"])
  yield* TestClock.adjust("4 seconds")
  assert.deepStrictEqual(yield* Ref.get(log), ["start a", "stop a"])
  const failure = yield* Effect.flip(Fiber.join(a))
  assert.instanceOf(failure, LeadershipLost)
  assert.include(failure.message, "kube-system/karpenter-leader-election")
}))

it.effect("a short outage costs nothing", () => Effect.gen(function*() {
  const server = yield* makeServer
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  const a = yield* Effect.forkChild(server.lead("a")(working(log, "a")).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("1 second")
  yield* Ref.set(server.up, false)
  yield* TestClock.adjust("6 seconds")
  yield* Ref.set(server.up, true)
  yield* TestClock.adjust("60 seconds")
  assert.deepStrictEqual(yield* Ref.get(log), ["start a"])
  yield* Fiber.interrupt(a)
}))

it.effect("a leader whose lease another took stops at its next look", () => Effect.gen(function*() {
  const server = yield* makeServer
  const log = yield* Ref.make<ReadonlyArray<string>>([])
  const a = yield* Effect.forkChild(server.lead("a")(working(log, "a")).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("1 second")
  const lease = server.lease()
  assert.isDefined(lease)
  yield* server.write({ ...lease, spec: { ...lease.spec, holderIdentity: "thief" } })
  yield* TestClock.adjust("2 seconds")
  assert.instanceOf(yield* Effect.flip(Fiber.join(a)), LeadershipLost)
  assert.deepStrictEqual(yield* Ref.get(log), ["start a", "stop a"])
  assert.strictEqual(server.lease()?.spec?.holderIdentity, "thief")
}))

it.effect("work that ends by itself ends the leadership with its own result", () => Effect.gen(function*() {
  const server = yield* makeServer
  assert.strictEqual(yield* server.lead("a")(Effect.succeed(42)).pipe(Effect.provide(server.layer)), 42)
  assert.strictEqual(server.lease()?.spec?.holderIdentity, "")
}))

it.effect("times are written with six digits after the second, as the API server insists", () => Effect.gen(function*() {
  const server = yield* makeServer
  const a = yield* Effect.forkChild(server.lead("a")(Effect.never).pipe(Effect.provide(server.layer)))
  yield* TestClock.adjust("3 seconds")
  assert.strictEqual(server.lease()?.spec?.acquireTime, "1970-01-01T00:00:00.000000Z")
  assert.strictEqual(server.lease()?.spec?.renewTime, "1970-01-01T00:00:02.000000Z")
  assert.strictEqual(server.lease()?.spec?.leaseDurationSeconds, 15)
  yield* Fiber.interrupt(a)
}))

it.effect("two identities of one host differ", () => Effect.gen(function*() {
  const first = yield* leaseIdentity("host")
  assert.match(first, /^host_[0-9a-f]{32}$/)
  assert.notStrictEqual(first, yield* leaseIdentity("host"))
}))
