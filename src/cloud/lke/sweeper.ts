/** One pass over everything of this cluster that carries our tags: what no claim owns is given back, or gets a claim. */
import { Clock, Effect, Ref } from "effect"
import type { KubeError } from "../../kube/kubeError.ts"
import { outcomeUnknown } from "../../linode/linodeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import { annotation } from "../../apis/labels.ts"
import { claimOfOrphan, decideAdoption } from "./adopt.ts"
import type { Adoption } from "./adopt.ts"
import { requestLifetime, writers } from "../requests.ts"
import type { Locks } from "../gather.ts"
import { deleteNode, deletePool } from "./giver.ts"
import type { Grower } from "./grower.ts"
import { decideGarbage, observeGarbage } from "./garbage.ts"
import type { GarbagePlan, Since } from "./garbage.ts"
import { isOfNodePool, withSentence } from "./tags.ts"
import type { World } from "./world.ts"

/** Pools whose tags were sent without an answer, by id, and when that was given up, in milliseconds. */
type Unanswered = Map<number, number>

const giveBack = Effect.fn("lke.sweep")(function*(world: World, unanswered: Unanswered, { pool, doomed }: GarbagePlan) {
  if (doomed === "pool") {
    const nodes = pool.nodes.map((node) => node.id)
    yield* Effect.logInfo("nothing of the node pool is owned by a claim", { pool: pool.id, nodes })
    return yield* deletePool(world, pool)
  }
  const { nodes, sentence, spare } = doomed
  if (sentence.length > 0) yield* Effect.logInfo("nodes without a claim", { pool: pool.id, nodes: sentence })
  if (sentence.length + spare.length > 0) {
    const tags = withSentence(pool, sentence, spare)
    yield* Effect.tapError(world.linode.updatePool(world.cluster.id, pool.id, { tags }), (error) => outcomeUnknown(error)
      ? Effect.map(Clock.currentTimeMillis, (now) => unanswered.set(pool.id, now))
      : Effect.void)
  }
  yield* Effect.forEach(nodes, (node) => deleteNode(world, node), { discard: true })
})

/** Makes what the Go provider left our own. */
const adopt = Effect.fn("lke.adopt")(function*({ claims }: World, { bind, orphans }: Adoption, told: Set<string>) {
  yield* Effect.forEach(bind, ({ claim, node }) => claims.annotate(
    claim, { [annotation.lkeNode]: node }, (now) => now.node === undefined && !now.deleting
  ), { concurrency: writers, discard: true })
  if (bind.length > 0) yield* Effect.logInfo("took over nodeclaims", { NodeClaims: bind.map(({ claim }) => claim.name) })
  if (orphans.length === 0) return
  const nodePools = (yield* claims.nodePools).filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  for (const orphan of orphans) {
    const about = { node: orphan.node.id, pool: orphan.pool.id, "instance-type": orphan.pool.type }
    const nodePool = nodePools.find(({ metadata }) => isOfNodePool(orphan.pool, metadata.name))
    if (nodePool !== undefined) {
      const claim = claimOfOrphan(orphan, nodePool)
      yield* claims.add(claim)
      yield* Effect.logInfo("a node that was left without a claim gets one", { ...about, NodeClaim: claim.metadata.name })
    } else if (!told.has(orphan.node.id)) {
      told.add(orphan.node.id)
      yield* Effect.logWarning("a node was left without a claim, and its NodePool is gone: it stays until somebody deletes it", about)
    }
  }
})

/**
 * How long something had no owner is counted in this process alone: a restart only makes the grace longer. A key that
 * fails does not keep the others from being swept; the first failure is the pass's.
 */
export const makeSweeper = (world: World, locks: Locks, grow: Grower): Effect.Effect<void, LinodeError | KubeError> => {
  const since = Ref.makeUnsafe<Since>(new Map())
  const told = new Set<string>()
  const unanswered: Unanswered = new Map()
  const look = Effect.gen(function*() {
    const view = yield* world.look
    const seen = yield* Ref.updateAndGet(since, (known) => observeGarbage(view, known))
    return { view, plans: decideGarbage(view, seen), adoption: decideAdoption(view, seen) }
  })
  const sweepKey = (key: string) => locks.withLock(key)(Effect.gen(function*() {
    const { plans, view } = yield* look
    // What was sent in vain may be written yet, over a later sentence that is relied upon. A restart forgets it, and the grace
    // that begins anew is longer.
    const due = plans.filter(({ pool }) => view.now - (unanswered.get(pool.id) ?? -Infinity) >= requestLifetime)
    yield* Effect.forEach(due.filter((plan) => plan.key === key), (plan) => giveBack(world, unanswered, plan), { discard: true })
  }))
  return Effect.gen(function*() {
    const { adoption, plans, view } = yield* look
    // Two processes gave one node to two claims: a pass parts them.
    const shared = [...view.owners.values()].map((owners) => owners.filter((owner) => !owner.deleting))
      .filter((owners) => owners.length > 1).flat()
    const parting = shared.flatMap(({ key, name }) =>
      key === undefined ? [] : [Effect.asVoid(grow(key, { name, spec: undefined }))])
    const sweeping = [...new Set(plans.map((plan) => plan.key))].map(sweepKey)
    const results = yield* Effect.forEach([adopt(world, adoption, told), ...parting, ...sweeping], (work) => work.pipe(
      Effect.tapError((error) => Effect.logWarning("looking after what no claim owns failed", { error: error.message })),
      Effect.result
    ))
    yield* Effect.forEach(results, Effect.fromResult, { discard: true })
  }).pipe(Effect.withSpan("lke.collectGarbage"))
}
