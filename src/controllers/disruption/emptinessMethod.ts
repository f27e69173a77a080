/** Emptiness: takes nodes away that nothing needs, all at once (Karpenter's disruption/emptiness.go). */
import { Effect } from "effect"
import { Metrics } from "../../runtime/metrics.ts"
import type { Command } from "./command.ts"
import { emptiness } from "./emptiness.ts"
import { chosen } from "./eligibility.ts"
import type { Decision } from "./eligibility.ts"
import { look } from "./look.ts"
import type { View } from "./look.ts"
import type { Method } from "./method.ts"
import { validateAfter } from "./method.ts"
import { disruptionMetrics } from "./metrics.ts"

const decide = (view: View): ReadonlyArray<Decision> =>
  emptiness({ candidates: view.candidates, pools: view.pools("Empty") })

/**
 * What was found is looked at once more after a while, since a pod may have landed meanwhile: the rest has to wait as long
 * again.
 */
export const emptinessMethod: Method = {
  reason: "Empty",
  consolidationType: "empty",
  decide,
  compute: Effect.fnUntraced(function*(_view, decisions) {
    const metrics = disruptionMetrics(yield* Metrics)
    const found = new Set(chosen(decisions).map(({ name }) => name))
    if (found.size === 0) return []
    yield* Effect.sleep(validateAfter)
    const view = yield* look
    const nodes = chosen(decide(view)).flatMap(({ name }) => found.has(name) ? view.byName.get(name) ?? [] : [])
    if (nodes.length < found.size) metrics.failedValidations.inc({ consolidation_type: "empty" }, found.size - nodes.length)
    const command: Command = { reason: "Empty", consolidationType: "empty", nodes, replacements: [], moves: new Map() }
    return nodes.length === 0 ? [] : [command]
  })
}
