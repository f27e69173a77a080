/** A static NodePool and all claims as the API server has them now: what caches say is only a reason to look. */
import { Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { isStatic } from "./count.ts"

/** Undefined when the pool is not what the caches have, any more: another one of its name, going, or not static. */
export const look = Effect.fnUntraced(function*(known: NodePool) {
  const kube = yield* Kube
  const pool = yield* kube.get(NodePools, { name: known.metadata.name }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  if (!pool || pool.metadata.uid !== known.metadata.uid || pool.metadata.deletionTimestamp !== undefined || !isStatic(pool)) {
    return undefined
  }
  return { pool, claims: (yield* kube.list(NodeClaims)).items }
})
