/** Effect's Clock running faster than the wall's, for the demo: an hour of a cluster's life in a minute. */
import { Clock, Duration, Effect, Layer } from "effect"

/** Time that starts at the real now and passes `speed` times as fast. Sleeps shrink alike. */
export const make = (real: Clock.Clock, speed: number): Clock.Clock => {
  const startMillis = real.currentTimeMillisUnsafe()
  const startNanos = real.monotonicTimeNanosUnsafe()
  const elapsedNanos = (): bigint => BigInt(Math.round(Number(real.monotonicTimeNanosUnsafe() - startNanos) * speed))
  const millis = (): number => startMillis + Number(elapsedNanos() / 1_000_000n)
  const nanos = (): bigint => BigInt(startMillis) * 1_000_000n + elapsedNanos()
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: elapsedNanos,
    monotonicTimeNanos: Effect.sync(elapsedNanos),
    sleep: (duration) => real.sleep(Duration.millis(Duration.toMillis(duration) / speed))
  }
}

export const layer = (speed: number): Layer.Layer<never> =>
  Layer.effect(Clock.Clock, Effect.map(Clock.Clock, (real) => make(real, speed)))
