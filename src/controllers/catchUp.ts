/**
 * What a new leader does before anything else: it reads the NodeClaims from the API server. What the leader before it wrote
 * may not have come by the watches yet, and who does not know of it buys a second time, or disrupts more than the budgets allow.
 */
import { Effect, Schedule } from "effect"
import { NodeClaims } from "../apis/nodeClaim.ts"
import { Caches } from "../kube/caches.ts"
import { Kube } from "../kube/kube.ts"

const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])

/** Asks until the API server answers: nothing may be begun before that. */
export const catchUp: Effect.Effect<void, never, Caches | Kube> = Effect.gen(function*() {
  const caches = yield* Caches
  yield* caches.synced
  const { items } = yield* Kube.use((kube) => kube.list(NodeClaims)).pipe(
    Effect.tapError((error) => Effect.logWarning("could not list NodeClaims, nothing is begun before", { error: error.message })),
    Effect.retry(again),
    // It never gives up.
    Effect.orDie
  )
  for (const claim of items) yield* caches.observe(NodeClaims, claim)
})
