/** What the disruption methods are asked about: each machine, and each NodePool's budget. Pure. */
import { allowedDisruptions } from "../../apis/budgets.ts"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation, label } from "../../apis/labels.ts"
import type { DisruptionReason, NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { blockingBudgets } from "../../cluster/pdb.ts"
import { doNotDisrupt, isActive, isReschedulable } from "../../cluster/podPredicates.ts"
import type { Pod, PodDisruptionBudget } from "../../kube/objects.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Candidate, Pool } from "./emptiness.ts"
import { isReady } from "../node/isReady.ts"

/** US dollars an hour for a machine with these labels; 0 when the catalogue does not know it. */
const priceOf = (labels: Readonly<Record<string, string>>, types: ReadonlyArray<InstanceType>): number =>
  types.find((type) => type.name === labels[label.instanceType])?.offerings.find((offering) =>
    offering.zone === labels[label.zone] && offering.capacityType === labels[label.capacityType])?.price ?? 0

const blocked = (
  pods: ReadonlyArray<Pod>,
  budgets: ReadonlyArray<PodDisruptionBudget>,
  nowMillis: number
): Candidate["blockedPod"] => {
  if (budgets.length === 0) return undefined
  for (const pod of pods) {
    const blocking = blockingBudgets(pod, budgets, "now", nowMillis)
    if (blocking.length > 1) return { pod, message: `Eviction does not support multiple PDBs (PDBs=${blocking.join(", ")})` }
    if (blocking.length === 1) return { pod, message: `Pdb prevents pod evictions (PDB=${blocking[0]})` }
  }
  return undefined
}

export const candidateOf = (
  node: StateNode,
  types: ReadonlyArray<InstanceType>,
  budgets: ReadonlyArray<PodDisruptionBudget>,
  nowMillis: number,
  bufferRoom: boolean | "unknown" = false
): Candidate => ({
  name: node.name,
  nodePool: node.nodePool,
  hasClaim: node.claim !== undefined,
  hasNode: node.node !== undefined,
  initialized: node.initialized,
  markedForDeletion: node.markedForDeletion,
  nominated: node.nominated,
  doNotDisrupt: node.annotations[annotation.doNotDisrupt] === "true",
  protectedPod: node.pods.find((pod) => isActive(pod) && doNotDisrupt(pod, nowMillis).active),
  blockedPod: blocked(node.pods, budgets, nowMillis),
  bufferRoom,
  reschedulable: node.pods.filter(isReschedulable).length,
  consolidatable: node.claim !== undefined && nodeClaimConditions.isTrue(node.claim, conditionType.consolidatable),
  price: priceOf(node.labels, types)
})

export interface Budgeted extends Pool {
  /** What the budgets allow for nodes of this number, those that are on their way out included. */
  readonly allowed: number
  readonly nodes: number
  readonly disrupting: number
}

const isUnready = ({ node }: StateNode): boolean => node === undefined || !isReady(node)

/** What a pool's budgets leave for a reason now (core-lifecycle §12.3): nodes on their way out and broken ones use them up. */
export const budgeted = (
  pool: NodePool,
  reason: DisruptionReason,
  nodes: ReadonlyArray<StateNode>,
  nowMillis: number
): Budgeted => {
  const counted = nodes.filter((node) =>
    node.nodePool === pool.metadata.name && node.claim !== undefined && node.initialized &&
    !nodeClaimConditions.isTrue(node.claim, conditionType.instanceTerminating))
  const disrupting = counted.filter((node) => node.markedForDeletion || isUnready(node)).length
  const allowed = allowedDisruptions(pool, reason, counted.length, nowMillis)
  return {
    name: pool.metadata.name,
    isStatic: pool.spec.replicas !== undefined,
    never: pool.spec.disruption?.consolidateAfter === "Never",
    remaining: Math.max(0, allowed - disrupting),
    allowed,
    nodes: counted.length,
    disrupting
  }
}
