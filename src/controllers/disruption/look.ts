/** The cluster as the disruption methods see it at one moment. */
import { Clock, Effect } from "effect"
import { disruptionReasons, NodePools } from "../../apis/nodePool.ts"
import type { DisruptionReason, NodePool } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { namesAwaited } from "../../cluster/replacements.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { Caches } from "../../kube/caches.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { PodDisruptionBudgets } from "../../kube/resources.ts"
import { inSlices } from "../../runtime/inSlices.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { BufferRoom } from "../capacitybuffer/bufferRoom.ts"
import { budgeted, censusOf } from "./budget.ts"
import type { Budgeted } from "./budget.ts"
import { candidateOf, isLeaving, pdbsOf, pricesOf } from "./candidate.ts"
import type { Candidate, Pdbs, Prices } from "./candidate.ts"
import { disruptionMetrics } from "./metrics.ts"

export interface View {
  readonly nowMillis: number
  readonly nodes: ReadonlyArray<StateNode>
  readonly byName: ReadonlyMap<string, StateNode>
  readonly nodePools: ReadonlyMap<string, NodePool>
  /** Of each NodePool. */
  readonly prices: ReadonlyMap<string, Prices>
  readonly types: ReadonlyMap<string, ReadonlyArray<InstanceType>>
  readonly pdbs: Pdbs
  readonly candidates: ReadonlyArray<Candidate>
  /** What the budgets leave for a reason, by NodePool. */
  readonly pools: (reason: DisruptionReason) => ReadonlyMap<string, Budgeted>
}

const noPrices: Prices = new Map()

const marked = oncePer((node: StateNode): StateNode => ({ ...node, markedForDeletion: true }))

/** Those that go soon are marked too. */
const withLeaving = oncePer((nodes: ReadonlyArray<StateNode>): ReadonlyArray<StateNode> =>
  nodes.map((node) => isLeaving(node) && !node.markedForDeletion ? marked(node) : node))

const byNameIn = oncePer((nodes: ReadonlyArray<StateNode>): ReadonlyMap<string, StateNode> =>
  new Map(nodes.map((node) => [node.name, node])))

/** Candidates that are worked out at a time. */
const atOnce = 50

/** Everything as it is now. */
export const look: Effect.Effect<View, never, Caches | CloudProvider | Cluster | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const cluster = yield* Cluster
  const room = yield* BufferRoom
  const metrics = disruptionMetrics(yield* Metrics)
  const pools = caches.store(NodePools).list().filter(isManagedPool)
  const types = new Map<string, ReadonlyArray<InstanceType>>()
  for (const pool of pools) {
    // Without a catalogue empty nodes go by name, and others stay.
    types.set(pool.metadata.name, yield* cloud.instanceTypes(pool).pipe(Effect.orElseSucceed((): ReadonlyArray<InstanceType> => [])))
  }
  const prices = new Map([...types].map(([pool, own]) => [pool, pricesOf(own)]))
  const nodes = withLeaving(yield* cluster.nodes)
  const nowMillis = yield* Clock.currentTimeMillis
  const pdbs = pdbsOf(caches.store(PodDisruptionBudgets).list())
  const awaited = namesAwaited(caches.store(NodeClaims).list())
  const census = censusOf(nodes)

  metrics.allowed.reset()
  metrics.consuming.reset()
  const byReason = new Map(disruptionReasons.map((reason) => {
    const ofReason = pools.map((pool) => budgeted(pool, reason, census.get(pool.metadata.name), nowMillis))
    for (const { allowed, disrupting, name } of ofReason) {
      metrics.allowed.set({ nodepool: name, reason }, allowed)
      metrics.consuming.set({ nodepool: name, reason }, disrupting)
    }
    return [reason, new Map(ofReason.map((pool) => [pool.name, pool]))]
  }))
  const candidates = yield* inSlices(function*() {
    const found: Array<Candidate> = []
    for (const node of nodes) {
      const bufferRoom = room.holdsRoom(nominationKey(node))
      found.push(candidateOf(node, { awaited, bufferRoom, nowMillis, pdbs, prices: prices.get(node.nodePool ?? "") ?? noPrices }))
      if (found.length % atOnce === 0) yield
    }
    return found
  }())
  const view: View = {
    nowMillis,
    nodes,
    byName: byNameIn(nodes),
    nodePools: new Map(pools.map((pool) => [pool.metadata.name, pool])),
    prices,
    types,
    pdbs,
    candidates,
    pools: (reason) => byReason.get(reason) ?? new Map<string, Budgeted>()
  }
  return view
})
