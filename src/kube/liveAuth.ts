/**
 * Credentials from a kubeconfig. Certificates, tokens, token files and passwords are read here; exec and auth-provider
 * plugins are left to @kubernetes/client-node, which costs memory and start-up time and is loaded only then.
 */
import { Clock, Duration, Effect, Semaphore } from "effect"
import { Buffer } from "node:buffer"
import { readFile } from "node:fs/promises"
import type { RequestOptions } from "node:https"
import type { KubeConfig } from "./kubeconfig.ts"
import { KubeConfigInvalid } from "./liveStartError.ts"

/** What a request carries, and the client certificate of its connection. Never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly cert: string | undefined
  readonly key: string | undefined
}

/** client-go reads token files again after so long; service account tokens are replaced while we run. */
const refreshEvery = Duration.minutes(1)

const filled = (value: string | null | undefined): value is string => value !== null && value !== undefined && value !== ""
const bearer = (token: string) => ({ authorization: `Bearer ${token.trim()}` })

/** Inline data in base64, or else a file. */
export const pem = (
  config: KubeConfig,
  data: string | null | undefined,
  file: string | null | undefined
): Effect.Effect<string | undefined, KubeConfigInvalid> => {
  if (filled(data)) return Effect.succeed(Buffer.from(data, "base64").toString("utf8"))
  if (!filled(file)) return Effect.undefined
  return Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (error) => new KubeConfigInvalid({ source: config.source, detail: error instanceof Error ? error.message : file })
  })
}

const plain = (config: KubeConfig): Effect.Effect<Credentials, KubeConfigInvalid> => Effect.gen(function*() {
  const user = config.user
  const cert = yield* pem(config, user["client-certificate-data"], user["client-certificate"])
  const key = yield* pem(config, user["client-key-data"], user["client-key"])
  const token = filled(user.tokenFile) ? yield* pem(config, undefined, user.tokenFile) : user.token
  const basic = filled(user.username) ? Buffer.from(`${user.username}:${user.password ?? ""}`).toString("base64") : undefined
  return {
    cert,
    key,
    headers: {
      ...(filled(token) ? bearer(token) : basic === undefined ? {} : { authorization: `Basic ${basic}` }),
      ...(filled(user.as) ? { "impersonate-user": user.as } : {})
    }
  }
})

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : Buffer.isBuffer(value) ? value.toString("utf8") : undefined

/** client-node keeps what a plugin gave until it expires, so asking again is cheap. */
const plugin = Effect.fnUntraced(function*(config: KubeConfig) {
  const { KubeConfig: ClientConfig } = yield* Effect.promise(() => import("@kubernetes/client-node"))
  const fail = (error: unknown) => new KubeConfigInvalid({
    source: config.source,
    detail: `the credential plugin failed: ${(error instanceof Error ? error.message : String(error)).slice(0, 300).trim()}`
  })
  const client = yield* Effect.try({
    try: () => {
      const loaded = new ClientConfig()
      loaded.loadFromString(JSON.stringify({
        "current-context": "current",
        clusters: [{ name: "cluster", cluster: config.cluster }],
        users: [{ name: "user", user: config.user }],
        contexts: [{ name: "current", context: { cluster: "cluster", user: "user" } }]
      }))
      return loaded
    },
    catch: fail
  })
  const read = Effect.tryPromise({
    try: async (): Promise<Credentials> => {
      const options: RequestOptions = {}
      await client.applyToHTTPSOptions(options)
      const headers: Record<string, string> = {}
      for (const [name, value] of Object.entries(options.headers ?? {})) headers[name.toLowerCase()] = String(value)
      return { headers, cert: textOf(options.cert), key: textOf(options.key) }
    },
    catch: fail
  })
  return { read }
})

/**
 * `current` gives the credentials for the next request, never older than a minute. Fails only when they cannot be had
 * at the start; later the last good ones are used for as long as new ones cannot be read.
 */
export const makeCredentials = Effect.fnUntraced(function*(config: KubeConfig) {
  const usesPlugin = (config.user.exec ?? config.user["auth-provider"] ?? null) !== null
  const { read } = usesPlugin ? yield* plugin(config) : { read: plain(config) }
  const one = yield* Semaphore.make(1)
  let last = yield* read
  let readAt = yield* Clock.currentTimeMillis
  const isFresh = Effect.map(Clock.currentTimeMillis, (now) => now - readAt < Duration.toMillis(refreshEvery))
  const refresh = Effect.gen(function*() {
    if (yield* isFresh) return last
    readAt = yield* Clock.currentTimeMillis
    last = yield* read.pipe(Effect.catch((error) =>
      Effect.as(Effect.logWarning("cannot refresh the Kubernetes credentials").pipe(
        Effect.annotateLogs({ error: error.message })
      ), last)))
    return last
  })
  const current = Effect.flatMap(isFresh, (fresh) => fresh ? Effect.succeed(last) : Semaphore.withPermit(one, refresh))
  return { current }
})
