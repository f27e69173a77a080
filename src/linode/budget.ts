/**
 * How fast this process may ask Linode: one token bucket per documented rate class, corrected by what replies say of the
 * limit that the token's other users (the cluster's cloud controller, its CSI driver) share.
 */
import { Clock, Effect, Semaphore } from "effect"

/**
 * `list`: GET of a paginated collection. `images` and `creations` (of Linodes, LKE's not among them) are counted by themselves.
 */
export type RateClass = "list" | "other" | "images" | "creations"

/** Requests per window, as documented by Linode (September 2026). */
const limits: Readonly<Record<RateClass, { readonly requests: number; readonly windowMillis: number }>> = {
  list: { requests: 200, windowMillis: 60_000 },
  other: { requests: 1_600, windowMillis: 60_000 },
  images: { requests: 20, windowMillis: 60_000 },
  creations: { requests: 20, windowMillis: 15_000 }
}

/** What a reply tells about its class; absent where the reply does not say. */
export interface RateNews {
  /** Requests that a window allows. */
  readonly limit?: number
  /** Requests that are left in this window. */
  readonly remaining?: number
  /** When this window ends, in seconds since the epoch. */
  readonly reset?: number
  /** Seconds from now on, of a refusal. */
  readonly retryAfter?: number
}

export interface Budget {
  /** Waits for its turn, first come, first served. Each turn is to be ended by `learn`. */
  readonly take: (kind: RateClass) => Effect.Effect<void>
  /** The turn is over, and this is what the reply said; nothing where there was none. */
  readonly learn: (kind: RateClass, news: RateNews) => Effect.Effect<void>
}

/**
 * A quarter of a class's limit may go out at once, the other three quarters are spread over the window: so however the
 * server lays its windows, no one of them sees more than the limit. Where the server says how much is left of its window,
 * no more than that goes out before the window ends, whoever used the rest.
 */
const bucket = (kind: RateClass) => {
  const { requests: documented, windowMillis } = limits[kind]
  const turn = Semaphore.makeUnsafe(1)
  let requests = documented
  let tokens = documented / 4
  let filledAt: number | undefined
  let closedUntil = 0
  /** Turns whose replies have not come: the server may or may not have counted them. */
  let underWay = 0
  /** The server's window, by the least that any reply said was left of it. */
  let window: { readonly reset: number; readonly until: number; remaining: number } | undefined

  const burst = () => requests / 4
  const perMilli = () => (requests - burst()) / windowMillis
  const fill = (now: number) => {
    tokens = Math.min(burst(), tokens + (now - (filledAt ?? now)) * perMilli())
    filledAt = now
    if (window !== undefined && now >= window.until) window = undefined
  }
  /** Milliseconds until it may be tried again; 0 when there is a turn. */
  const waitFrom = (now: number): number => {
    if (now < closedUntil) return closedUntil - now
    if (window !== undefined && window.remaining - underWay < 1) return window.until - now
    return tokens >= 1 ? 0 : (1 - tokens) / perMilli()
  }
  // The news may change while one sleeps: look again after each sleep.
  const wait: Effect.Effect<void> = Effect.gen(function*() {
    for (;;) {
      const now = yield* Clock.currentTimeMillis
      fill(now)
      const millis = waitFrom(now)
      if (millis <= 0) break
      yield* Effect.sleep(Math.max(1, Math.ceil(millis)))
    }
    tokens--
    underWay++
  })
  return {
    take: turn.withPermits(1)(wait),
    learn: ({ limit, remaining, reset, retryAfter }: RateNews) => Effect.map(Clock.currentTimeMillis, (now) => {
      underWay = Math.max(0, underWay - 1)
      fill(now)
      // More than documented may be another class's limit, or gone tomorrow.
      if (limit !== undefined && limit >= 1) requests = Math.min(documented, limit)
      if (retryAfter !== undefined) closedUntil = Math.max(closedUntil, now + retryAfter * 1000)
      if (remaining === undefined) {
        // It may have been counted all the same.
        if (window !== undefined) window.remaining--
      } else if (reset === undefined) tokens = Math.min(tokens, Math.max(0, remaining - underWay))
      else if (reset === window?.reset) window.remaining = Math.min(window.remaining, remaining)
      // Our clock may be wrong by hours; a window is never longer than its length.
      else if (reset > (window?.reset ?? 0)) window = { reset, remaining, until: Math.min(reset * 1000, now + windowMillis) }
    })
  }
}

export const make: Effect.Effect<Budget> = Effect.sync(() => {
  const buckets = { list: bucket("list"), other: bucket("other"), images: bucket("images"), creations: bucket("creations") }
  return { take: (kind) => buckets[kind].take, learn: (kind, news) => buckets[kind].learn(news) }
})
