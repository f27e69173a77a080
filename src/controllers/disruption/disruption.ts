/**
 * `disruption`: every ten seconds, takes away the nodes that nothing needs (core-lifecycle §12). What was found is looked
 * at once more after 15 seconds, since a pod may have landed meanwhile; then the nodes are tainted and their claims deleted.
 */
import { Clock, Effect } from "effect"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { PodDisruptionBudgets } from "../../kube/resources.ts"
import { done, requeueAfter, runSingleton } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { BufferRoom } from "../capacitybuffer/bufferRoom.ts"
import { budgeted, candidateOf } from "./candidates.ts"
import { emptiness } from "./emptiness.ts"
import type { Decision } from "./emptiness.ts"
import { disrupt, heal } from "./execute.ts"
import { disruptionMetrics } from "./metrics.ts"
import { reportDecisions, reportExhausted } from "./report.ts"

const pollEvery = "10 seconds"
const validateAfter = "15 seconds"

interface View {
  readonly nodes: ReadonlyMap<string, StateNode>
  readonly pools: ReadonlyMap<string, NodePool>
  readonly decisions: ReadonlyArray<Decision>
}

/** One node that cannot be written does not hold up the others: the next pass looks at it again. */
const orTryAgain = (what: string, node: StateNode) =>
  Effect.catch((error: KubeError) =>
    Effect.logInfo(`${what}, trying again`, { Node: { name: node.name }, error: error.message }))

/** Runs the controller until it is interrupted. */
export const disruption: Effect.Effect<
  never, never, Caches | CloudProvider | Cluster | Kube | Metrics | Recorder
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const cluster = yield* Cluster
  const room = yield* BufferRoom
  const metrics = disruptionMetrics(yield* Metrics)

  const catalogues = Effect.fnUntraced(function*(pools: ReadonlyArray<NodePool>) {
    const found = new Map<string, ReadonlyArray<InstanceType>>()
    for (const pool of pools) {
      // Prices only put empty nodes in order: without a catalogue they go by name.
      const types = yield* cloud.instanceTypes(pool).pipe(Effect.orElseSucceed((): ReadonlyArray<InstanceType> => []))
      found.set(pool.metadata.name, types)
    }
    return found
  })

  /** Everything as it is now, judged. */
  const look = Effect.gen(function*() {
    const pools = caches.store(NodePools).list().filter(isManagedPool)
    const types = yield* catalogues(pools)
    const nodes = yield* cluster.nodes
    const now = yield* Clock.currentTimeMillis
    const budgets = caches.store(PodDisruptionBudgets).list()
    const budgetedPools = pools.map((pool) => budgeted(pool, "Empty", nodes, now))
    metrics.allowed.reset()
    metrics.consuming.reset()
    for (const pool of budgetedPools) {
      metrics.allowed.set({ nodepool: pool.name, reason: "Empty" }, pool.allowed)
      metrics.consuming.set({ nodepool: pool.name, reason: "Empty" }, pool.disrupting)
    }
    const byName = new Map(pools.map((pool) => [pool.metadata.name, pool]))
    yield* reportExhausted(budgetedPools, byName, "Empty")
    const view: View = {
      nodes: new Map(nodes.map((node) => [node.name, node])),
      pools: byName,
      decisions: emptiness({
        candidates: nodes.map((node) =>
          candidateOf(node, types.get(node.nodePool ?? "") ?? [], budgets, now, room.holdsRoom(nominationKey(node)))),
        pools: new Map(budgetedPools.map((pool) => [pool.name, pool]))
      })
    }
    return view
  })

  const chosen = (view: View): ReadonlyArray<Decision> => view.decisions.filter((decision) => decision.action === "disrupt")

  /** The pure answer a second time, for those found the first time: the rest has to wait as long again. */
  const validated = Effect.fnUntraced(function*(found: ReadonlyArray<Decision>) {
    const names = new Set(found.map((decision) => decision.candidate.name))
    const view = yield* look
    const still = chosen(view).filter((decision) => names.has(decision.candidate.name))
    metrics.failedValidations.inc({ consolidation_type: "empty" }, found.length - still.length)
    return { view, still }
  })

  return yield* runSingleton({
    name: "disruption",
    backoff: { base: "1 second", max: "1 minute" },
    reconcile: Effect.gen(function*() {
      yield* cluster.synced
      for (const node of yield* cluster.nodes) yield* heal(node).pipe(orTryAgain("could not remove the disruption taint", node))

      const start = yield* Clock.currentTimeMillis
      const first = yield* look
      const found = chosen(first)
      const end = yield* Clock.currentTimeMillis
      metrics.evaluation.observe({ reason: "empty", consolidation_type: "empty" }, (end - start) / 1000)
      metrics.eligible.set({ reason: "empty" }, found.length)
      yield* reportDecisions(first.decisions, first.nodes)
      if (found.length === 0) return requeueAfter(pollEvery)

      yield* Effect.sleep(validateAfter)
      const { still, view } = yield* validated(found)
      if (still.length === 0) return requeueAfter(pollEvery)
      metrics.decisions.inc({ decision: "delete", reason: "empty", consolidation_type: "empty" })
      yield* Effect.forEach(still, ({ candidate }) => {
        const node = view.nodes.get(candidate.name)
        const policy = view.pools.get(candidate.nodePool ?? "")?.spec.disruption?.consolidationPolicy ?? ""
        return node === undefined
          ? Effect.void
          : disrupt(node, "Empty", policy).pipe(orTryAgain("could not disrupt node", node))
      }, { concurrency: 10, discard: true })
      return done
    })
  })
})
