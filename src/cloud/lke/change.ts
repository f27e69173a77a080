/** One change of a pool's count: recorded on the claims it is for, sent once, its nodes bound. */
import { Clock, Effect, Option, Result } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { outcomeUnknown } from "../../linode/linodeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool } from "../../linode/models.ts"
import type { Change } from "./grow.ts"
import { isWaiting } from "./record.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { digest } from "../digest.ts"
import type { PoolSpec } from "./poolSpec.ts"
import type { World } from "./world.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { longestRecording, longestSend, writers } from "../requests.ts"

export type Carried =
  /** The pool after the change, and the claims that it was for. */
  | { readonly is: "done"; readonly pool: Pool; readonly claims: ReadonlyArray<ClaimRecord> }
  /** Nothing was bought, and nothing will be. */
  | { readonly is: "refused"; readonly error: LinodeError; readonly claims: ReadonlyArray<ClaimRecord> }
  /** It may have been carried out, or may be yet. The intents stay. */
  | { readonly is: "unknown"; readonly claims: ReadonlyArray<ClaimRecord> }
  /** Nothing was sent; look again. */
  | { readonly is: "dropped" }

const erase = (world: World, claims: ReadonlyArray<ClaimRecord>): Effect.Effect<void, KubeError> => Effect.forEach(
  claims,
  (claim) => world.claims.annotate(claim, { [annotation.lkeIntent]: null }, (now) => now.intent?.at === claim.intent?.at),
  { concurrency: writers, discard: true }
)

/** Sends once. `undefined` when no answer came in time. */
const send = (world: World, spec: PoolSpec, change: Change, nonce: string, more: number) => {
  const { cluster, linode } = world
  const request = change.change === "new"
    ? linode.createPool(cluster.id, spec.pool(nonce, more))
    : linode.updatePool(cluster.id, change.pool.id, { count: change.pool.count + more })
  return Effect.result(request).pipe(Effect.timeoutOption(longestSend), Effect.map(Option.getOrUndefined))
}

export const carryOut = Effect.fn("lke.carryOut")(function*(world: World, spec: PoolSpec, change: Change) {
  const at = yield* isoNow
  const nonce = digest([spec.key, at, change.claims.map((claim) => claim.uid)])
  const intent: Intent = change.change === "new"
    ? { change: "new", nonce, at }
    : { change: "grow", pool: change.pool.id, from: change.pool.count, at }
  const started = yield* Clock.currentTimeMillis
  const written = yield* Effect.forEach(change.claims, (claim) => world.claims.annotate(
    claim,
    { [annotation.lkePoolKey]: spec.key, [annotation.lkeIntent]: JSON.stringify(intent) },
    (now) => isWaiting(now) && now.key === claim.key && now.intent?.at === claim.intent?.at
  ).pipe(
    // It may carry the intent all the same. Then it waits as the others do, and is counted anew afterwards.
    Effect.catch((error) => {
      const about = { NodeClaim: claim.name, error: error.message }
      return Effect.as(Effect.logWarning("recording a change failed", about), undefined)
    })
  ), { concurrency: writers })
  const claims = written.filter((claim) => claim !== undefined)
  if (claims.length === 0) return { is: "dropped" } satisfies Carried as Carried
  if ((yield* Clock.currentTimeMillis) - started > longestRecording) {
    yield* erase(world, claims)
    return { is: "dropped" } satisfies Carried as Carried
  }

  const result = yield* send(world, spec, change, nonce, claims.length)
  const about = { "instance-type": spec.type, nodes: claims.length, pool: change.change === "new" ? "new" : change.pool.id }
  if (result === undefined || (Result.isFailure(result) && outcomeUnknown(result.failure))) {
    const error = result === undefined ? "no answer in time" : result.failure.message
    yield* Effect.logWarning("asked for nodes, outcome unknown", { ...about, error })
    return { is: "unknown", claims } satisfies Carried as Carried
  }
  if (Result.isFailure(result)) {
    yield* Effect.logWarning("nodes refused", { ...about, error: result.failure.message })
    yield* erase(world, claims)
    return { is: "refused", error: result.failure, claims } satisfies Carried as Carried
  }
  yield* Effect.logInfo("asked for nodes", { ...about, pool: result.success.id })
  return { is: "done", pool: result.success, claims } satisfies Carried as Carried
})
