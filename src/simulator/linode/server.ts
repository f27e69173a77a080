/** The simulated API on a loopback port. */
import { Context, Effect, Layer, Schema } from "effect"
import type { Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { ApiRequest, LinodeApi, Outcome } from "./linodeApi.ts"
import { LinodeSimulator } from "./linodeSimulator.ts"

export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", { port: Schema.Int, code: Schema.String }) {
  override get message(): string {
    return `cannot listen on port ${this.port}: ${this.code}`
  }
}

/** Where the simulated API listens: what the live layer takes as its base URL, without a version. */
export class LinodeServer extends Context.Service<LinodeServer, { readonly url: string; readonly port: number }>()(
  "karpenter-linode/simulator/LinodeServer"
) {}

const readRequest = (message: IncomingMessage, done: (request: ApiRequest) => void): void => {
  const chunks: Array<Buffer> = []
  message.on("data", (chunk: Buffer) => chunks.push(chunk))
  message.on("end", () => done({
    method: message.method ?? "GET",
    url: message.url ?? "/",
    headers: Object.fromEntries(
      Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value])
    ),
    body: Buffer.concat(chunks).toString("utf8")
  }))
}

const finish = (outcome: Outcome, message: IncomingMessage, reply: ServerResponse): void => {
  if (outcome.kind === "lost") {
    message.socket.destroy()
    return
  }
  const { body, headers, status } = outcome.response
  reply.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) })
  if (outcome.kind === "answered") {
    reply.end(body)
    return
  }
  reply.write(body.slice(0, Math.ceil(body.length / 2)), () => message.socket.destroy())
}

/** Serves until the scope ends, which also breaks the connections that wait for an answer. Port 0 takes a free one. */
export const serve = (
  api: LinodeApi, options: { readonly port?: number } = {}
): Effect.Effect<{ readonly url: string; readonly port: number }, CannotListen, Scope.Scope> =>
  Effect.gen(function*() {
    const server = createServer((message, reply) =>
      readRequest(message, (request) => api.exchange(request, (outcome) => finish(outcome, message, reply))))
    const wanted = options.port ?? 0
    yield* Effect.acquireRelease(
      Effect.callback<void, CannotListen>((resume) => {
        server.once("error", (error: NodeJS.ErrnoException) =>
          resume(Effect.fail(new CannotListen({ port: wanted, code: error.code ?? error.message }))))
        server.listen(wanted, "127.0.0.1", () => resume(Effect.void))
      }),
      () => Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : wanted
    return { url: `http://127.0.0.1:${port}`, port }
  })

/** The simulator's API on a loopback port. */
export const layer = (options: { readonly port?: number } = {}): Layer.Layer<LinodeServer, CannotListen, LinodeSimulator> =>
  Layer.effect(LinodeServer, Effect.flatMap(LinodeSimulator, ({ api }) => serve(api, options)))
