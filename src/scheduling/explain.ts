import type { FirstFit } from "./firstFit.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import type { Refusal, UnschedulableReason } from "./plan.ts"
import { refusalOf } from "./refusal.ts"

/** How far a pod came with a NodePool before it was refused. */
const progress: ReadonlyArray<UnschedulableReason> = [
  "NoInstanceTypes", "TaintsNotTolerated", "IncompatibleRequirements", "NoOffering", "InsufficientResources", "VolumeLimitExceeded",
  "HostPortConflict",
  "LimitsExceeded", "PodAffinityNotMet", "PodAntiAffinityNotMet", "TopologySpreadNotMet", "MinValuesNotMet"
]

/**
 * Why no NodePool can have a node for the pods of a run: one refusal for each, heaviest first. Where a pod would be content with
 * several things, the one that came closest is told; of equal ones the last, which asks for the least.
 */
export const explain = (model: Model, pass: FirstFit, run: Run): ReadonlyArray<Refusal> => {
  const { refusal, steps } = run.podClass
  if (refusal !== undefined) return [{ nodePool: "", ...refusal }]
  if (pass.deferred.has(model.runOf[run.pods[0]!]!)) {
    const message = "other nodes of this plan hold the reserved capacity that it could have; it is tried again when they are there"
    return [{ nodePool: "", reason: "ReservedCapacityInUse", message }]
  }
  if (model.pools.length === 0) {
    return [{ nodePool: "", reason: "NoNodePools", message: "there is no NodePool to buy a node from" }]
  }
  return model.pools.map((_, i) =>
    steps.map((step) => refusalOf(model, pass, run, step, i))
      .reduce((best, other) => progress.indexOf(other.reason) >= progress.indexOf(best.reason) ? other : best))
}
