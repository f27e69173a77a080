/** How many nodes a static NodePool has, from its claims alone. Pure. */
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { toNumber } from "../../cluster/amounts.ts"
import { isManagedClaim, isManagedPool } from "../../cluster/managed.ts"

/** Every claim of a pool is in one of the lists. */
export interface Count {
  readonly active: ReadonlyArray<NodeClaim>
  /** About to be replaced: somebody decided to disrupt them, and has not deleted them yet. */
  readonly pending: ReadonlyArray<NodeClaim>
  readonly deleting: ReadonlyArray<NodeClaim>
}

const isDeleting = (claim: NodeClaim): boolean =>
  claim.metadata.deletionTimestamp !== undefined || nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)

/** Whether the pool keeps a number of nodes whatever the pods ask. */
export const isStatic = (pool: NodePool): boolean => isManagedPool(pool) && pool.spec.replicas !== undefined

export const claimsOf = (pool: NodePool, claims: ReadonlyArray<NodeClaim>): ReadonlyArray<NodeClaim> =>
  claims.filter((claim) => claim.metadata.labels?.[label.nodePool] === pool.metadata.name && isManagedClaim(claim))

/** `claims` are the pool's. */
export const countOf = (claims: ReadonlyArray<NodeClaim>): Count => {
  const staying = claims.filter((claim) => !isDeleting(claim))
  const isPending = (claim: NodeClaim) => nodeClaimConditions.isTrue(claim, conditionType.disruptionReason)
  return {
    active: staying.filter((claim) => !isPending(claim)),
    pending: staying.filter(isPending),
    deleting: claims.filter(isDeleting)
  }
}

/** How many claims the pool may have at a time, those being deleted included. */
export const limitOf = (pool: NodePool): number => {
  const nodes = pool.spec.limits?.["nodes"]
  return nodes === undefined ? Number.POSITIVE_INFINITY : Math.floor(toNumber(nodes))
}
