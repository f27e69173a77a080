/**
 * Whether a claim's node has been left alone for as long as its NodePool's consolidateAfter says (Karpenter's
 * nodeclaim/disruption). Pure.
 */
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { parseDuration } from "../../apis/durations.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"

export type ConsolidatableDecision =
  | { readonly action: "mark" }
  | { readonly action: "clear"; readonly reason: "Never" | "NotInitialized" }
  /** Pods came or went not long ago. */
  | { readonly action: "clear"; readonly reason: "TooSoon"; readonly afterMillis: number }

/** A pod that came or went counts; before the first one, the moment in which the node became usable. */
const quietSince = (claim: NodeClaim): number =>
  Date.parse(claim.status?.lastPodEventTime ??
    nodeClaimConditions.get(claim, conditionType.initialized)?.lastTransitionTime ?? "")

export const consolidatable = (claim: NodeClaim, pool: NodePool, nowMillis: number): ConsolidatableDecision => {
  const after = parseDuration(pool.spec.disruption?.consolidateAfter ?? "0s")
  if (after === "Never" || after === undefined) return { action: "clear", reason: "Never" }
  if (!nodeClaimConditions.isTrue(claim, conditionType.initialized)) return { action: "clear", reason: "NotInitialized" }
  const left = quietSince(claim) + after - nowMillis
  return after > 0 && left > 0 ? { action: "clear", reason: "TooSoon", afterMillis: left } : { action: "mark" }
}
