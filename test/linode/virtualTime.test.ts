import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Linode } from "../../src/linode/linode.ts"
import * as live from "../../src/linode/live.ts"
import { Transport } from "../../src/linode/options.ts"
import { layer as simulatorLayer, LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { transport } from "../../src/simulator/linode/transport.ts"
import { pool, world } from "./support.ts"

/** The real client without a socket: all waits are on the test's clock. */
const inProcess = Layer.unwrap(Effect.map(LinodeSimulator, ({ api }) =>
  live.layer({ token: Redacted.make("simulated-token") }).pipe(Layer.provide(Layer.succeed(Transport, transport(api))))
)).pipe(Layer.provideMerge(simulatorLayer()), Layer.orDie)

/** Lets `effect` run until it ends, moving the clock on in small steps. */
const settle = <A, E>(effect: Effect.Effect<A, E, Linode>) => Effect.gen(function*() {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  return yield* Fiber.join(fiber)
})

it.effect("an answer that never comes ends after ten seconds", () => Effect.gen(function*() {
  const { api, cluster } = yield* world()
  const linode = yield* Linode
  api.faults.on("POST /lke/clusters/{id}/pools", { kind: "hung", acts: false })
  const error = yield* settle(Effect.flip(linode.createPool(cluster.id, pool)))
  assert.containsSubset(error, { detail: "no answer within 10 s", reason: { _tag: "Transient", outcomeUnknown: true } })
}).pipe(Effect.provide(inProcess)))

it.effect("a read gives up after six tries", () => Effect.gen(function*() {
  const { api, cluster } = yield* world()
  const linode = yield* Linode
  api.faults.on("GET /lke/clusters/{id}", { kind: "refused", status: 503 }, Infinity)
  const error = yield* settle(Effect.flip(linode.cluster(cluster.id)))
  assert.containsSubset(error.reason, { _tag: "Transient", outcomeUnknown: false })
  assert.strictEqual(api.log.length, 6)
}).pipe(Effect.provide(inProcess)))

it.effect("a read leaves a very long wait to its caller", () => Effect.gen(function*() {
  const { api, cluster } = yield* world()
  const linode = yield* Linode
  api.faults.on("GET /lke/clusters/{id}", { kind: "refused", status: 429, retryAfterSeconds: 600 })
  const error = yield* settle(Effect.flip(linode.cluster(cluster.id)))
  assert.containsSubset(error.reason, { _tag: "RateLimited", retryAfterSeconds: 600 })
  assert.strictEqual(api.log.length, 1)
}).pipe(Effect.provide(inProcess)))

it.effect("a change after a 429 waits for its turn", () => Effect.gen(function*() {
  const { api, cluster } = yield* world()
  const linode = yield* Linode
  api.faults.on("POST /lke/clusters/{id}/pools", { kind: "refused", status: 429, retryAfterSeconds: 17 })
  const error = yield* settle(Effect.flip(linode.createPool(cluster.id, pool)))
  assert.containsSubset(error.reason, { _tag: "RateLimited", retryAfterSeconds: 17 })
  const start = yield* Clock.currentTimeMillis
  yield* settle(linode.createPool(cluster.id, pool))
  assert.isAtLeast(api.log.at(-1)!.at - start, 16_000)
}).pipe(Effect.provide(inProcess)))

it.effect("500 lists keep below the server's limit", () => Effect.gen(function*() {
  const { api, cluster } = yield* world()
  const linode = yield* Linode
  yield* settle(Effect.forEach(Array.from({ length: 500 }), () => linode.pools(cluster.id), { concurrency: 50 }))
  assert.isTrue(api.log.every(({ status }) => status === 200))
}).pipe(Effect.provide(inProcess)))
