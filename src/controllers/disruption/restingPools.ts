/** NodePools whose drifted nodes wait, as the replacement of the last one failed; each of them says until when. */
import { Effect } from "effect"
import type { Backoff } from "./backoff.ts"
import type { Decision } from "./eligibility.ts"
import type { View } from "./look.ts"
import { reportResting } from "./report.ts"

const why = "the replacement that its last drifted node needed did not come up"

/** Of the NodePools of these nodes. */
export const restingPools = Effect.fnUntraced(function*(drifted: ReadonlyArray<Decision>, view: View, backoff: Backoff) {
  const resting = new Set<string>()
  for (const nodePool of new Set(drifted.flatMap(({ candidate }) => candidate.nodePool ?? []))) {
    const until = backoff.waitsUntil("Drifted", nodePool, view.nowMillis)
    if (until === undefined) continue
    resting.add(nodePool)
    yield* reportResting(view.nodePools.get(nodePool), { until, why }, "Drifted")
  }
  return resting
})
