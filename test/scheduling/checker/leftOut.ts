/** Pods that are left out though they have a place, and the reasons they are told. */
import type { NodePool, Plan, Pod } from "../../../src/scheduling/index.ts"
import { affinityObjections } from "./affinity.ts"
import { antiAffinityObjections, labelObjections } from "./antiAffinity.ts"
import { fitObjections } from "./fit.ts"
import { untolerated } from "./labels.ts"
import { constraintsOf } from "./peers.ts"
import { spreadObjections } from "./spread.ts"
import { volumeObjections } from "./volumes.ts"
import type { Spot, World } from "./world.ts"
import { freshSpots, keyOf, withPod } from "./world.ts"

const reasons: ReadonlySet<string> = new Set([
  "NoNodePools", "NoInstanceTypes", "TaintsNotTolerated", "IncompatibleRequirements", "InsufficientResources", "NoOffering",
  "LimitsExceeded", "MinValuesNotMet", "HostPortConflict", "PodAffinityNotMet", "PodAntiAffinityNotMet", "TopologySpreadNotMet",
  "VolumeNotUsable", "VolumeLimitExceeded", "ReservedCapacityInUse", "UnsupportedConstraint", "InvalidPod"
])

/** Why one more pod may not come to a node, after all that the plan puts there. */
export const objectionsTo = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> => {
  const local = [...fitObjections(spot, [...spot.placed, pod]), ...volumeObjections(world.problem, spot, [...spot.placed, pod])]
  if (local.length > 0) return local
  const then = withPod(world, spot, pod)
  const there = then.spots.find((other) => other.name === spot.name && other.placed.includes(pod))!
  return [
    ...antiAffinityObjections(then, there, pod), ...labelObjections(then, there, pod),
    ...affinityObjections(then, there, pod), ...spreadObjections(then, there, pod)
  ]
}

/** NodePools whose limits or minValues may stand against a node are not asked. */
const isOpen = (pool: NodePool): boolean =>
  pool.spec.limits === undefined && pool.spec.template.spec.requirements.every(({ minValues }) => minValues === undefined)

/** A domain is chosen before it is known whether a node can be had there, so such a pod may be left out by Karpenter's rules. */
const isChoosy = (world: World, pod: Pod): boolean =>
  constraintsOf(world.problem, pod).length > 0 ||
  (pod.spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).length > 0 ||
  (pod.spec.volumes ?? []).length > 0

export const leftOutViolations = (world: World, plan: Plan): ReadonlyArray<string> => plan.unschedulable.flatMap((left) => {
  const out: Array<string> = []
  const { name } = left.pod
  if (left.reasons.length === 0) out.push(`${name} is left out without a reason`)
  for (const { nodePool, reason, message } of left.reasons) {
    if (!reasons.has(reason)) out.push(`${name} is left out for ${reason}`)
    if (message === "") out.push(`${name} is left out without a word`)
    const isPool = world.problem.nodePools.some(({ metadata }) => metadata.name === nodePool)
    if (nodePool !== "" && !isPool) out.push(`${name} is refused by ${nodePool}, which is no NodePool`)
  }
  const pod = world.problem.pods.find(({ metadata }) => keyOf(metadata) === keyOf(left.pod))
  const unread = ["UnsupportedConstraint", "InvalidPod", "ReservedCapacityInUse"]
  if (pod === undefined || left.reasons.some(({ reason }) => unread.includes(reason))) return out
  for (const spot of world.spots) {
    // A taint that only prefers others is put up with at last, but by Karpenter only where a NodePool has such a taint.
    if (spot.made !== undefined || untolerated(pod.spec, spot.taints).length > 0) continue
    if (objectionsTo(world, spot, pod).length > 0) continue
    out.push(`${name} is left out, ${spot.name} could take it`)
  }
  if (isChoosy(world, pod)) return out
  const room = world.problem.nodePools.filter(isOpen).flatMap((pool) => freshSpots(world.problem, pool))
    .find((spot) => spot.faces[0]!.offering!.capacityType !== "reserved" && objectionsTo(world, spot, pod).length === 0)
  if (room !== undefined) out.push(`${name} is left out, ${room.name} could take it`)
  return out
})
