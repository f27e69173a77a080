/** HTTP to one API server over one pool of connections: raw JSON in, raw JSON or a stream of bytes out. */
import { Duration, Effect, Schedule } from "effect"
import type { Scope } from "effect"
import { Agent, ProxyAgent } from "undici"
import type { Dispatcher } from "undici"
import type { KubeConfig } from "./kubeconfig.ts"
import type { KubeError } from "./kubeError.ts"
import { makeCredentials } from "./liveAuth.ts"
import type { Tls } from "./liveAuth.ts"
import { malformedError, replyError, timeoutError, transportError } from "./liveError.ts"
import { KubeConfigInvalid } from "./liveStartError.ts"

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly contentType?: string
  /** Replaces the method in errors: a watch is a GET. */
  readonly verb?: string
}

export interface KubeHttp {
  /** Without credentials, path or query. */
  readonly server: string
  /** The JSON of a 2xx reply. Sent exactly once. */
  readonly json: (request: HttpRequest) => Effect.Effect<unknown, KubeError>
  /** The body of a 2xx reply as it comes in; the caller's scope closes the connection. */
  readonly open: (request: HttpRequest) => Effect.Effect<AsyncIterator<Uint8Array>, KubeError, Scope.Scope>
}

/** Watches keep a connection each; what is left is how many calls can be under way. */
const connections = 64
/** Milliseconds, like those below. */
const connectTimeout = 10_000
/** A dead peer is noticed this much after the last byte: the system probes ten times, a second apart, after it. */
const keepAliveProbesAfter = 20_000
/** Below the 90 seconds after which an API server closes an idle connection. */
const idleConnection = 30_000

export const nameOf = (request: HttpRequest): string => `${request.verb ?? request.method} ${request.path}`

const search = (query: HttpRequest["query"]): string => {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) params.set(name, String(value))
  return params.size === 0 ? "" : `?${params}`
}

const retryAfterOf = (headers: Dispatcher.ResponseData["headers"]): number | undefined => {
  const seconds = Number(headers["retry-after"])
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined
}

const urlOf = (config: KubeConfig, value: string, what: string): Effect.Effect<URL, KubeConfigInvalid> => {
  const url = URL.parse(value)
  return url !== null && (url.protocol === "https:" || url.protocol === "http:")
    ? Effect.succeed(url)
    : Effect.fail(new KubeConfigInvalid({ source: config.source, detail: `${what} is no http or https URL` }))
}

const makeDispatcher = (config: KubeConfig, proxy: URL | undefined, tls: Tls): Effect.Effect<Dispatcher, KubeConfigInvalid> => {
  const pool = { connections, pipelining: 1, keepAliveTimeout: idleConnection, headersTimeout: 0, bodyTimeout: 0 }
  return Effect.try({
    try: (): Dispatcher => proxy !== undefined
      ? new ProxyAgent({ ...pool, uri: proxy.href, requestTls: tls, proxyTunnel: true })
      : new Agent({
        ...pool,
        connect: { ...tls, timeout: connectTimeout, keepAlive: true, keepAliveInitialDelay: keepAliveProbesAfter }
      }),
    catch: (error) => new KubeConfigInvalid({ source: config.source, detail: error instanceof Error ? error.message : "TLS" })
  })
}

/**
 * Opens no connection yet. When the client certificate or the server's authority changes a new pool takes over; connections
 * of the former one end with their requests.
 */
export const makeKubeHttp = Effect.fnUntraced(function*(config: KubeConfig, requestTimeout: Duration.Input) {
  const url = yield* urlOf(config, config.server, "the cluster's server")
  const proxy = config.proxyUrl === undefined ? undefined : yield* urlOf(config, config.proxyUrl, "proxy-url")
  const base = url.pathname.replace(/\/+$/, "")
  const { current: credentials } = yield* makeCredentials(config)
  const first = yield* credentials
  let current = { credentials: first, dispatcher: yield* makeDispatcher(config, proxy, first.tls) }
  const pools = new Set([current.dispatcher])
  yield* Effect.addFinalizer(() =>
    Effect.forEach(pools, (pool) => Effect.promise(() => pool.destroy()), { discard: true }))

  const connection = Effect.gen(function*() {
    const next = yield* credentials
    if (next.tls === current.credentials.tls) return current = { ...current, credentials: next }
    const former = current.dispatcher
    current = { credentials: next, dispatcher: yield* makeDispatcher(config, proxy, next.tls) }
    pools.add(current.dispatcher)
    yield* Effect.promise(() => former.close()).pipe(
      Effect.andThen(Effect.sync(() => pools.delete(former))),
      Effect.forkDetach
    )
    return current
  }).pipe(Effect.catch((error) => Effect.as(
    Effect.logWarning("cannot use the new client certificate").pipe(Effect.annotateLogs({ error: error.message })),
    current
  )))

  const send = <A>(request: HttpRequest, read: (reply: Dispatcher.ResponseData) => Promise<A>): Effect.Effect<A, KubeError> =>
    Effect.flatMap(connection, (use) => Effect.tryPromise({
      try: async (signal) => read(await use.dispatcher.request({
        origin: url.origin,
        path: `${base}${request.path}${search(request.query)}`,
        method: request.method,
        headers: {
          accept: "application/json",
          "user-agent": "karpenter-linode",
          ...use.credentials.headers,
          ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" })
        },
        body: request.body === undefined ? null : JSON.stringify(request.body),
        signal
      })),
      catch: (cause) => transportError(nameOf(request), cause)
    })).pipe(Effect.timeoutOrElse({
      duration: requestTimeout,
      orElse: () => Effect.fail(
        timeoutError(nameOf(request), `no answer within ${Duration.format(Duration.fromInputUnsafe(requestTimeout))}`)
      )
    }))
  const isGood = (status: number): boolean => status >= 200 && status < 300

  const http: KubeHttp = {
    server: url.origin,
    json: (request) => send(request, async (reply) => ({ reply, body: await reply.body.text() })).pipe(
      Effect.flatMap(({ reply, body }) => isGood(reply.statusCode)
        ? Effect.try({
          try: (): unknown => JSON.parse(body),
          catch: () => malformedError(nameOf(request), reply.statusCode, "the reply is not JSON")
        })
        : Effect.fail(replyError(nameOf(request), reply.statusCode, body, retryAfterOf(reply.headers))))
    ),
    open: Effect.fnUntraced(function*(request) {
      const { reply, problem } = yield* Effect.acquireRelease(
        send(request, async (reply) => ({ reply, problem: isGood(reply.statusCode) ? undefined : await reply.body.text() })),
        ({ reply }) => Effect.sync(() => { reply.body.on("error", () => {}).destroy() }),
        { interruptible: true }
      )
      if (problem !== undefined) {
        return yield* replyError(nameOf(request), reply.statusCode, problem, retryAfterOf(reply.headers))
      }
      return reply.body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
    })
  }
  return http
})

/** Waits for longer than this are left to the caller. */
const longestRetryAfter = 10

const worthRetrying = ({ reason }: KubeError): boolean =>
  reason._tag === "Unavailable" || (reason._tag === "Throttled" && reason.retryAfterSeconds <= longestRetryAfter)

/** Three more tries for a read that met a busy or failing server, not before the time that the server named. */
export const retryRead: <A>(read: Effect.Effect<A, KubeError>) => Effect.Effect<A, KubeError> = Effect.retry(
  Schedule.min([Schedule.exponential("100 millis"), Schedule.spaced("2 seconds")]).pipe(
    Schedule.jittered,
    Schedule.upTo({ times: 3 }),
    Schedule.setInputType<KubeError>(),
    Schedule.while(({ input }) => worthRetrying(input)),
    Schedule.modifyDelay(({ input: { reason }, duration }) => Effect.succeed(
      reason._tag === "Throttled" ? Duration.max(duration, Duration.seconds(reason.retryAfterSeconds)) : duration
    ))
  )
)
