/** The NodePools that take part in a pass, and what they can buy (Karpenter's provisioning/provisioner.go). */
import { Effect } from "effect"
import { conditionType, nodePoolConditions } from "../../apis/conditions.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import type { InstanceType } from "../../scheduling/problem.ts"

export interface Participants {
  readonly pools: ReadonlyArray<NodePool>
  readonly types: ReadonlyMap<string, ReadonlyArray<InstanceType>>
  /** A sentence for each pool that would take part if it were ready. */
  readonly notReady: ReadonlyArray<string>
}

/** A condition speaks of the pool as it is only when it was set for its present generation. */
export const isReady = (pool: NodePool): boolean => {
  const ready = nodePoolConditions.get(pool, conditionType.ready)
  return ready?.status === "True" && (ready.observedGeneration ?? 0) === (pool.metadata.generation ?? 0)
}

/** What a pool that is not ready says about it. */
const whyNotReady = (pool: NodePool): string => {
  const why = nodePoolConditions.unhealthy(pool).filter(({ status }) => status === "False").map(({ message, reason }) =>
    (message ?? "") === "" ? reason ?? "" : `${reason ?? ""}: ${message}`)
  return `NodePool ${pool.metadata.name} is not ready${why.length === 0 ? "" : ` (${why.join("; ")})`}`
}

/** Ready, not static, not being deleted, and with a catalogue; those left out are named in the log. */
export const participants: Effect.Effect<Participants, never, Caches | CloudProvider> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const pools: Array<NodePool> = []
  const types = new Map<string, ReadonlyArray<InstanceType>>()
  const notReady: Array<string> = []
  for (const pool of caches.store(NodePools).list()) {
    if (!isManagedPool(pool) || pool.spec.replicas !== undefined || pool.metadata.deletionTimestamp !== undefined) continue
    const NodePool = { name: pool.metadata.name }
    if (!isReady(pool)) {
      yield* Effect.logInfo("ignoring nodepool, not ready", { NodePool })
      notReady.push(whyNotReady(pool))
      continue
    }
    const found = yield* cloud.instanceTypes(pool).pipe(
      Effect.tapError(({ message: error }) => Effect.logError("skipping, unable to resolve instance types", { NodePool, error })),
      Effect.orElseSucceed(() => undefined)
    )
    if (found === undefined) continue
    if (found.length === 0) {
      yield* Effect.logInfo("skipping, no resolved instance types found", { NodePool })
      continue
    }
    pools.push(pool)
    types.set(pool.metadata.name, found)
  }
  return { pools, types, notReady: notReady.toSorted() }
})
