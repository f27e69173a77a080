/**
 * How fast this process may ask Linode: one token bucket per documented rate class, corrected by what replies say of the
 * limit that the token's other users (the cluster's cloud controller, its CSI driver) share.
 */
import { Clock, Effect, Semaphore } from "effect"

/** `list`: GET of a paginated collection. */
export type RateClass = "list" | "other"

/** Requests per window, as documented by Linode (September 2026). */
const limits: Readonly<Record<RateClass, { readonly requests: number; readonly windowMillis: number }>> = {
  list: { requests: 200, windowMillis: 60_000 },
  other: { requests: 1_600, windowMillis: 60_000 }
}

/** What a reply tells about its class; absent where the reply does not say. */
export interface RateNews {
  readonly remaining?: number
  /** Seconds since the epoch. */
  readonly reset?: number
  /** Seconds from now on, of a 429. */
  readonly retryAfter?: number
}

export interface Budget {
  /** Waits for its turn, first come, first served. */
  readonly take: (kind: RateClass) => Effect.Effect<void>
  readonly learn: (kind: RateClass, news: RateNews) => Effect.Effect<void>
}

/**
 * A quarter of a class's limit may go out at once, the other three quarters are spread over the window: so however the
 * server lays its windows, no one of them sees more than the limit.
 */
const bucket = (kind: RateClass) => {
  const { requests, windowMillis } = limits[kind]
  const burst = requests / 4
  const perMilli = (requests - burst) / windowMillis
  const turn = Semaphore.makeUnsafe(1)
  let tokens = burst
  let filledAt: number | undefined
  let closedUntil = 0

  const fill = (now: number) => {
    tokens = Math.min(burst, tokens + (now - (filledAt ?? now)) * perMilli)
    filledAt = now
  }
  // The news may change while one sleeps: look again after each sleep.
  const wait: Effect.Effect<void> = Effect.gen(function*() {
    for (;;) {
      const now = yield* Clock.currentTimeMillis
      fill(now)
      if (now >= closedUntil && tokens >= 1) break
      yield* Effect.sleep(Math.max(1, Math.ceil(now < closedUntil ? closedUntil - now : (1 - tokens) / perMilli)))
    }
    tokens--
  })
  return {
    take: turn.withPermits(1)(wait),
    learn: ({ remaining, reset, retryAfter }: RateNews) => Effect.map(Clock.currentTimeMillis, (now) => {
      fill(now)
      if (remaining !== undefined) tokens = Math.min(tokens, remaining)
      if (retryAfter !== undefined) closedUntil = Math.max(closedUntil, now + retryAfter * 1000)
      // Our clock may be wrong by hours; a window is never longer than its length.
      if (remaining === 0 && reset !== undefined) closedUntil = Math.max(closedUntil, Math.min(reset * 1000, now + windowMillis))
    })
  }
}

export const make: Effect.Effect<Budget> = Effect.sync(() => {
  const buckets = { list: bucket("list"), other: bucket("other") }
  return { take: (kind) => buckets[kind].take, learn: (kind, news) => buckets[kind].learn(news) }
})
