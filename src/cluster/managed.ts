/** Which NodePools and NodeClaims are ours: those whose node class is the kind that this provider serves. */
import { providerGroup } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { NodePool } from "../apis/nodePool.ts"

interface NodeClassRef {
  readonly group: string
  readonly kind: string
}

/** True for a reference to a LinodeNodeClass; another provider's objects in the same cluster are left alone. */
export const isOurs = (ref: NodeClassRef): boolean => ref.group === providerGroup && ref.kind === "LinodeNodeClass"

export const isManagedClaim = (claim: NodeClaim): boolean => isOurs(claim.spec.nodeClassRef)
export const isManagedPool = (pool: NodePool): boolean => isOurs(pool.spec.template.spec.nodeClassRef)
