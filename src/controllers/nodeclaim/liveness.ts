/** The last stage: a claim that does not get on is given up (Karpenter's lifecycle/liveness.go). Pure. */
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"

export const launchTimeoutMillis = 5 * 60_000
export const registrationTimeoutMillis = 15 * 60_000

export type LivenessDecision =
  | { readonly action: "none" }
  | { readonly action: "wait"; readonly afterMillis: number }
  | { readonly action: "delete"; readonly reason: "launch_timeout" | "registration_timeout"; readonly message: string }

const since = (claim: NodeClaim, type: string): number =>
  Date.parse(nodeClaimConditions.get(claim, type)?.lastTransitionTime ?? claim.metadata.creationTimestamp ?? "")

/**
 * One claim is given up once and for one reason: where both times are over, as after a long stop of the controller, the
 * launch is what failed.
 */
export const livenessOf = (claim: NodeClaim, nowMillis: number): LivenessDecision => {
  if (nodeClaimConditions.isTrue(claim, conditionType.registered)) return { action: "none" }
  const registration = since(claim, conditionType.registered) + registrationTimeoutMillis - nowMillis
  if (!nodeClaimConditions.isTrue(claim, conditionType.launched)) {
    const launch = since(claim, conditionType.launched) + launchTimeoutMillis - nowMillis
    if (launch <= 0) return { action: "delete", reason: "launch_timeout", message: "the machine was not launched in 5 minutes" }
    if (registration > 0) return { action: "wait", afterMillis: Math.min(launch, registration) }
  }
  return registration > 0
    ? { action: "wait", afterMillis: registration }
    : { action: "delete", reason: "registration_timeout", message: "the node did not register in 15 minutes" }
}
