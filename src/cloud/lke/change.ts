/** One change of a pool's count: recorded on the claims it is for, sent once, its nodes bound. */
import { Clock, Effect, Option, Result } from "effect"
import type { Duration } from "effect"
import { annotation } from "../../apis/labels.ts"
import { outcomeUnknown } from "../../linode/linodeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool } from "../../linode/models.ts"
import type { Change } from "./grow.ts"
import { isWaiting } from "./record.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { digest } from "../digest.ts"
import type { PoolSpec } from "./poolSpec.ts"
import { makeView, poolDoubts, unlistedNodes } from "./view.ts"
import type { View } from "./view.ts"
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

type Answer = Result.Result<Pool, LinodeError>

/** Ends in time, also where nothing else may end it. `undefined` when there was no answer by then. */
const answerWithin = (limit: Duration.Input) => <A, R>(request: Effect.Effect<A, never, R>) =>
  request.pipe(Effect.interruptible, Effect.timeoutOption(limit), Effect.map(Option.getOrUndefined))

/** Writes the intent on the claims; gives those that are known to carry it. */
const record = (world: World, key: string, claims: ReadonlyArray<ClaimRecord>, intent: Intent) => Effect.forEach(
  claims,
  (claim) => world.claims.annotate(
    claim,
    { [annotation.lkePoolKey]: key, [annotation.lkeIntent]: JSON.stringify(intent) },
    (now) => isWaiting(now) && now.key === claim.key && now.intent?.at === claim.intent?.at
  ).pipe(
    // It may carry the intent all the same. Then it waits as the others do, and is counted anew afterwards.
    Effect.catch((error) => {
      const about = { NodeClaim: claim.name, error: error.message }
      return Effect.as(Effect.logWarning("recording a change failed", about), undefined)
    }),
    answerWithin(longestRecording)
  ),
  { concurrency: writers }
).pipe(Effect.map((written) => written.filter((claim) => claim !== undefined)))

/** Nothing was sent, or nothing came of it. What stays written only makes the claim wait. */
const erase = (world: World, claims: ReadonlyArray<ClaimRecord>, { at }: Intent): Effect.Effect<void> => Effect.forEach(
  claims,
  (claim) => world.claims.annotate(claim, { [annotation.lkeIntent]: null }, (now) => now.intent?.at === at).pipe(
    Effect.catch((error) => Effect.logWarning("could not erase the record of a change", { NodeClaim: claim.name, error: error.message })),
    answerWithin(longestRecording)
  ),
  { concurrency: writers, discard: true }
)

/**
 * Whether the pool's count was changed by another process since `view` was looked at, or will be: the count is sent as a whole,
 * and would take back what was added. Of two processes that fight, each having recorded its change, one sees the other's here.
 */
const isOvertaken = (world: World, view: View, pool: Pool, recorded: ReadonlyArray<ClaimRecord>): Effect.Effect<boolean> => {
  const own = new Set(recorded.map(({ uid }) => uid))
  return Effect.zipWith(world.claims.list, Clock.currentTimeMillis, (claims, now) => {
    const others = makeView(world.cluster, now, claims.filter(({ uid }) => !own.has(uid)), view.pools)
    return poolDoubts(others, pool).growing || unlistedNodes(others, pool).some(([node]) => !view.owners.has(node))
  }).pipe(Effect.orElseSucceed(() => true), answerWithin(longestRecording), Effect.map((is) => is !== false))
}

/** Sends once. `undefined` when no answer came in time. */
const send = (world: World, spec: PoolSpec, change: Change, nonce: string, more: number): Effect.Effect<Answer | undefined> => {
  const { cluster, linode } = world
  const request = change.change === "new"
    ? linode.createPool(cluster.id, spec.pool(nonce, more))
    : linode.updatePool(cluster.id, change.pool.id, { count: change.pool.count + more })
  return Effect.result(request).pipe(answerWithin(longestSend))
}

interface Asked {
  /** Those that carry the intent. */
  readonly claims: ReadonlyArray<ClaimRecord>
  /** `unsent`: no claim took the intent, that took too long, or another change of the pool came between. */
  readonly answer: Answer | "unsent" | undefined
}

/**
 * Not to be interrupted: what is recorded and was not sent is in doubt for minutes, which claims and their pods would wait. A
 * program that is told to stop takes as long as these requests take.
 */
const ask = (world: World, view: View, spec: PoolSpec, change: Change): Effect.Effect<Asked> => Effect.uninterruptible(Effect.gen(function*() {
  const at = yield* isoNow
  const nonce = digest([spec.key, at, change.claims.map((claim) => claim.uid)])
  const intent: Intent = change.change === "new"
    ? { change: "new", nonce, at }
    : { change: "grow", pool: change.pool.id, from: change.pool.count, at }
  const started = yield* Clock.currentTimeMillis
  const claims = yield* record(world, spec.key, change.claims, intent)
  const overtaken = claims.length > 0 && change.change === "grow" && (yield* isOvertaken(world, view, change.pool, claims))
  const tooLate = (yield* Clock.currentTimeMillis) - started > longestRecording
  if (claims.length === 0 || overtaken || tooLate) {
    const written = new Map(claims.map((claim) => [claim.uid, claim]))
    yield* erase(world, change.claims.map((claim) => written.get(claim.uid) ?? claim), intent)
    return { claims, answer: "unsent" } as const
  }
  const answer = yield* send(world, spec, change, nonce, claims.length)
  if (answer !== undefined && Result.isFailure(answer) && !outcomeUnknown(answer.failure)) yield* erase(world, claims, intent)
  return { claims, answer }
}))

/** Records the change that was decided by `view` on its claims, sends it once, says what came of it. A refusal is no error. */
export const carryOut = Effect.fn("lke.carryOut")(function*(world: World, view: View, spec: PoolSpec, change: Change) {
  const { answer, claims } = yield* ask(world, view, spec, change)
  if (answer === "unsent") return { is: "dropped" } satisfies Carried as Carried
  const about = { "instance-type": spec.type, nodes: claims.length, pool: change.change === "new" ? "new" : change.pool.id }
  if (answer === undefined || (Result.isFailure(answer) && outcomeUnknown(answer.failure))) {
    const error = answer === undefined ? "no answer in time" : answer.failure.message
    yield* Effect.logWarning("asked for nodes, outcome unknown", { ...about, error })
    return { is: "unknown", claims } satisfies Carried as Carried
  }
  if (Result.isFailure(answer)) {
    yield* Effect.logWarning("nodes refused", { ...about, error: answer.failure.message })
    return { is: "refused", error: answer.failure, claims } satisfies Carried as Carried
  }
  yield* Effect.logInfo("asked for nodes", { ...about, pool: answer.success.id })
  return { is: "done", pool: answer.success, claims } satisfies Carried as Carried
})
