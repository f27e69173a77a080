/** The NodePools that take part in a pass, and what they can buy (core-scheduling §10.5). */
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
}

/** A condition speaks of the pool as it is only when it was set for its present generation. */
export const isReady = (pool: NodePool): boolean => {
  const ready = nodePoolConditions.get(pool, conditionType.ready)
  return ready?.status === "True" && (ready.observedGeneration ?? 0) === (pool.metadata.generation ?? 0)
}

/** Ready, not static, not being deleted, and with a catalogue; those left out are named in the log. */
export const participants: Effect.Effect<Participants, never, Caches | CloudProvider> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const pools: Array<NodePool> = []
  const types = new Map<string, ReadonlyArray<InstanceType>>()
  for (const pool of caches.store(NodePools).list()) {
    if (!isManagedPool(pool) || pool.spec.replicas !== undefined || pool.metadata.deletionTimestamp !== undefined) continue
    const NodePool = { name: pool.metadata.name }
    if (!isReady(pool)) {
      yield* Effect.logInfo("ignoring nodepool, not ready", { NodePool })
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
  return { pools, types }
})
