/** A token bucket on the Clock: how client-go limits what one client asks of the API server. */
import { Clock, Effect } from "effect"

/** An effect that takes a token: `burst` of them at once, `qps` per second after that, in the order of the asking. */
export const makeLimiter = (qps: number, burst: number): Effect.Effect<Effect.Effect<void>> =>
  Effect.map(Clock.currentTimeMillis, (start) => {
    let tokens = burst
    let at = start
    return Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      tokens = Math.min(burst, tokens + ((now - at) / 1000) * qps) - 1
      at = now
      if (tokens >= 0) return
      yield* Effect.sleep((-tokens / qps) * 1000).pipe(Effect.onInterrupt(() => Effect.sync(() => { tokens++ })))
    })
  })
