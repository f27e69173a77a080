import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { createServer } from "node:http"
import type { Server } from "node:http"
import type { AddressInfo } from "node:net"
import * as endpoints from "../../src/runtime/endpoints.ts"
import { layerQuiet, Metrics } from "../../src/runtime/metrics.ts"

/** A port that is free now. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

const get = (port: number, path: string, method = "GET") => Effect.promise(async () => {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, { method })
  return { status: reply.status, type: reply.headers.get("content-type") ?? "", body: await reply.text() }
})

const serving = (missing: () => ReadonlyArray<string>, healthPort: number, metricsPort: number) =>
  endpoints.layer({ healthPort, metricsPort, notReady: Effect.sync(missing) }).pipe(Layer.provideMerge(layerQuiet))

describe("the endpoints", () => {
  it.live("are ready once nothing is missing, and say what is until then", () => Effect.gen(function*() {
    const [health, metrics] = [yield* freePort, yield* freePort]
    let missing = ["the caches"]
    yield* Effect.gen(function*() {
      assert.deepStrictEqual(yield* get(health, "/healthz"), { status: 200, type: "text/plain; charset=utf-8", body: "ok" })
      const waiting = yield* get(health, "/readyz")
      assert.deepStrictEqual([waiting.status, waiting.body], [503, "waiting for the caches\n"])
      missing = []
      assert.strictEqual((yield* get(health, "/readyz?verbose")).status, 200)
    }).pipe(Effect.provide(serving(() => missing, health, metrics)))
  }))

  it.live("expose the registry in Prometheus' format, on their own port only", () => Effect.gen(function*() {
    const [health, metrics] = [yield* freePort, yield* freePort]
    yield* Effect.gen(function*() {
      const registry = yield* Metrics
      registry.counter("karpenter_things_total", "Things.", ["kind"]).inc({ kind: "a" })
      const exposed = yield* get(metrics, "/metrics")
      assert.include(exposed.type, "text/plain; version=0.0.4")
      assert.include(exposed.body, "karpenter_things_total{kind=\"a\"} 1")
      assert.deepStrictEqual(
        [(yield* get(health, "/metrics")).status, (yield* get(metrics, "/healthz")).status, (yield* get(health, "/healthz", "POST")).status],
        [404, 404, 404]
      )
    }).pipe(Effect.provide(serving(() => [], health, metrics)))
  }))

  it.live("fail with the setting's name where the port is taken", () => Effect.gen(function*() {
    const server = yield* Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const listening = createServer().listen(0, "0.0.0.0", () => resume(Effect.succeed(listening)))
      }),
      (listening) => Effect.sync(() => listening.close())
    )
    const taken = (server.address() as AddressInfo).port
    const error = yield* Effect.flip(Effect.void.pipe(Effect.provide(serving(() => [], taken, yield* freePort))))
    assert.include(error.message, `port ${taken}`)
    assert.include(error.message, "--health-probe-port")
  }).pipe(Effect.scoped))

  it.live("leave their ports free when they end", () => Effect.gen(function*() {
    const [health, metrics] = [yield* freePort, yield* freePort]
    const once = Effect.void.pipe(Effect.provide(serving(() => [], health, metrics)))
    yield* once
    yield* once
  }))
})
