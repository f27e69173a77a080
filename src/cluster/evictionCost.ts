/** How much it costs to move pods, by Karpenter's measure (Karpenter's utils/disruption). Pure; only good for comparing. */
import { durationMillis } from "../apis/durations.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Pod } from "../kube/objects.ts"

const deletionCost = "controller.kubernetes.io/pod-deletion-cost"

/** 1 for an ordinary pod, -10 to 10 by its priority and by the cost of deletion that its owner wrote on it. */
export const evictionCost = ({ metadata: { annotations }, spec: { priority = 0 } }: Pod): number => {
  const written = annotations?.[deletionCost] ?? ""
  const cost = /^[+-]?\d+$/u.test(written) ? Number(written) : 0
  return Math.min(10, Math.max(-10, 1 + cost / 2 ** 27 + priority / 2 ** 25))
}

/** The share of its life that the claim has before it, from 1 to 0; 1 where it does not expire. */
export const lifetimeRemaining = ({ metadata, spec }: NodeClaim, nowMillis: number): number => {
  const lifetime = durationMillis(spec.expireAfter)
  if (lifetime === undefined || lifetime <= 0) return 1
  const age = nowMillis - Date.parse(metadata.creationTimestamp ?? "")
  return Math.min(1, Math.max(0, (lifetime - age) / lifetime))
}
