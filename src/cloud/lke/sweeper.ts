/** One pass over everything of this cluster that carries our tags: what no claim owns is given back. */
import { Effect, Ref } from "effect"
import type { KubeError } from "../../kube/kubeError.ts"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Locks } from "./gather.ts"
import { deleteNode, deletePool } from "./giver.ts"
import type { Grower } from "./grower.ts"
import { decideGarbage, observeGarbage } from "./garbage.ts"
import type { GarbagePlan, Since } from "./garbage.ts"
import { withSentence } from "./tags.ts"
import type { World } from "./world.ts"

const giveBack = Effect.fn("lke.sweep")(function*(world: World, { pool, doomed }: GarbagePlan) {
  if (doomed === "pool") {
    const nodes = pool.nodes.map((node) => node.id)
    yield* Effect.logInfo("nothing of the node pool is owned by a claim", { pool: pool.id, nodes })
    return yield* deletePool(world, pool)
  }
  if (doomed.sentence.length > 0) {
    yield* Effect.logInfo("nodes without a claim", { pool: pool.id, nodes: doomed.sentence })
    yield* world.linode.updatePool(world.cluster.id, pool.id, { tags: withSentence(pool, doomed.sentence) })
  }
  yield* Effect.forEach(doomed.nodes, (node) => deleteNode(world, node), { discard: true })
})

/**
 * How long something had no owner is counted in this process alone: a restart only makes the grace longer. A key that
 * fails does not keep the others from being swept; the first failure is the pass's.
 */
export const makeSweeper = (world: World, locks: Locks, grow: Grower): Effect.Effect<void, LinodeError | KubeError> => {
  const since = Ref.makeUnsafe<Since>(new Map())
  const look = Effect.gen(function*() {
    const view = yield* world.look
    const seen = yield* Ref.updateAndGet(since, (known) => observeGarbage(view, known))
    return { view, plans: decideGarbage(view, seen) }
  })
  const sweepKey = (key: string) => locks.withLock(key)(Effect.gen(function*() {
    const { plans } = yield* look
    yield* Effect.forEach(plans.filter((plan) => plan.key === key), (plan) => giveBack(world, plan), { discard: true })
  }))
  return Effect.gen(function*() {
    const { plans, view } = yield* look
    // Two processes gave one node to two claims: a pass parts them.
    const shared = [...view.owners.values()].map((owners) => owners.filter((owner) => !owner.deleting))
      .filter((owners) => owners.length > 1).flat()
    const parting = shared.flatMap(({ key, name }) =>
      key === undefined ? [] : [Effect.asVoid(grow(key, { name, spec: undefined }))])
    const sweeping = [...new Set(plans.map((plan) => plan.key))].map(sweepKey)
    const results = yield* Effect.forEach([...parting, ...sweeping], (work) => work.pipe(
      Effect.tapError((error) => Effect.logWarning("giving back what no claim owns failed", { error: error.message })),
      Effect.result
    ))
    yield* Effect.forEach(results, Effect.fromResult, { discard: true })
  }).pipe(Effect.withSpan("lke.collectGarbage"))
}
