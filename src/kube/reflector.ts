/** Keeps one store equal to the server: lists it in pages, then watches from the list's version, for ever. */
import { Clock, Effect, Random, Result, Stream } from "effect"
import type { Context } from "effect"
import type { Kube, WatchEvent } from "./kube.ts"
import type { KubeObject } from "./objects.ts"
import type { WritableStore } from "./store.ts"

/** Items per page of a list: what client-go asks for. */
const pageSize = 500
/** Milliseconds: the first pause after a failure, doubled with each further one up to the last. */
const firstPause = 200
const longestPause = 30_000
/** A watch that ends sooner than this, in milliseconds, and brought nothing counts as a failure. */
const shortWatch = 1_000

/** All pages of a kind. A page that comes too late (its token has expired) fails with Expired: begin again. */
const listAll = Effect.fnUntraced(function*<A extends KubeObject>(
  kube: Context.Service.Shape<typeof Kube>,
  store: WritableStore<A>
) {
  const items: Array<A> = []
  let token: string | undefined
  for (;;) {
    const page = yield* kube.list(store.resource, { limit: pageSize, ...(token === undefined ? {} : { continue: token }) })
    for (const item of page.items) items.push(item)
    if (page.continue === undefined || page.continue === "") return store.replace(items, page.resourceVersion)
    token = page.continue
  }
})

const absorb = <A extends KubeObject>(store: WritableStore<A>, event: WatchEvent<A>): void => {
  switch (event.type) {
    case "BOOKMARK": return store.bookmark(event.resourceVersion)
    case "DELETED": return store.remove(event.object)
    default: return store.apply(event.object)
  }
}

/**
 * Runs until it is interrupted. No failure of the server ends it: an expired version means another list, anything else
 * another watch from the last version seen, each after a growing, jittered pause. `onSynced` runs after every list.
 */
export const reflect = <A extends KubeObject>(
  kube: Context.Service.Shape<typeof Kube>,
  store: WritableStore<A>,
  onSynced: Effect.Effect<void>
): Effect.Effect<never> => Effect.gen(function*() {
  let failures = 0
  let complained = false
  let relist = true

  const working = Effect.suspend(() => {
    const before = complained
    complained = false
    failures = 0
    return before ? Effect.logInfo("watching again") : Effect.void
  })
  const pause = Effect.fnUntraced(function*(why: string, afterWork: boolean) {
    // One line for a run of failures, however long it is, and none for a connection that breaks now and then.
    const quietly = complained || afterWork
    complained ||= !quietly
    yield* (quietly ? Effect.logDebug : Effect.logWarning)("cannot list or watch, trying again").pipe(
      Effect.annotateLogs({ error: why })
    )
    const longest = Math.min(longestPause, firstPause * 2 ** Math.min(failures, 20))
    failures++
    yield* Effect.sleep(longest * (yield* Random.nextBetween(0.5, 1)))
  })
  const list = listAll(kube, store).pipe(
    Effect.andThen(Effect.suspend(() => {
      relist = false
      return onSynced
    })),
    Effect.catch((error) => pause(error.message, false))
  )
  const watch = Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    let heard = false
    const ended = yield* kube.watch(store.resource, { resourceVersion: store.version() }).pipe(
      Stream.runForEachArray((events) => Effect.suspend(() => {
        heard = true
        for (const event of events) absorb(store, event)
        return working
      })),
      Effect.result
    )
    relist = Result.isFailure(ended) && ended.failure.reason._tag === "Expired"
    const worked = heard || (yield* Clock.currentTimeMillis) - start >= shortWatch
    if (worked) yield* working
    if (worked && (relist || Result.isSuccess(ended))) return
    yield* pause(Result.isSuccess(ended) ? "the watch ended at once" : ended.failure.message, worked)
  })
  return yield* Effect.suspend(() => relist ? list : watch).pipe(Effect.forever)
}).pipe(Effect.annotateLogs({ kind: store.resource.kind }))
