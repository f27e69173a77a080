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
import { failure, notSent, retryAfterSeconds, timedOut, undecodable } from "./failure.ts"
import type { Hold } from "./hold.ts"
import { makeHold } from "./hold.ts"
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

/** What a token that is wrong, or lacks a scope, is asked again at most. */
const authHold = { first: "5 seconds", longest: "5 minutes", probe: "30 seconds" } as const

export interface Exchanges {
  readonly exchange: Exchange
  /** What Linode has against the token, unless it is only about something that can be done without. */
  readonly tokenRefused: Effect.Effect<LinodeError | undefined>
}

/** Who was refused what: a wrong token is wrong everywhere, a missing scope is missing for one route. */
const makeHolds = () => {
  const token = makeHold(authHold)
  const routes = new Map<string, { readonly hold: Hold; readonly extra: boolean }>()
  const ofRoute = ({ extra = false, method, route }: CallKind): Hold => {
    const key = `${method} ${route}`
    const known = routes.get(key) ?? { hold: makeHold(authHold), extra }
    routes.set(key, known)
    return known.hold
  }
  return {
    // What anybody may ask says nothing about the token, so it must not be the one that is let through to find out.
    check: Effect.fnUntraced(function*(call: CallKind) {
      const missing = yield* ofRoute(call).check
      return missing !== undefined || call.open === true ? missing : yield* token.check
    }),
    note: (call: CallKind, error: LinodeError | undefined) => {
      if (error === undefined) return Effect.andThen(ofRoute(call).passed, call.open === true ? Effect.void : token.passed)
      if (error.reason._tag !== "Auth") return Effect.void
      return error.status === 403 ? ofRoute(call).refused(error) : token.refused(error)
    },
    refused: Effect.gen(function*() {
      const found = yield* token.current
      if (found !== undefined) return found
      for (const { extra, hold } of routes.values()) {
        const missing = extra ? undefined : yield* hold.current
        if (missing !== undefined) return missing
      }
      return undefined
    })
  }
}

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
  const limit = retryAfterSeconds(headers["x-ratelimit-limit"])
  const remaining = retryAfterSeconds(headers["x-ratelimit-remaining"])
  const reset = retryAfterSeconds(headers["x-ratelimit-reset"])
  // A planned maintenance says it too, and is not to be hammered either.
  const retryAfter = status === 429 || status === 503 ? retryAfterSeconds(headers["retry-after"]) : undefined
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(remaining === undefined ? {} : { remaining }),
    ...(reset === undefined ? {} : { reset }),
    ...(retryAfter === undefined ? {} : { retryAfter })
  }
}

export const make = (options: LinodeOptions): Effect.Effect<Exchanges, CannotReadCa, Scope.Scope> =>
  Effect.gen(function*() {
    const onCall = yield* LinodeCalls
    const outlet = (yield* Transport) ?? getAdapter("http")
    const budget = yield* budgets.make
    const holds = makeHolds()
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

    const exchange: Exchange = (call, schema, send) => Effect.gen(function*() {
      const held = yield* holds.check(call)
      if (held !== undefined) return yield* held
      const asked = yield* Clock.currentTimeMillis
      yield* call.sentWithin === undefined ? budget.take(call.kind) : Effect.timeoutOrElse(budget.take(call.kind), {
        duration: call.sentWithin,
        orElse: () => Effect.fail(notSent(call, Duration.toSeconds(call.sentWithin!), token))
      })
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
          yield* budget.learn(call.kind, rateNews(seen))
          if (!seen.sent) return
          const { kind, method, route } = call
          const durationMillis = (yield* Clock.currentTimeMillis) - start
          onCall({ method, route, kind, status: seen.status, durationMillis, waitedMillis: start - asked })
        })),
        Effect.tap(() => holds.note(call, undefined)),
        Effect.tapError((error) => holds.note(call, error))
      )
      return yield* Schema.decodeUnknownEffect(schema)(reply).pipe(
        Effect.mapError((error) => undecodable(call, seen.status, error.message, token))
      )
    })
    return { exchange, tokenRefused: holds.refused }
  })
