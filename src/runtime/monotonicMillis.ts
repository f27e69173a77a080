/** Milliseconds for measuring how long something takes: unlike the wall's clock, this one is never set back. */
import { Clock, Effect } from "effect"

export const monotonicMillis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)
