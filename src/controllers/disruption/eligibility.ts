/** Which nodes may be disrupted at all (Karpenter's disruption/types.go). Pure. */
import type { Pod } from "../../kube/objects.ts"
import type { Pool } from "./budget.ts"
import type { Candidate } from "./candidate.ts"

export type Reason =
  | "Empty"
  | "Drifted"
  | "Underutilized"
  | "NodeClaimMissing"
  | "NodeMissing"
  | "NotInitialized"
  | "Deleting"
  | "Nominated"
  | "DoNotDisrupt"
  | "NodePoolLabelMissing"
  | "NodePoolNotFound"
  | "PodDoNotDisrupt"
  | "PodDisruptionBudget"
  | "NotEmpty"
  | "IsEmpty"
  | "NotDrifted"
  | "StaticNodePool"
  | "DynamicNodePool"
  | "ConsolidationDisabled"
  | "NonEmptyConsolidationDisabled"
  | "NotConsolidatable"
  | "Unpriced"
  | "BufferRoom"
  | "BufferRoomUnknown"
  | "Awaited"
  | "Budget"

export interface Verdict {
  /** `disrupt`: may go. `block`: may not, whatever its pods are. `keep`: nothing speaks for it to go now. */
  readonly action: "disrupt" | "block" | "keep"
  readonly reason: Reason
  /** For a person. */
  readonly message: string
}

export interface Decision extends Verdict {
  readonly candidate: Candidate
}

/** Those that may go, in the order of the decisions. */
export const chosen = (decisions: ReadonlyArray<Decision>): ReadonlyArray<Candidate> =>
  decisions.filter(({ action }) => action === "disrupt").map(({ candidate }) => candidate)

export const block = (reason: Reason, message: string): Verdict => ({ action: "block", reason, message })
export const keep = (reason: Reason, message: string): Verdict => ({ action: "keep", reason, message })

const podName = (pod: Pod): string => `${pod.metadata.namespace ?? "default"}/${pod.metadata.name}`

/** `graceful`: what holds a pod holds its node. `eventual`: only where the node has no deadline by which it is drained. */
export type DisruptionClass = "graceful" | "eventual"

/** What blocks the node; undefined where nothing does. */
export const eligibility = (candidate: Candidate, pool: Pool | undefined, how: DisruptionClass): Verdict | undefined => {
  if (!candidate.hasClaim) return block("NodeClaimMissing", "Node isn't managed by karpenter")
  if (!candidate.hasNode) return block("NodeMissing", "Nodeclaim does not have an associated node")
  if (!candidate.initialized) return block("NotInitialized", "Node isn't initialized")
  if (candidate.markedForDeletion) return block("Deleting", "Node is deleting or marked for deletion")
  if (candidate.nominated) return block("Nominated", "Node is nominated for a pending pod")
  if (candidate.doNotDisrupt) {
    return block("DoNotDisrupt", "Disruption is blocked through the \"karpenter.sh/do-not-disrupt\" annotation")
  }
  if (candidate.nodePool === undefined) {
    return block("NodePoolLabelMissing", "Node doesn't have required label \"karpenter.sh/nodepool\"")
  }
  if (pool === undefined) return block("NodePoolNotFound", `NodePool not found (NodePool=${candidate.nodePool})`)
  if (how === "eventual" && candidate.hasDeadline === true) return undefined
  if (candidate.protectedPod !== undefined) {
    return block("PodDoNotDisrupt", `Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=${podName(candidate.protectedPod)})`)
  }
  if (candidate.blockedPod !== undefined) {
    return block("PodDisruptionBudget", `${candidate.blockedPod.message} (Pod=${podName(candidate.blockedPod.pod)})`)
  }
  return undefined
}

/** No pod on it would be missed: all that it has are daemons, and pods that cost nothing to evict. */
export const isEmpty = ({ disruptionCost }: Candidate): boolean => disruptionCost <= 1
