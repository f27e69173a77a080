/** What Karpenter asks of a pod before it counts it, moves it or waits for it (Karpenter's utils/pod). Pure. */
import { durationMillis } from "../apis/durations.ts"
import { annotation, disruptedTaint } from "../apis/labels.ts"
import type { OwnerReference, Pod } from "../kube/objects.ts"
import { tolerationMatches } from "../scheduling/taints.ts"

/** How long after its deletionTimestamp a pod may still linger before nobody waits for it any more. */
const stuckAfterMillis = 60_000

const isOwnedBy = (pod: Pod, apiVersion: string, kind: string): boolean =>
  (pod.metadata.ownerReferences ?? []).some((owner: OwnerReference) => owner.apiVersion === apiVersion && owner.kind === kind)

/** Its containers have ended for good. */
export const isTerminal = (pod: Pod): boolean => pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded"

export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

export const isActive = (pod: Pod): boolean => !isTerminal(pod) && !isTerminating(pod)

/** More than a minute past its deletionTimestamp, which already includes the grace period: its kubelet does not answer. */
export const isStuckTerminating = (pod: Pod, nowMillis: number): boolean => {
  const at = pod.metadata.deletionTimestamp
  return at !== undefined && nowMillis - Date.parse(at) > stuckAfterMillis
}

export const ownedByDaemonSet = (pod: Pod): boolean => isOwnedBy(pod, "apps/v1", "DaemonSet")
export const ownedByStatefulSet = (pod: Pod): boolean => isOwnedBy(pod, "apps/v1", "StatefulSet")
/** A mirror pod: the API server's picture of a static pod. */
export const ownedByNode = (pod: Pod): boolean => isOwnedBy(pod, "v1", "Node")

/**
 * Needs a place elsewhere when its node goes. A StatefulSet makes the successor only when the old pod is gone, so its
 * terminating pods count too.
 */
export const isReschedulable = (pod: Pod): boolean =>
  (isActive(pod) || (ownedByStatefulSet(pod) && isTerminating(pod))) && !ownedByDaemonSet(pod) && !ownedByNode(pod)

export interface DoNotDisrupt {
  readonly active: boolean
  /** When it ends or ended, in milliseconds; undefined where it has no end, or none that is known yet. */
  readonly until?: number
  /** The annotation's value, when it is neither `true` nor a positive duration and therefore without effect. */
  readonly invalid?: string
}

/** The pod's do-not-disrupt annotation: `true`, or a duration that counts from the pod's start (from now until it started). */
export const doNotDisrupt = (pod: Pod, nowMillis: number): DoNotDisrupt => {
  const value = pod.metadata.annotations?.[annotation.doNotDisrupt]
  if (value === undefined) return { active: false }
  if (value === "true") return { active: true }
  const duration = durationMillis(value)
  if (duration === undefined || duration <= 0) return { active: false, invalid: value }
  const startTime = pod.status?.startTime
  if (startTime === undefined) return { active: true }
  const until = Date.parse(startTime) + duration
  return { active: nowMillis < until, until }
}

/** Nothing about the pod itself speaks against a voluntary disruption. */
export const isDisruptable = (pod: Pod, nowMillis: number): boolean => !isActive(pod) || !doNotDisrupt(pod, nowMillis).active

/** Would come straight back to a node that is being drained, so evicting it is pointless. */
export const toleratesDisruptedTaint = (pod: Pod): boolean =>
  (pod.spec.tolerations ?? []).some((toleration) => tolerationMatches(toleration, disruptedTaint))

/** The Eviction API may be asked now. */
export const isEvictable = (pod: Pod, nowMillis: number): boolean =>
  isActive(pod) && !toleratesDisruptedTaint(pod) && !ownedByNode(pod) && !doNotDisrupt(pod, nowMillis).active

/** A drain is about this pod. Those that must not be disrupted are drainable: the drain waits for them. */
export const isDrainable = (pod: Pod, nowMillis: number): boolean =>
  !toleratesDisruptedTaint(pod) && !isStuckTerminating(pod, nowMillis) && !ownedByNode(pod)

/** A drain is not over while this pod is there. */
export const isWaitingEviction = (pod: Pod, nowMillis: number): boolean => !isTerminal(pod) && isDrainable(pod, nowMillis)

/** The scheduler found no node for it, and a new one could help. */
export const isProvisionable = (pod: Pod): boolean =>
  (pod.status?.conditions ?? []).some((condition) => condition.type === "PodScheduled" && condition.reason === "Unschedulable") &&
  (pod.spec.nodeName ?? "") === "" &&
  (pod.status?.nominatedNodeName ?? "") === "" &&
  !ownedByDaemonSet(pod) &&
  !ownedByNode(pod)
