/** Which pods of a node have to go now (Karpenter's node/termination/terminator). Pure. */
import { isActive, isWaitingEviction, ownedByDaemonSet } from "../../cluster/podPredicates.ts"
import type { Pod } from "../../kube/objects.ts"

/**
 * Whether the pod must be deleted now to have its full grace before the node's deadline, whatever budgets say. None for a
 * node that may drain for ever.
 */
export const needsForceDelete = (pod: Pod, deadlineMillis: number | undefined, nowMillis: number): boolean => {
  if (deadlineMillis === undefined) return false
  const { deletionGracePeriodSeconds, deletionTimestamp } = pod.metadata
  if (deletionTimestamp !== undefined) {
    // Less than a second is not to be had.
    return Date.parse(deletionTimestamp) > deadlineMillis && (deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY) > 1
  }
  const grace = pod.spec.terminationGracePeriodSeconds
  return grace !== undefined && nowMillis > deadlineMillis - grace * 1000
}

const critical: ReadonlyArray<string | undefined> = ["system-cluster-critical", "system-node-critical"]
const isCritical = (pod: Pod): boolean => critical.includes(pod.spec.priorityClassName)

/** Applications go first, then what runs on every node for them, then what the cluster itself needs. */
const tierOf = (pod: Pod): number => (isCritical(pod) ? 2 : 0) + (ownedByDaemonSet(pod) ? 1 : 0)
const tiers = [0, 1, 2, 3]

export interface DrainPlan {
  /** The node is not drained while any of these is there. */
  readonly waiting: ReadonlyArray<Pod>
  /** To be made to leave now; the others of `waiting` are leaving already, or their turn comes later. */
  readonly next: ReadonlyArray<Pod>
}

/**
 * A tier begins when the ones before are gone, not when they begin to leave. Pods whose time is up do not wait for their
 * tier: an earlier one may be held by a budget.
 */
export const drainPlan = (pods: ReadonlyArray<Pod>, deadlineMillis: number | undefined, nowMillis: number): DrainPlan => {
  const waiting = pods.filter((pod) => isWaitingEviction(pod, nowMillis))
  const overdue = waiting.filter((pod) => needsForceDelete(pod, deadlineMillis, nowMillis))
  const orderly = waiting.filter((pod) => !overdue.includes(pod))
  const tier = tiers.map((n) => orderly.filter((pod) => tierOf(pod) === n)).find((members) => members.length > 0) ?? []
  return { waiting, next: [...overdue, ...tier.filter(isActive)] }
}
