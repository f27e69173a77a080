/** What the claims say, kept up to date from the changes: no invariant reads all claims at every step. */
import { nodeClaimConditions } from "../../../src/apis/conditions.ts"
import { annotation, label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import type { Change, World } from "../world.ts"

export const isDeleting = ({ metadata }: { readonly metadata: { readonly deletionTimestamp?: string } }): boolean =>
  metadata.deletionTimestamp !== undefined
/** The machine of a claim, by its id: the LKE node that the claim says it owns, or the Linode that was bought for it. */
export const machineOf = (world: World, claim: NodeClaim): string | undefined =>
  world.mode === "lke" ? claim.metadata.annotations?.[annotation.lkeNode] : world.labelFor(claim.metadata.uid ?? "")
export const poolKeyOf = (claim: NodeClaim): string | undefined => claim.metadata.annotations?.[annotation.lkePoolKey]
export const nodePoolOf = (claim: NodeClaim): string | undefined => claim.metadata.labels?.[label.nodePool]
export const isTrue = (claim: NodeClaim, type: string): boolean => nodeClaimConditions.isTrue(claim, type)
/** How Kubernetes calls a machine. */
export const nodeNameOf = (world: World, machine: string): string => world.mode === "lke" ? `lke${world.cluster.id}-${machine}` : machine

export interface ClaimChange extends Change {
  readonly before: NodeClaim | undefined
  readonly after: NodeClaim | undefined
}

/** The changes of claims in this step. */
export const claimChanges = ({ changes }: World): ReadonlyArray<ClaimChange> =>
  changes.filter((change): change is ClaimChange => change.plural === NodeClaims.plural)

/** Whether the claim's deletion began with this change. */
export const beginsToGo = ({ after, before }: ClaimChange): boolean =>
  before !== undefined && !isDeleting(before) && (after === undefined || isDeleting(after))

/** Every claim that there is, by uid. */
export class ClaimBook {
  readonly claims = new Map<string, NodeClaim>()

  /** Writes down what happened to claims in this step, and tells it. */
  follow(world: World): ReadonlyArray<ClaimChange> {
    const changes = claimChanges(world)
    for (const { after, before } of changes) {
      if (after !== undefined) this.claims.set(after.metadata.uid ?? after.metadata.name, after)
      else if (before !== undefined) this.claims.delete(before.metadata.uid ?? before.metadata.name)
    }
    return changes
  }

  /** The claims whose machine it is. */
  ownersOf(world: World, machine: string): ReadonlyArray<NodeClaim> {
    return [...this.claims.values()].filter((claim) => machineOf(world, claim) === machine)
  }
}
