/** Candidates and NodePools for the rules of who may be disrupted. */
import type { Pool } from "../../../src/controllers/disruption/budget.ts"
import type { Candidate } from "../../../src/controllers/disruption/candidate.ts"
import type { Reason } from "../../../src/controllers/disruption/eligibility.ts"
import { pod } from "../../cluster/world.ts"

/** One that every method may take, but for its pod. */
export const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  name: "n1", nodePool: "default", hasClaim: true, hasNode: true, initialized: true, markedForDeletion: false, nominated: false,
  doNotDisrupt: false, protectedPod: undefined, blockedPod: undefined, reschedulable: 1, disruptionCost: 2, consolidatable: true, price: 1,
  driftedSince: 1, ...more
})
export const pool = (more: Partial<Pool> = {}): Pool => ({ name: "default", isStatic: false, never: false, remaining: 100, ...more })

export type Case = readonly [why: string, action: "disrupt" | "block" | "keep", Reason, Partial<Candidate>, Partial<Pool>]

/** What holds every node, whatever the method. */
export const forAll: ReadonlyArray<Case> = [
  ["it is not ours", "block", "NodeClaimMissing", { hasClaim: false }, {}],
  ["it has not joined", "block", "NodeMissing", { hasNode: false }, {}],
  ["it is not ready to be used", "block", "NotInitialized", { initialized: false }, {}],
  ["it is going already", "block", "Deleting", { markedForDeletion: true }, {}],
  ["a pod is expected on it", "block", "Nominated", { nominated: true }, {}],
  ["its annotation forbids it", "block", "DoNotDisrupt", { doNotDisrupt: true }, {}],
  ["it belongs to no NodePool", "block", "NodePoolLabelMissing", { nodePool: undefined }, {}],
  ["its NodePool is gone", "block", "NodePoolNotFound", { nodePool: "gone" }, {}],
  ["a pod on it forbids it", "block", "PodDoNotDisrupt", { protectedPod: pod("p") }, {}],
  ["a pod on it cannot be evicted", "block", "PodDisruptionBudget", { blockedPod: { pod: pod("p"), message: "Pdb prevents" } }, {}]
]
