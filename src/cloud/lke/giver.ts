/** Passes that give machines back, and the proof that they are gone. */
import { Effect, Result } from "effect"
import type { Scope } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool } from "../../linode/models.ts"
import type { Deletion } from "../cloudProvider.ts"
import { makeGather } from "../gather.ts"
import type { Locks } from "../gather.ts"
import { decideGiveBack } from "./giveBack.ts"
import { goneAmong } from "../presence.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { isSentenced, withSentence } from "./tags.ts"
import { isFresh, isMissing, ownedNode } from "./view.ts"
import type { View } from "./view.ts"
import type { World } from "./world.ts"
import { isoNow } from "../../runtime/isoNow.ts"

/** Claims that ask within this time share a pass: nobody waits for a deletion by the second. */
const gatherFor = "1 second"

/** Deletions of nodes that run at once. */
const deleters = 4

export type Deletions = ReadonlyMap<string, Result.Result<Deletion, LinodeError | KubeError>>

const goneIsFine = <A>(effect: Effect.Effect<A, LinodeError>): Effect.Effect<void, LinodeError> => effect.pipe(
  Effect.asVoid,
  Effect.catchIf((error) => error.reason._tag === "Gone", () => Effect.void)
)

/** Sentences the pool where it is not, then deletes it. Once sentenced, nothing in it is given to a claim again. */
export const deletePool = Effect.fn("lke.deletePool")(function*({ account, cluster, linode }: World, pool: Pool) {
  if (!isSentenced(pool)) yield* linode.updatePool(cluster.id, pool.id, { tags: withSentence(pool, "pool") })
  yield* linode.deletePool(cluster.id, pool.id)
  // There is room in the account again.
  yield* account.limit.passed
  yield* Effect.logInfo("deleted node pool", { pool: pool.id, nodes: pool.nodes.map((node) => node.id) })
}, goneIsFine)

/** Deletes a node that is sentenced already: by its claim's end, or by its pool's tags. */
export const deleteNode = Effect.fn("lke.deleteNode")(function*({ account, cluster, linode }: World, node: string) {
  yield* linode.deleteNode(cluster.id, node)
  yield* account.limit.passed
  yield* Effect.logInfo("deleted node", { node })
}, goneIsFine)

/** Their pool is deleted: that a list lacks these nodes is no sign of its age any more. */
const forgetBinding = (world: World, view: View, claims: ReadonlyArray<ClaimRecord>) => Effect.forEach(
  claims.filter((claim) => claim.intent?.change === "bound" && isFresh(view, claim)),
  (claim) => world.claims.annotate(claim, { [annotation.lkeIntent]: null }, (now) => now.deleting && now.intent?.change === "bound"),
  { concurrency: deleters, discard: true }
)

const pass = (world: World) => Effect.fn("lke.giveBack")(function*(key: string, asked: ReadonlyArray<ClaimRecord>) {
  const view = yield* world.look
  const done = new Map<string, Result.Result<Deletion, LinodeError | KubeError>>()
  const note = (claim: ClaimRecord, answer: Deletion) => done.set(claim.uid, Result.succeed(answer))
  const known = new Map(view.claims.map((claim) => [claim.uid, claim]))
  const claims = asked.flatMap((claim) => known.get(claim.uid) ?? []).filter((claim) => claim.deleting)
  const plan = decideGiveBack(view, key, [...new Set(claims)])

  // Somebody removed the claim's finalizer: if its node is still there, it is what no claim owns.
  const orphaned = asked.filter((claim) => !known.has(claim.uid))
  const listed = orphaned.filter((claim) => {
    const node = ownedNode(view, claim)
    return node !== undefined && !isMissing(view, node)
  })
  for (const claim of listed) note(claim, "terminating")
  for (const claim of plan.gone) note(claim, "gone")
  for (const claim of plan.theirs) {
    note(claim, "gone")
    yield* Effect.logWarning("the claim names a node of a pool that is not Karpenter's: it stays", {
      NodeClaim: claim.name, node: ownedNode(view, claim)
    })
  }
  for (const { claim, why } of plan.wait) {
    note(claim, "waiting")
    yield* Effect.logDebug("a machine is not given back yet", { NodeClaim: claim.name, why })
  }
  const unlisted = [...plan.unlisted, ...orphaned.filter((claim) => !listed.includes(claim))]
  const gone = yield* Effect.result(goneAmong(world.machines, unlisted))
  for (const { uid } of unlisted) done.set(uid, Result.map(gone, (uids) => uids.has(uid) ? "gone" : "terminating"))

  yield* Effect.forEach(plan.pools, (pool) => Effect.gen(function*() {
    const theirs = claims.filter((claim) => view.find(ownedNode(view, claim) ?? "")?.pool === pool)
    const result = yield* Effect.result(Effect.andThen(deletePool(world, pool), forgetBinding(world, view, theirs)))
    for (const { uid } of theirs) done.set(uid, Result.map(result, () => "terminating"))
  }), { discard: true })

  const at = yield* isoNow
  yield* Effect.forEach(plan.nodes, ({ claim, pool, node }) => Effect.gen(function*() {
    const intent: Intent = { change: "delete", pool: pool.id, node, at }
    const written = yield* world.claims.annotate(
      claim,
      { [annotation.lkeNode]: node, [annotation.lkeIntent]: JSON.stringify(intent) },
      (now) => now.deleting && (now.node ?? node) === node
    )
    if (written !== undefined) yield* deleteNode(world, node)
    return "terminating" as const
  }).pipe(Effect.result, Effect.map((result) => done.set(claim.uid, result))), { concurrency: deleters, discard: true })

  return done as Deletions
})

/** Asks for the end of a deleted claim's machine. The result has an entry for each claim that is still deleting, by uid. */
export const makeGiver = (world: World, scope: Scope.Scope, locks: Locks) =>
  makeGather<ClaimRecord, Deletions, LinodeError | KubeError>({ scope, locks, window: gatherFor, run: pass(world) })
export type Giver = ReturnType<typeof makeGiver>
