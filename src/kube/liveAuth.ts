/**
 * Credentials and TLS, as @kubernetes/client-node reads them from a kubeconfig: certificates, tokens and token files, name and
 * password, exec and auth-provider plugins. Only its words are taken: the connections are ours.
 */
import { Clock, Duration, Effect, Semaphore } from "effect"
import { Buffer } from "node:buffer"
import type { RequestOptions } from "node:https"
import { isDeepStrictEqual } from "node:util"
import type { KubeConfig } from "./kubeconfig.ts"
import { systemProblem } from "./kubeconfig.ts"
import { KubeConfigInvalid } from "./liveStartError.ts"

/** What a connection needs. Never logged. */
export interface Tls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  readonly rejectUnauthorized: boolean
}

/** What a request carries, and its connection. Never logged. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  /** The same object for as long as nothing in it changes. */
  readonly tls: Tls
}

/**
 * Reads a few small files at most: client-node keeps what a plugin gave until it expires, and a token for a minute, as
 * client-go does. Service account tokens are replaced long before they expire.
 */
const refreshEvery = Duration.seconds(10)

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : Buffer.isBuffer(value) ? value.toString("utf8") : undefined

const tlsOf = (options: RequestOptions): Tls => {
  const [ca, cert, key] = [textOf(options.ca), textOf(options.cert), textOf(options.key)]
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(options.servername ? { servername: options.servername } : {}),
    rejectUnauthorized: options.rejectUnauthorized !== false
  }
}

const headersOf = (options: RequestOptions): Credentials["headers"] => ({
  ...(options.auth ? { authorization: `Basic ${Buffer.from(options.auth).toString("base64")}` } : {}),
  // Token files tend to end with a line break, which no header may hold.
  ...Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value).trim()]))
})

/** The words of the system or of an exec plugin, in one line. Any other error may quote a credential: only its name. */
const problemOf = (config: KubeConfig, error: unknown): string => {
  const system = systemProblem(error)
  if (config.client.getCurrentUser()?.exec) {
    const words = system ?? (error instanceof Error && error.name === "Error" ? error.message : "its answer is no credential")
    return `the credential plugin failed: ${words.replace(/\s+/g, " ").slice(0, 300).trim()}`
  }
  return system ?? `the credentials cannot be read: ${error instanceof Error ? error.name : "unknown error"}`
}

/**
 * `current` gives the credentials for the next request. Fails only when they cannot be had at the start; later the last
 * good ones are used for as long as new ones cannot be read.
 */
export const makeCredentials = Effect.fnUntraced(function*(config: KubeConfig) {
  const read = Effect.tryPromise({
    try: async (): Promise<Credentials> => {
      const options: RequestOptions = {}
      await config.client.applyToHTTPSOptions(options)
      return { headers: headersOf(options), tls: tlsOf(options) }
    },
    catch: (error) => new KubeConfigInvalid({ source: config.source, detail: problemOf(config, error) })
  })
  const one = yield* Semaphore.make(1)
  let last = yield* read
  let readAt = yield* Clock.currentTimeMillis
  const isFresh = Effect.map(Clock.currentTimeMillis, (now) => now - readAt < Duration.toMillis(refreshEvery))
  const refresh = Effect.gen(function*() {
    if (yield* isFresh) return last
    readAt = yield* Clock.currentTimeMillis
    const next = yield* read.pipe(Effect.catch((error) =>
      Effect.as(Effect.logWarning("cannot refresh the Kubernetes credentials").pipe(
        Effect.annotateLogs({ error: error.message })
      ), last)))
    last = isDeepStrictEqual(next.tls, last.tls) ? { ...next, tls: last.tls } : next
    return last
  })
  const current = Effect.flatMap(isFresh, (fresh) => fresh ? Effect.succeed(last) : Semaphore.withPermit(one, refresh))
  return { current }
})
