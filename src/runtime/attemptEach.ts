import { Effect, Result } from "effect"

/** Runs all of them, one failure or more notwithstanding, and then fails with that of the first item that failed. */
export const attemptEach = Effect.fnUntraced(function*<A, B, E, R>(
  items: Iterable<A>, run: (item: A) => Effect.Effect<B, E, R>, options: { readonly concurrency?: number } = {}
): Effect.fn.Return<void, E, R> {
  const results = yield* Effect.forEach(items, (item) => Effect.result(run(item)), options)
  const failed = results.find(Result.isFailure)
  if (failed !== undefined) return yield* Effect.fail(failed.failure)
})
