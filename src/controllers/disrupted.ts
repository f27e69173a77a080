/** Counts claims that Karpenter takes away by its own decision, whichever controller decides. */
import { Effect } from "effect"
import { durationMillis } from "../apis/durations.ts"
import { label } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { DisruptionReason } from "../apis/nodePool.ts"
import { Metrics } from "../runtime/metrics.ts"

/** Why a claim was taken away without anybody having asked for it. */
export type DisruptedReason =
  | "insufficient_capacity" | "nodeclass_not_ready" | "launch_timeout" | "registration_timeout" | "expired"
  | "garbage_collected" | "scheduled_change" | "unhealthy" | "overprovisioned" | Lowercase<DisruptionReason>

const labelNames = ["reason", "nodepool", "capacity_type", "consolidation_policy", "termination_mode"]

/** `graceful` waits for pods for ever, `eventual` for a while, `forceful` not at all (Karpenter's utils/disruption). */
const terminationMode = (claim: NodeClaim): string => {
  const millis = durationMillis(claim.spec.terminationGracePeriod)
  return millis === undefined ? "graceful" : millis <= 0 ? "forceful" : "eventual"
}

export const snakeCase = (text: string): string => text.replace(/(?<=[a-z])(?=[A-Z])/gu, "_").toLowerCase()

export interface Disrupted {
  readonly claim: NodeClaim
  readonly reason: DisruptedReason
  /** Of the NodePool, as written there; empty where no budget was asked. */
  readonly consolidationPolicy?: string
  /** How many pods need another place; undefined where there was no node yet. */
  readonly pods: number | undefined
}

export const countDisrupted = Effect.map(Metrics, (metrics) => {
  const claims = metrics.counter(
    "karpenter_nodeclaims_disrupted_total", "Number of nodeclaims disrupted in total by Karpenter.", labelNames)
  const moved = metrics.counter("karpenter_pods_disruption_initiated_total",
    "Number of pods on nodes that Karpenter began to disrupt.", labelNames)
  return ({ claim, reason, consolidationPolicy = "", pods }: Disrupted): void => {
    const labels = {
      reason,
      nodepool: claim.metadata.labels?.[label.nodePool] ?? "",
      capacity_type: claim.metadata.labels?.[label.capacityType] ?? "",
      consolidation_policy: snakeCase(consolidationPolicy),
      termination_mode: terminationMode(claim)
    }
    claims.inc(labels)
    if (pods !== undefined) moved.inc(labels, pods)
  }
})
