/** `nodepool.hash`: keeps the hash of a NodePool's template on it. */
import { Effect } from "effect"
import { nodePoolHash, nodePoolHashVersion } from "../../apis/hash.ts"
import { annotation } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { isManagedClaim, isManagedPool } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, onSelf, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { stampHash } from "./stampHash.ts"

/** Runs the controller until it is interrupted. */
export const nodePoolHashing: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const pools = caches.store(NodePools)
  return yield* runController({
    name: "nodepool.hash",
    kind: NodePools,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onSelf(pools, (change) => change.type === "applied")],
    reconcile: Effect.fnUntraced(function*(ref) {
      // Claims must be known before a version is declared current.
      yield* caches.synced
      const pool = pools.get(ref)
      if (pool === undefined || !isManagedPool(pool) || pool.metadata.deletionTimestamp !== undefined) return done
      const claims = caches.store(NodeClaims).by(index.claimNodePool, ref.name).filter(isManagedClaim)
      yield* stampHash(NodePools, pool, claims, {
        hashKey: annotation.nodePoolHash,
        versionKey: annotation.nodePoolHashVersion,
        version: nodePoolHashVersion,
        hash: nodePoolHash(pool.spec.template)
      })
      return done
    })
  })
})
