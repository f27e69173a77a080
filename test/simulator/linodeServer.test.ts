import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { LinodeSimulator, layer } from "../../src/simulator/linode/linodeSimulator.ts"
import { layer as serverLayer, LinodeServer, serve } from "../../src/simulator/linode/server.ts"

it.effect("events come at their time on the test's clock, without anybody asking", () => Effect.gen(function*() {
  const { cloud } = yield* LinodeSimulator
  const cluster = cloud.addCluster({ label: "demo", region: "us-ord" })
  const seen: Array<string> = []
  cloud.subscribe(({ at, kind }) => seen.push(`${at} ${kind}`))
  yield* TestClock.adjust("10 seconds")
  cloud.createPool(cluster, { type: "g6-standard-2", count: 1 })
  yield* TestClock.adjust("14 seconds")
  assert.deepStrictEqual(seen, ["10000 NodeCreated", "12000 InstanceAssigned"])
  yield* TestClock.adjust("60 seconds")
  assert.deepStrictEqual(seen.slice(2), ["25000 InstanceRunning", "65000 NodeReady"])
}).pipe(Effect.provide(layer({
  delays: { assign: [2_000, 2_000], boot: [3_000, 3_000], run: [10_000, 10_000], join: [40_000, 40_000] }
}))))

it.live("a port that is taken is an error with its number", () => Effect.gen(function*() {
  const { api } = yield* LinodeSimulator
  const { port } = yield* LinodeServer
  const error = yield* Effect.flip(Effect.scoped(serve(api, { port })))
  assert.deepStrictEqual([error.port, error.code], [port, "EADDRINUSE"])
}).pipe(Effect.provide(serverLayer().pipe(Layer.provideMerge(layer()), Layer.orDie))))

it.live("the port is free again after the scope, whoever still waits for an answer", () => Effect.gen(function*() {
  const { api } = yield* LinodeSimulator
  api.faults.on("/profile", { kind: "hung" })
  const [port, waiting] = yield* Effect.scoped(Effect.gen(function*() {
    const { port, url } = yield* serve(api)
    const waiting = fetch(`${url}/v4/profile`).then(() => "answered", () => "broken off")
    while (api.log.length === 0) yield* Effect.sleep("1 millis")
    return [port, waiting] as const
  }))
  assert.strictEqual(yield* Effect.promise(() => waiting), "broken off")
  yield* Effect.scoped(serve(api, { port }))
}).pipe(Effect.provide(layer())))
