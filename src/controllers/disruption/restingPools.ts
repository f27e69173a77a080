/** NodePools that would lose nodes and are left alone for a while, as the last time failed; each of them says until when, and why. */
import { Effect } from "effect"
import type { Backoff } from "./backoff.ts"
import type { Candidate } from "./candidate.ts"
import type { View } from "./look.ts"
import { reportResting } from "./report.ts"
import type { Rest } from "./report.ts"

/** Of the NodePools of these nodes, those that `restOf` gives a rest. */
export const restingPools = Effect.fnUntraced(function*(
  wanted: ReadonlyArray<Candidate>, view: View, reason: "Drifted" | "Underutilized", restOf: (nodePool: string) => Rest | undefined
) {
  const resting = new Set<string>()
  for (const nodePool of new Set(wanted.flatMap((candidate) => candidate.nodePool ?? []))) {
    const rest = restOf(nodePool)
    if (rest === undefined) continue
    resting.add(nodePool)
    yield* reportResting(view.nodePools.get(nodePool), rest, reason)
  }
  return resting
})

/** Of the NodePools of these drifted nodes, those that wait since a replacement failed. */
export const restingDrift = (drifted: ReadonlyArray<Candidate>, view: View, backoff: Backoff) =>
  restingPools(drifted, view, "Drifted", (nodePool) => {
    const until = backoff.waitsUntil("Drifted", nodePool, view.nowMillis)
    return until === undefined ? undefined : { until, why: "the replacement that its last drifted node needed did not come up" }
  })
