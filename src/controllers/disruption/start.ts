/**
 * Begins a disruption. The nodes are marked first; then the replacements are made, or, where none are needed, the claims deleted.
 * What fails half way is taken back at once, and if even that fails, or the process ends, by the next pass.
 */
import { Data, Effect, Random } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isToGo, replacingAnnotations } from "../../cluster/replacements.ts"
import type { Replacing } from "../../cluster/replacements.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { deleteClaim } from "../nodeclaim/removeClaim.ts"
import { createClaims } from "../provisioning/create.ts"
import { createClaim } from "../provisioning/createClaim.ts"
import { nominationWindow } from "../provisioning/nomination.ts"
import { Settings } from "../../settings/settings.ts"
import { decisionOf, describe, nodePoolsOf } from "./command.ts"
import type { Command } from "./command.ts"
import type { View } from "./look.ts"
import { mark, unmark } from "./mark.ts"
import type { Memory } from "./memory.ts"
import { disruptionMetrics } from "./metrics.ts"
import { takeAway } from "./takeAway.ts"

/** Not all that a disruption needs could be written. */
export class NotStarted extends Data.TaggedError("NotStarted")<{ readonly message: string }> {}

/** Requests that are under way at a time. */
const atOnce = 10

const newId = Effect.map(
  Effect.all([Random.nextIntBetween(0, 0xffffffff), Random.nextIntBetween(0, 0xffffffff)]),
  (parts) => parts.map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("-")
)

export const unmarkAll = (nodes: ReadonlyArray<StateNode>) => Effect.forEach(nodes, ({ claim, name, node }) =>
  claim === undefined ? Effect.void : unmark(node, claim).pipe(
    Effect.catch((error) => Effect.logInfo("could not remove the disruption taint, trying again", { Node: { name }, error: error.message }))
  ), { concurrency: atOnce, discard: true })

/** The nodes that could be marked; of others nothing is left. */
const markAll = Effect.fnUntraced(function*({ nodes, reason }: Command, at: string) {
  const marked = yield* Effect.forEach(nodes, (state) => {
    const { claim, node } = state
    if (claim === undefined || node === undefined) return Effect.succeed([])
    return mark(node, claim, reason, at).pipe(
      Effect.as([state]),
      Effect.catch((error) => Effect.logInfo("could not mark node for disruption", { Node: { name: state.name }, error: error.message })
        .pipe(Effect.andThen(unmarkAll([state])), Effect.as([])))
    )
  }, { concurrency: atOnce })
  return marked.flat()
})

const createReplacements = Effect.fnUntraced(function*({ nodes, reason, replacements }: Command, view: View, replacing: Replacing) {
  const metrics = yield* Metrics
  const annotations = replacingAnnotations(replacing)
  const planned = replacements.flatMap((one) => one.kind === "planned" ? [one.node] : [])
  // Those that will be deleted for sure make room too.
  const going = view.nodes.filter(({ claim }) => claim !== undefined && isToGo(claim))
  const created = yield* createClaims(planned, view.types, {
    reason: reason.toLowerCase(), annotations, insteadOf: new Set([...nodes, ...going].map(({ name }) => name))
  })
  const fixed = replacements.flatMap((one) => one.kind === "static" ? [one.claim] : [])
  const made = yield* Effect.forEach(fixed, (claim) => {
    const { metadata } = claim
    const whole = { ...claim, metadata: { ...metadata, annotations: { ...metadata.annotations, ...annotations } } }
    return createClaim(whole).pipe(
      Effect.tap(({ metadata: { labels } }) => Effect.sync(() => metrics.counter(
        "karpenter_nodeclaims_created_total",
        "Number of nodeclaims created in total by Karpenter.",
        ["reason", "nodepool", "min_values_relaxed"]
      ).inc({ reason: reason.toLowerCase(), nodepool: labels?.["karpenter.sh/nodepool"] ?? "", min_values_relaxed: "false" }))),
      Effect.map((one) => [one]),
      Effect.catch((error) => Effect.logError("could not create nodeclaim", { error: error.message }).pipe(Effect.as([])))
    )
  }, { concurrency: atOnce })
  const claims: ReadonlyArray<NodeClaim> = [...created.map(({ claim }) => claim), ...made.flat()]
  return claims
})

/** Pods that move to nodes which are there find them there: nobody else takes these nodes away meanwhile. */
const nominate = Effect.fnUntraced(function*({ moves }: Command, view: View) {
  const cluster = yield* Cluster
  const window = nominationWindow(yield* Settings)
  for (const name of moves.keys()) {
    const node = view.byName.get(name)
    if (node !== undefined) yield* cluster.nominate(nominationKey(node), window)
  }
})

/** Fails where nothing was begun. */
export const start = Effect.fnUntraced(function*(command: Command, view: View, memory: Memory) {
  const { consolidationType, nodes, reason, replacements } = command
  const id = yield* newId
  const at = yield* isoNow
  yield* Effect.logInfo("disrupting node(s)", {
    "command-id": id,
    command: describe(command),
    reason: reason.toLowerCase(),
    decision: decisionOf(command),
    "disrupted-node-count": nodes.length,
    "replacement-node-count": replacements.length,
    nodes: nodes.map(({ claim, name }) => ({ Node: { name }, NodeClaim: { name: claim?.metadata.name } }))
  })
  const marked = yield* markAll(command, at)
  if (marked.length === 0 || (replacements.length > 0 && marked.length < nodes.length)) {
    yield* unmarkAll(marked)
    return yield* new NotStarted({ message: `marked ${marked.length} of ${nodes.length} nodes for disruption` })
  }
  if (replacements.length > 0) {
    memory.starting.add(id)
    const claims = marked.map(({ claim }) => ({ name: claim?.metadata.name ?? "", uid: claim?.metadata.uid ?? "" }))
    const replacing: Replacing = { id, reason, consolidationType, at, of: replacements.length, claims }
    const created = yield* createReplacements(command, view, replacing).pipe(
      Effect.ensuring(Effect.sync(() => memory.starting.delete(id)))
    )
    if (created.length < replacements.length) {
      yield* Effect.forEach(created, (claim) => deleteClaim(claim).pipe(Effect.ignore), { concurrency: atOnce, discard: true })
      yield* unmarkAll(marked)
      yield* memory.backoff.failed(reason, nodePoolsOf(command))
      return yield* new NotStarted({ message: `created ${created.length} of ${replacements.length} replacements` })
    }
    memory.seen.set(id, replacing)
  }
  if (reason === "Underutilized") memory.aftermath.consolidated(nodePoolsOf(command), nodes, view.nodes, Date.parse(at))
  yield* nominate(command, view)
  const metrics = disruptionMetrics(yield* Metrics)
  const labels = { decision: decisionOf(command), reason: reason.toLowerCase(), consolidation_type: consolidationType }
  metrics.decisions.inc(labels)
  for (const nodepool of nodePoolsOf(command)) metrics.decisionsByNodePool.inc({ nodepool, ...labels })
  if (replacements.length > 0) return
  yield* Effect.forEach(marked, (state) => state.claim === undefined ? Effect.void : takeAway(state.claim, reason, state).pipe(
    Effect.catch((error) => Effect.logInfo("could not disrupt node, trying again", { Node: { name: state.name }, error: error.message }))
  ), { concurrency: atOnce, discard: true })
})

