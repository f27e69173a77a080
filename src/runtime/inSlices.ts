/** Long calculations that do not hold up the process. */
import { Clock, Effect } from "effect"

/** How long nobody else gets a turn, in nanoseconds; a piece of work that is begun is ended. */
const slice = 20_000_000n

/** Runs what yields now and then to its end; whoever else is ready runs in between. */
export const inSlices = Effect.fnUntraced(function*<A>(work: Generator<void, A>) {
  const clock = yield* Clock.Clock
  for (;;) {
    const end = clock.monotonicTimeNanosUnsafe() + slice
    do {
      const { done, value } = work.next()
      if (done === true) return value
    } while (clock.monotonicTimeNanosUnsafe() < end)
    yield* Effect.yieldNow
  }
})
