/** Claims as LKE mode reads and makes them. */
import { Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import type { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import * as claims from "../claims.ts"
import type { ClaimRecord } from "./record.ts"
import { recordOf } from "./record.ts"

export interface Claims extends claims.Claims<ClaimRecord> {
  /** Makes a claim; one of its name may be there already. */
  readonly add: (claim: NodeClaim) => Effect.Effect<void, KubeError>
  readonly nodePools: Effect.Effect<ReadonlyArray<NodePool>, KubeError>
}

export const makeClaims = (kube: Kube["Service"]): Claims => ({
  ...claims.makeClaims(kube, recordOf),
  add: (claim) => kube.create(NodeClaims, claim).pipe(
    Effect.asVoid,
    Effect.catchIf((error) => error.reason._tag === "AlreadyExists", () => Effect.void)
  ),
  nodePools: Effect.map(kube.list(NodePools), ({ items }) => items)
})
