/**
 * Which nodes may go because nothing needs them (core-lifecycle §12.2, §12.7). Pure: it is asked once to find them, and a
 * second time, after a wait, whether they still may.
 */
import type { Pod } from "../../kube/objects.ts"

export interface Candidate {
  readonly name: string
  readonly nodePool: string | undefined
  readonly hasClaim: boolean
  readonly hasNode: boolean
  readonly initialized: boolean
  readonly markedForDeletion: boolean
  readonly nominated: boolean
  /** The node's annotation forbids it. */
  readonly doNotDisrupt: boolean
  /** A pod that asks to be left alone. */
  readonly protectedPod: Pod | undefined
  /** A pod that cannot be evicted now, and why. */
  readonly blockedPod: { readonly pod: Pod; readonly message: string } | undefined
  /** Whether it holds room for a capacity buffer; unknown until the first pass after a start. Absent: no. */
  readonly bufferRoom?: boolean | "unknown"
  /** Pods that would need another node. */
  readonly reschedulable: number
  /** The claim says that its quiet time is over. */
  readonly consolidatable: boolean
  /** US dollars an hour; 0 when unknown. */
  readonly price: number
}

export interface Pool {
  readonly name: string
  readonly isStatic: boolean
  /** consolidateAfter is Never. */
  readonly never: boolean
  /** How many more of its nodes may go now. */
  readonly remaining: number
}

export type Reason =
  | "Empty"
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
  | "StaticNodePool"
  | "ConsolidationDisabled"
  | "NotConsolidatable"
  | "BufferRoom"
  | "BufferRoomUnknown"
  | "Budget"

export interface Decision {
  /** `disrupt`: may go. `block`: may not, whatever its pods are. `keep`: nothing speaks for it to go now. */
  readonly action: "disrupt" | "block" | "keep"
  readonly reason: Reason
  /** For a person. */
  readonly message: string
  readonly candidate: Candidate
}

type Verdict = Omit<Decision, "candidate">

const block = (reason: Reason, message: string): Verdict => ({ action: "block", reason, message })
const keep = (reason: Reason, message: string): Verdict => ({ action: "keep", reason, message })

const eligibility = (candidate: Candidate, pool: Pool | undefined): Verdict | undefined => {
  const podName = (pod: Pod): string => `${pod.metadata.namespace ?? "default"}/${pod.metadata.name}`
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
  if (candidate.protectedPod !== undefined) {
    return block("PodDoNotDisrupt", `Pod has "karpenter.sh/do-not-disrupt" annotation (Pod=${podName(candidate.protectedPod)})`)
  }
  if (candidate.blockedPod !== undefined) {
    return block("PodDisruptionBudget", `${candidate.blockedPod.message} (Pod=${podName(candidate.blockedPod.pod)})`)
  }
  return undefined
}

const worthwhile = (candidate: Candidate, pool: Pool): Verdict | undefined => {
  if (pool.isStatic) return keep("StaticNodePool", "The NodePool has a fixed number of nodes")
  if (pool.never) return keep("ConsolidationDisabled", `NodePool "${pool.name}" has consolidation disabled`)
  if (candidate.reschedulable > 0) return keep("NotEmpty", `${candidate.reschedulable} pod(s) would need another node`)
  if (candidate.bufferRoom === true) return keep("BufferRoom", "The node holds room for a capacity buffer")
  if (candidate.bufferRoom === "unknown") return keep("BufferRoomUnknown", "Room for capacity buffers was not looked for yet")
  if (!candidate.consolidatable) return keep("NotConsolidatable", "The node has not been quiet for long enough")
  return undefined
}

/**
 * One decision for each candidate. Of the empty nodes the dearest go first, as many as their pool's budget leaves; of
 * equally dear ones the first by name.
 */
export const emptiness = (input: {
  readonly candidates: ReadonlyArray<Candidate>
  readonly pools: ReadonlyMap<string, Pool>
}): ReadonlyArray<Decision> => {
  const left = new Map([...input.pools.values()].map((pool) => [pool.name, pool.remaining]))
  return input.candidates
    .toSorted((a, b) => b.price - a.price || (a.name < b.name ? -1 : 1))
    .map((candidate): Decision => {
      const pool = input.pools.get(candidate.nodePool ?? "")
      const no = eligibility(candidate, pool) ?? (pool === undefined ? undefined : worthwhile(candidate, pool))
      if (no !== undefined) return { ...no, candidate }
      const budget = left.get(candidate.nodePool ?? "") ?? 0
      if (budget <= 0) {
        const message = `No allowed disruptions left for reason Empty in NodePool "${candidate.nodePool}"`
        return { ...keep("Budget", message), candidate }
      }
      left.set(candidate.nodePool ?? "", budget - 1)
      return { action: "disrupt", reason: "Empty", message: "Empty", candidate }
    })
}
