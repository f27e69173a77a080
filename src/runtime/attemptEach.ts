import { Effect, Result } from "effect"

/** Runs all of them, one failure or more notwithstanding; then fails with that of the first item that failed, or gives what came of each. */
export const attemptEach = Effect.fnUntraced(function*<A, B, E, R>(
  items: Iterable<A>, run: (item: A) => Effect.Effect<B, E, R>, options: { readonly concurrency?: number } = {}
): Effect.fn.Return<ReadonlyArray<B>, E, R> {
  const results = yield* Effect.forEach(items, (item) => Effect.result(run(item)), options)
  return yield* Effect.fromResult(Result.all(results))
})
