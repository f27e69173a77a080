/**
 * Gathers what is to be provisioned for (Karpenter's provisioning/batcher.go). A window opens with the first element, is
 * prolonged by each element not seen in it before, and ends when none came for `idle`, or `max` after it opened. It opens
 * whether or not somebody waits, so what comes during a pass has often waited long enough when the pass is over.
 */
import { Duration, Effect, Latch } from "effect"
import { monotonicMillis } from "../../runtime/monotonicMillis.ts"

export interface Batcher {
  /** Tells that this element (a pod's or a node's uid) wants provisioning. Never waits. */
  readonly trigger: (element: string) => Effect.Effect<void>
  /** Waits for a window and through it; gives its number of elements, and forgets them. */
  readonly wait: Effect.Effect<number>
}

export const makeBatcher = (options: {
  readonly idle: Duration.Input
  readonly max: Duration.Input
}): Effect.Effect<Batcher> => Effect.gen(function*() {
  const idle = Duration.toMillis(options.idle)
  const max = Duration.toMillis(options.max)
  const opened = yield* Latch.make(false)
  const seen = new Set<string>()
  let first = 0
  let latest = 0

  return {
    trigger: Effect.fnUntraced(function*(element) {
      if (seen.has(element)) return
      const now = yield* monotonicMillis
      if (seen.size === 0) first = now
      latest = now
      seen.add(element)
      yield* opened.open
    }),
    wait: Effect.gen(function*() {
      yield* opened.await
      for (;;) {
        const left = Math.min(first + max, latest + idle) - (yield* monotonicMillis)
        if (left <= 0) break
        yield* Effect.sleep(left)
      }
      const size = seen.size
      seen.clear()
      yield* opened.close
      return size
    })
  }
})
