/** One exchange with Linode through @linode/api-v4: its turn in the budget, its time limit, its typed error. */
import { baseRequest } from "@linode/api-v4"
import type { AxiosAdapter, InternalAxiosRequestConfig } from "axios"
import { getAdapter, isAxiosError } from "axios"
import { Clock, Duration, Effect, Redacted, Schema } from "effect"
import type { Scope } from "effect"
import { AsyncLocalStorage } from "node:async_hooks"
import { readFileSync } from "node:fs"
import * as http from "node:http"
import * as https from "node:https"
import { rootCertificates } from "node:tls"
import type { RateClass } from "./budget.ts"
import * as budgets from "./budget.ts"
import type { CallKind } from "./failure.ts"
import { failure, retryAfterSeconds, timedOut, undecodable } from "./failure.ts"
import type { LinodeError } from "./linodeError.ts"
import type { LinodeOptions } from "./options.ts"
import { LinodeCalls, Transport } from "./options.ts"

/**
 * api-v4 has one client for the whole process, with its URL written in. What belongs to one call travels beside it, so
 * that two accounts, or two simulated lives, never meet. The interceptor itself holds nothing.
 */
const adapters = new AsyncLocalStorage<AxiosAdapter>()
baseRequest.interceptors.request.use((config) => {
  const adapter = adapters.getStore()
  if (adapter === undefined) throw new Error("a call to Linode from outside its layer")
  config.adapter = adapter
  return config
})

const hardCoded = /^https:\/\/api\.linode\.com\/v4(beta)?(?=\/)/
const idleMillis = 30_000
const contentLimit = 64 * 1024 * 1024

export class CannotReadCa extends Schema.TaggedError<CannotReadCa>()("CannotReadCa", {
  file: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot read the certificate authorities in ${this.file}: ${this.detail}`
  }
}

const readCa = (file: string) => Effect.try({
  try: () => [...rootCertificates, readFileSync(file, "utf8")],
  catch: (cause) => new CannotReadCa({ file, detail: cause instanceof Error ? cause.message : String(cause) })
})

/** Sends one request by `send` (a call of api-v4) and decodes its reply. Never repeats it. */
export type Exchange = <S extends Schema.Constraint & { readonly DecodingServices: never }>(
  call: CallKind & { readonly kind: RateClass },
  schema: S,
  send: () => Promise<unknown>
) => Effect.Effect<S["Type"], LinodeError>

interface Seen {
  sent: boolean
  status: number
  headers: Readonly<Record<string, unknown>>
}

const rateNews = ({ headers, status }: Seen): budgets.RateNews => {
  const remaining = retryAfterSeconds(headers["x-ratelimit-remaining"])
  const reset = retryAfterSeconds(headers["x-ratelimit-reset"])
  const retryAfter = status === 429 ? retryAfterSeconds(headers["retry-after"]) : undefined
  return {
    ...(remaining === undefined ? {} : { remaining }),
    ...(reset === undefined ? {} : { reset }),
    ...(retryAfter === undefined ? {} : { retryAfter })
  }
}

export const make = (options: LinodeOptions): Effect.Effect<Exchange, CannotReadCa, Scope.Scope> =>
  Effect.gen(function*() {
    const onCall = yield* LinodeCalls
    const outlet = (yield* Transport) ?? getAdapter("http")
    const budget = yield* budgets.make
    const ca = options.caFile === undefined || options.caFile === "" ? undefined : yield* readCa(options.caFile)
    // An idle connection is given up before the server does it: a change sent into a closed one has an unknown outcome.
    const connections = { keepAlive: true, timeout: idleMillis }
    const agents = yield* Effect.acquireRelease(
      Effect.sync(() => ({
        httpAgent: new http.Agent(connections),
        httpsAgent: new https.Agent({ ...connections, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) })
      })),
      ({ httpAgent, httpsAgent }) => Effect.sync(() => {
        httpAgent.destroy()
        httpsAgent.destroy()
      })
    )
    // A newline at the end of a Secret is easily made, and no header may have one.
    const token = Redacted.value(options.token).trim()
    const root = (options.baseUrl ?? "https://api.linode.com").replace(/\/+$/, "").replace(/\/v4(beta)?$/, "")
    const base = `${root}/${options.apiVersion ?? "v4beta"}`
    const timeout = options.timeout ?? Duration.seconds(10)
    const userAgent = options.userAgent ?? "karpenter-linode"

    const adapter = (seen: Seen, signal: AbortSignal): AxiosAdapter => (config: InternalAxiosRequestConfig) => {
      config.url = (config.url ?? "").replace(hardCoded, base)
      config.signal = signal
      config.headers.set("Authorization", `Bearer ${token}`)
      // Only here: api-v4 sets its own name after every interceptor.
      config.headers.set("User-Agent", userAgent)
      Object.assign(config, agents, { proxy: false, maxRedirects: 0, maxContentLength: contentLimit })
      const see = (response: { readonly status: number; readonly headers: unknown } | undefined) => {
        if (response === undefined) return
        seen.status = response.status
        seen.headers = response.headers as Readonly<Record<string, unknown>>
      }
      seen.sent = true
      return outlet(config).then((response) => {
        see(response)
        return response
      }, (error: unknown) => {
        if (isAxiosError(error)) see(error.response)
        throw error
      })
    }

    return (call, schema, send) => Effect.gen(function*() {
      yield* budget.take(call.kind)
      const seen: Seen = { sent: false, status: 0, headers: {} }
      const start = yield* Clock.currentTimeMillis
      const reply = yield* Effect.tryPromise({
        try: (signal) => adapters.run(adapter(seen, signal), send),
        catch: (cause) => failure(call, cause, token)
      }).pipe(
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => Effect.fail(timedOut(call, Duration.toSeconds(timeout), token))
        }),
        Effect.onExit(() => Effect.gen(function*() {
          if (!seen.sent) return
          const { method, route } = call
          onCall({ method, route, status: seen.status, durationMillis: (yield* Clock.currentTimeMillis) - start })
          yield* budget.learn(call.kind, rateNews(seen))
        }))
      )
      return yield* Schema.decodeUnknownEffect(schema)(reply).pipe(
        Effect.mapError((error) => undecodable(call, seen.status, error.message, token))
      )
    })
  })
