/** Drift: replaces nodes that are not what would be made now, one disruption at a time (Karpenter's disruption/drift.go). */
import { Effect } from "effect"
import { participants } from "../provisioning/nodePools.ts"
import type { Command } from "./command.ts"
import { drift } from "./drift.ts"
import { chosen } from "./eligibility.ts"
import type { Method } from "./method.ts"
import { reportBlocked } from "./report.ts"
import { restingDrift } from "./restingPools.ts"
import { simulate } from "./simulate.ts"

export const driftMethod: Method = {
  reason: "Drifted",
  consolidationType: "",
  decide: (view) => drift({ candidates: view.candidates, pools: view.pools("Drifted"), isStatic: false }),
  compute: Effect.fnUntraced(function*(view, decisions, { backoff }) {
    const drifted = chosen(decisions)
    const resting = yield* restingDrift(drifted, view, backoff)
    const turn = drifted.filter(({ nodePool = "" }) => !resting.has(nodePool))
    if (turn.length === 0) return []
    const choice = yield* participants
    for (const { name } of turn) {
      const node = view.byName.get(name)
      if (node === undefined) continue
      const { moves, replacements, stuck } = yield* simulate(view, [node], choice, ({ initialized }) => !initialized)
      if (stuck.length > 0) {
        yield* reportBlocked(node, stuck)
        continue
      }
      const command: Command = {
        reason: "Drifted",
        consolidationType: "",
        nodes: [node],
        replacements: replacements.map((one) => ({ kind: "planned", node: one })),
        moves
      }
      return [command]
    }
    return []
  })
}
