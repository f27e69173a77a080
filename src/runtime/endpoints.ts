/**
 * `/healthz`, `/readyz` and `/metrics`, on the two ports that Karpenter uses. Served by every replica, leader or not.
 *
 * Node's own server rather than Effect's: three fixed answers are not worth the memory of a router.
 */
import { Effect, Layer, Queue, Schema } from "effect"
import type { Scope } from "effect"
import { createServer } from "node:http"
import type { IncomingMessage, ServerResponse } from "node:http"
import { Metrics } from "./metrics.ts"

/** A port that cannot be listened on. */
export class PortUnavailable extends Schema.TaggedError<PortUnavailable>()("PortUnavailable", {
  setting: Schema.String,
  port: Schema.Int,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot listen on port ${this.port} (--${this.setting}): ${this.detail}`
  }
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly contentType: string
}

const text = (status: number, body: string): Answer => ({ status, body, contentType: "text/plain; charset=utf-8" })

/** Answers GET requests by path until the scope ends. */
const serve = (
  setting: string, port: number, routes: Readonly<Record<string, Effect.Effect<Answer>>>
): Effect.Effect<void, PortUnavailable, Scope.Scope> => Effect.gen(function*() {
  const requests = yield* Queue.unbounded<readonly [IncomingMessage, ServerResponse]>()
  const server = createServer((request, response) => Queue.offerUnsafe(requests, [request, response]))
  yield* Effect.acquireRelease(
    Effect.callback<void, PortUnavailable>((resume) => {
      server.once("error", (error) => resume(Effect.fail(new PortUnavailable({ setting, port, detail: error.message }))))
      server.listen(port, "0.0.0.0", () => resume(Effect.void))
    }),
    () => Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
  )
  const answer = Effect.fnUntraced(function*(request: IncomingMessage, response: ServerResponse) {
    const [path = ""] = (request.url ?? "").split("?")
    const route = request.method === "GET" ? routes[path] : undefined
    const { body, contentType, status } = route === undefined ? text(404, "not found\n") : yield* route
    response.writeHead(status, { "content-type": contentType }).end(body)
  })
  yield* Queue.take(requests).pipe(
    Effect.flatMap(([request, response]) => Effect.forkChild(answer(request, response))),
    Effect.forever,
    Effect.forkScoped
  )
})

/** Serves the three endpoints until the scope ends. `notReady` names what is still missing; empty means ready. */
export const layer = (options: {
  readonly healthPort: number
  readonly metricsPort: number
  readonly notReady: Effect.Effect<ReadonlyArray<string>>
}): Layer.Layer<never, PortUnavailable, Metrics> => Layer.effectDiscard(Effect.gen(function*() {
  const metrics = yield* Metrics
  yield* serve("health-probe-port", options.healthPort, {
    "/healthz": Effect.succeed(text(200, "ok")),
    "/readyz": Effect.map(options.notReady, (missing) =>
      missing.length === 0 ? text(200, "ok") : text(503, `waiting for ${missing.join(", ")}\n`))
  })
  yield* serve("metrics-port", options.metricsPort, {
    "/metrics": Effect.map(metrics.exposition, (body) => ({ status: 200, body, contentType: metrics.contentType }))
  })
}))
