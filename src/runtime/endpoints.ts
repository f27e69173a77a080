/** `/healthz`, `/readyz` and `/metrics`, on the two ports that Karpenter uses. Served by every replica, leader or not. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Schema } from "effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { createServer } from "node:http"
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

const listen = (setting: string, port: number, routes: Layer.Layer<never, never, HttpRouter.HttpRouter>) =>
  HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provide(Layer.fresh(NodeHttpServer.layer(createServer, { port, host: "0.0.0.0" }))),
    Layer.catch((error) => Layer.effectDiscard(Effect.fail(
      new PortUnavailable({ setting, port, detail: error.cause instanceof Error ? error.cause.message : String(error.cause) })
    )))
  )

/** Serves the three endpoints until the scope ends. `notReady` names what is still missing; empty means ready. */
export const layer = (options: {
  readonly healthPort: number
  readonly metricsPort: number
  readonly notReady: Effect.Effect<ReadonlyArray<string>>
}): Layer.Layer<never, PortUnavailable, Metrics> => {
  const health = Layer.mergeAll(
    HttpRouter.add("GET", "/healthz", Effect.succeed(HttpServerResponse.text("ok"))),
    HttpRouter.add("GET", "/readyz", Effect.map(options.notReady, (missing) => missing.length === 0
      ? HttpServerResponse.text("ok")
      : HttpServerResponse.text(`waiting for ${missing.join(", ")}\n`, { status: 503 })))
  )
  const metrics = Layer.unwrap(Effect.map(Metrics, (registry) =>
    HttpRouter.add("GET", "/metrics", Effect.map(registry.exposition, (text) =>
      HttpServerResponse.text(text, { contentType: registry.contentType })))))
  return Layer.merge(
    listen("health-probe-port", options.healthPort, health),
    Layer.unwrap(Effect.map(Metrics, (registry) =>
      listen("metrics-port", options.metricsPort, Layer.provide(metrics, Layer.succeed(Metrics, registry)))))
  )
}
