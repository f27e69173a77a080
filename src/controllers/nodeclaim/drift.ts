/** Whether a claim's node is still what its NodePool would make (Karpenter's nodeclaim/disruption). Pure. */
import { annotation, capacityType, label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { compatible, requirementsOf, requirementsOfLabels } from "../../scheduling/index.ts"
import type { InstanceType, Offering } from "../../scheduling/problem.ts"

/** The provider has reasons of its own beside these. */
export type DriftReason = "NodePoolDrifted" | "RequirementsDrifted" | "InstanceTypeNotFound" | "NodeClassDrift"

const nothing: ReadonlySet<string> = new Set()

/** Both say what they were made from, counted in the same way, and it is not the same. */
const templateDrifted = (claim: NodeClaim, pool: NodePool): boolean => {
  const made = claim.metadata.annotations ?? {}
  const now = pool.metadata.annotations ?? {}
  const known = [made, now].every((one) =>
    one[annotation.nodePoolHash] !== undefined && one[annotation.nodePoolHashVersion] !== undefined)
  return known && made[annotation.nodePoolHashVersion] === now[annotation.nodePoolHashVersion] &&
    made[annotation.nodePoolHash] !== now[annotation.nodePoolHash]
}

/** The pool's requirements are not part of its hash: a change that the node meets is no drift. */
const requirementsDrifted = (claim: NodeClaim, pool: NodePool): boolean =>
  !compatible(requirementsOfLabels(claim.metadata.labels), requirementsOf(pool.spec.template.spec.requirements), nothing)

/** What the claim says of its template; costs no more than two lookups. */
export const driftOf = (claim: NodeClaim, pool: NodePool): DriftReason | undefined =>
  templateDrifted(claim, pool) ? "NodePoolDrifted" : requirementsDrifted(claim, pool) ? "RequirementsDrifted" : undefined

/**
 * Whether nobody sells what the claim has any more, in its zone and under its terms; whether it is to be had today does
 * not matter. A reservation may have ended, which leaves the node on demand. A price list without any type says nothing.
 */
export const isUnsold = (claim: NodeClaim, types: ReadonlyArray<InstanceType>): boolean => {
  const { [label.instanceType]: name, [label.zone]: zone, [label.capacityType]: terms } = claim.metadata.labels ?? {}
  if (types.length === 0) return false
  const sells = (offering: Offering): boolean => (zone === undefined || offering.zone === zone) &&
    (terms === undefined || offering.capacityType === terms ||
      (terms === capacityType.reserved && offering.capacityType === capacityType.onDemand))
  return !types.some((type) => type.name === name && type.offerings.some(sells))
}
