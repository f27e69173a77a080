/** Events that say why nodes stay. */
import { Effect } from "effect"
import type { NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { Recorder } from "../../kube/events.ts"
import type { EventInput } from "../../kube/events.ts"
import type { Budgeted } from "./candidates.ts"
import type { Decision } from "./emptiness.ts"

type Told = Pick<EventInput, "reason" | "dedupeFor">

const eventOf = (decision: Decision): Told | undefined => {
  if (decision.action === "block") return { reason: "DisruptionBlocked", dedupeFor: "2 minutes" }
  if (decision.reason === "ConsolidationDisabled" || decision.reason === "BufferRoom") {
    return { reason: "Unconsolidatable", dedupeFor: "15 minutes" }
  }
  return undefined
}

/** On the Node and on the NodeClaim; a machine that is not ours has no claim and gets none. */
export const reportDecisions = Effect.fnUntraced(function*(
  decisions: ReadonlyArray<Decision>,
  nodes: ReadonlyMap<string, StateNode>
) {
  const recorder = yield* Recorder
  for (const decision of decisions) {
    const event = eventOf(decision)
    const state = nodes.get(decision.candidate.name)
    if (event === undefined || state?.claim === undefined) continue
    for (const object of state.node === undefined ? [state.claim] : [state.node, state.claim]) {
      yield* recorder.publish({
        object,
        type: "Normal",
        ...event,
        message: decision.message,
        dedupe: [object.metadata.uid ?? object.metadata.name]
      })
    }
  }
})

/** On NodePools that have nodes and whose budgets allow none of them to go. */
export const reportExhausted = Effect.fnUntraced(function*(
  budgets: ReadonlyArray<Budgeted>,
  pools: ReadonlyMap<string, NodePool>,
  reason: string
) {
  const recorder = yield* Recorder
  for (const budget of budgets) {
    const pool = pools.get(budget.name)
    if (pool === undefined || budget.nodes === 0 || budget.allowed > 0) continue
    yield* recorder.publish({
      object: pool,
      type: "Normal",
      reason: "DisruptionBlocked",
      message: `No allowed disruptions for disruption reason ${reason} due to blocking budget`,
      dedupe: [pool.metadata.uid ?? pool.metadata.name, reason],
      dedupeFor: "1 minute"
    })
  }
})
