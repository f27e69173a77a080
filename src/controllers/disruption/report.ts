/** Events that say why nodes go or stay. */
import { Effect } from "effect"
import type { DisruptionReason, NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { Recorder } from "../../kube/events.ts"
import type { EventInput } from "../../kube/events.ts"
import type { Kept, KeptReason } from "../../scheduling/consolidation/contract.ts"
import type { Budgeted, UsedUp } from "./budget.ts"
import { describe } from "./command.ts"
import type { Command } from "./command.ts"
import type { Decision, Reason } from "./eligibility.ts"
import type { View } from "./look.ts"
import { threshold } from "./score.ts"
import type { Score } from "./score.ts"

type Told = Pick<EventInput, "reason" | "message" | "dedupeFor"> & { readonly dedupe?: ReadonlyArray<string> }

/** On the Node and on the NodeClaim; a machine that is not ours has no claim and gets none. */
const tell = Effect.fnUntraced(function*({ claim, node }: StateNode, { dedupe = [], ...told }: Told) {
  if (claim === undefined) return
  const recorder = yield* Recorder
  for (const object of node === undefined ? [claim] : [node, claim]) {
    yield* recorder.publish({
      object, type: "Normal", ...told, dedupe: [object.metadata.uid ?? object.metadata.name, ...dedupe]
    })
  }
})

const tellPool = Effect.fnUntraced(function*(pool: NodePool | undefined, { dedupe = [], ...told }: Told) {
  if (pool === undefined) return
  const recorder = yield* Recorder
  yield* recorder.publish({
    object: pool, type: "Normal", ...told, dedupe: [pool.metadata.uid ?? pool.metadata.name, ...dedupe]
  })
})

const unconsolidatable = (message: string): Told => ({ reason: "Unconsolidatable", message, dedupeFor: "15 minutes" })

/** What owners of nodes are told where consolidation is not even considered. */
const saidOfConsolidation: ReadonlyArray<Reason> = ["ConsolidationDisabled", "BufferRoom", "NonEmptyConsolidationDisabled", "Unpriced"]

/** What is over by itself before long: however many of these a node goes through, it is told once. */
const passing: ReadonlyArray<Reason> = ["NodeMissing", "NotInitialized", "Deleting", "Nominated"]

export const reportDecisions = Effect.fnUntraced(function*(decisions: ReadonlyArray<Decision>, nodes: ReadonlyMap<string, StateNode>) {
  for (const { action, candidate, message, reason } of decisions) {
    const state = nodes.get(candidate.name)
    if (state === undefined) continue
    if (action === "block") {
      const dedupe = passing.includes(reason) ? [] : [reason]
      yield* tell(state, { reason: "DisruptionBlocked", message, dedupe, dedupeFor: "2 minutes" })
    } else if (saidOfConsolidation.includes(reason)) yield* tell(state, unconsolidatable(message))
  }
})

/** Nodes that go one after the other use a budget up too, each for as long as its replacement takes: that is no news. */
const usedUpForMillis = 5 * 60_000

const exhausted = ({ allowed, disrupting, nodes }: Budgeted, reason: DisruptionReason): Told => {
  const none = `No allowed disruptions for disruption reason ${reason}`
  if (allowed === 0) {
    return { reason: "DisruptionBlocked", message: `${none} due to blocking budget`, dedupe: [reason], dedupeFor: "1 minute" }
  }
  const used = `${allowed} of ${allowed} allowed are used, by nodes that go or are not ready (${disrupting} of ${nodes})`
  return { reason: "DisruptionBlocked", message: `${none}: ${used}`, dedupe: [reason, "used"], dedupeFor: "15 minutes" }
}

/** On NodePools whose nodes would go, and whose budgets allow none of them to, or have been used up for long. */
export const reportExhausted = Effect.fnUntraced(function*(
  budgets: ReadonlyArray<Budgeted>, since: UsedUp, { nodePools, nowMillis }: View, reason: DisruptionReason
) {
  for (const budget of budgets) {
    const from = since.get(budget.name)
    if (budget.nodes === 0 || from === undefined) continue
    if (budget.allowed > 0 && nowMillis - from < usedUpForMillis) continue
    yield* tellPool(nodePools.get(budget.name), exhausted(budget, reason))
  }
})

/** On a NodePool with a fixed number of nodes whose limit is no higher: a replacement of a drifted node would exceed it. */
export const reportNoPlace = (pool: NodePool, limit: number) => tellPool(pool, {
  reason: "DisruptionBlocked",
  message: `Drifted nodes are not replaced: limits.nodes is ${limit} and spec.replicas ${pool.spec.replicas}, ` +
    "which leaves no place for a replacement. Raise limits.nodes, or delete drifted NodeClaims by hand",
  dedupe: ["limits.nodes"],
  dedupeFor: "15 minutes"
})

/** A NodePool is left alone for a while; until when, in milliseconds. */
export interface Rest {
  readonly until: number
  readonly why: string
}

/** On a NodePool whose nodes would go if the last time had not failed. */
export const reportResting = Effect.fnUntraced(function*(
  pool: NodePool | undefined, { until: untilMillis, why }: Rest, reason: "Drifted" | "Underutilized"
) {
  const until = new Date(untilMillis).toISOString()
  const told: Told = reason === "Underutilized"
    ? unconsolidatable(`Not consolidated until ${until}: ${why}`)
    : { reason: "DisruptionBlocked", message: `Drifted nodes are not replaced until ${until}: ${why}` }
  yield* tellPool(pool, { ...told, dedupe: [until], dedupeFor: "15 minutes" })
})

/** On a node that is not replaced, as some of its pods would have no place. */
export const reportBlocked = (state: StateNode, stuck: ReadonlyArray<string>) => tell(state, {
  reason: "DisruptionBlocked",
  message: `Not all pods would schedule, ${stuck.slice(0, 5).join("; ")}${stuck.length > 5 ? ` and ${stuck.length - 5} more` : ""}`,
  dedupe: ["NoPlace"],
  dedupeFor: "2 minutes"
})

/** What a search says of nodes that nobody else explains; the budget is told on the NodePool. */
const saidOfKept: ReadonlyArray<KeptReason> = [
  "PodHasNoOtherPlace", "NoCheaperPlacement", "SavingsTooSmall", "NotWorthDisruption", "SpotToSpot"
]

export const reportKept = Effect.fnUntraced(function*(kept: ReadonlyArray<Kept>, { byName }: View) {
  for (const { message, node, reason } of kept) {
    const state = byName.get(node)
    if (state !== undefined && saidOfKept.includes(reason)) yield* tell(state, unconsolidatable(message))
  }
})

const eachNode = Effect.fnUntraced(function*(command: Command, told: Told) {
  for (const node of command.nodes) yield* tell(node, told)
})

/** What is going to be done unless something changes within the next seconds. */
export const reportCandidate = (command: Command) =>
  eachNode(command, { reason: "ConsolidationCandidate", message: describe(command), dedupe: [describe(command)] })

/**
 * Why what was planned is not done: a node is needed or gone, its NodePool's budget is used up, or its pods have no place any
 * more.
 */
export type Rejection = "churn" | "budget" | "scheduling"

export const reportRejected = (command: Command, why: Rejection) => eachNode(command, {
  reason: "ConsolidationRejected", message: `${describe(command)} rejected: ${why}`, dedupe: [describe(command), why]
})

/** Where the policy is Balanced: on the node where it is one, else on its NodePool. */
export const reportApproved = Effect.fnUntraced(function*(command: Command, view: View, scores: ReadonlyArray<Score>) {
  for (const { nodePool, score } of scores) {
    const message = `${describe(command)} approved: score ${score.toFixed(2)}, threshold ${threshold.toFixed(2)}`
    const [only, ...more] = command.nodes
    if (only !== undefined && more.length === 0) yield* tell(only, { reason: "ConsolidationApproved", message })
    else yield* tellPool(view.nodePools.get(nodePool), { reason: "ConsolidationApproved", message })
  }
})
