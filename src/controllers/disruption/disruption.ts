/**
 * `disruption`: every ten seconds asks its methods in turn what may go, and begins the first thing that one of them says
 * (Karpenter's disruption/controller.go). What waits for replacements is seen through by the queue beside it.
 */
import { Clock, Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { done, requeueAfter, runSingleton } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { Settings } from "../../settings/settings.ts"
import { usedUpSince } from "./budget.ts"
import type { UsedUp } from "./budget.ts"
import { makeConsolidation } from "./consolidation.ts"
import type { Command } from "./command.ts"
import { driftMethod } from "./driftMethod.ts"
import { chosen } from "./eligibility.ts"
import { emptinessMethod } from "./emptinessMethod.ts"
import { look } from "./look.ts"
import type { View } from "./look.ts"
import { isMarked, unmark } from "./mark.ts"
import { makeMemory } from "./memory.ts"
import type { Memory } from "./memory.ts"
import type { Method } from "./method.ts"
import { disruptionMetrics } from "./metrics.ts"
import { disruptionQueue } from "./queue.ts"
import { reportDecisions, reportExhausted } from "./report.ts"
import { start } from "./start.ts"
import { staticDrift } from "./staticDrift.ts"

const pollEvery = "10 seconds"

export type DisruptionServices = Caches | CloudProvider | Cluster | Kube | Metrics | Recorder | Settings

const isOurMark = oncePer(({ claim, markedForDeletion, node }: StateNode): boolean =>
  claim !== undefined && node !== undefined && !markedForDeletion && isMarked(node, claim))

/**
 * Takes the taint and the reason off machines that nobody deletes and that wait for no replacement: what a stop half way leaves
 * behind. What is then to be done is decided anew.
 */
const heal = Effect.fnUntraced(function*(nodes: ReadonlyArray<StateNode>, { seen }: Memory) {
  // What waits in vain is called off by the queue.
  const queued = new Set([...seen.values()].flatMap(({ claims }) => claims.map(({ uid }) => uid)))
  for (const state of nodes) {
    const { claim, name, node } = state
    if (claim === undefined || !isOurMark(state)) continue
    if (queued.has(claim.metadata.uid ?? "")) continue
    // One that cannot be written does not hold up the others: the next pass looks at it again.
    yield* unmark(node, claim).pipe(Effect.catch((error) =>
      Effect.logInfo("could not remove the disruption taint, trying again", { Node: { name }, error: error.message })))
  }
})

/** Those of the commands whose nodes may still go, all of them. */
const current = (commands: ReadonlyArray<Command>, method: Method, now: View): ReadonlyArray<Command> => {
  const may = new Set(chosen(method.decide(now)).map(({ name }) => name))
  return commands.flatMap((command) => {
    const nodes = command.nodes.flatMap(({ name }) => may.has(name) ? now.byName.get(name) ?? [] : [])
    return nodes.length < command.nodes.length ? [] : [{ ...command, nodes }]
  })
}

/** One method's turn. True where something was begun. `usedUp` is what it saw of the budgets the last time. */
const turn = Effect.fnUntraced(function*(method: Method, memory: Memory, usedUp: Map<Method, UsedUp>) {
  const { consolidationType, reason } = method
  const metrics = disruptionMetrics(yield* Metrics)
  const startedAt = yield* Clock.currentTimeMillis
  const view = yield* look
  const decisions = method.decide(view)
  const eligible = chosen(decisions).length
  metrics.eligible.set({ reason: reason.toLowerCase() }, eligible)
  yield* reportDecisions(decisions, view.byName)
  const wanted = new Set(decisions.filter((decision) => decision.action === "disrupt" || decision.reason === "Budget")
    .map(({ candidate }) => candidate.nodePool))
  const budgets = [...view.pools(reason).values()].filter(({ name }) => wanted.has(name))
  const since = usedUpSince(usedUp.get(method) ?? new Map(), budgets, view.nowMillis)
  usedUp.set(method, since)
  yield* reportExhausted(budgets, since, view, reason)
  metrics.evaluation.observe(
    { reason: reason.toLowerCase(), consolidation_type: consolidationType }, ((yield* Clock.currentTimeMillis) - startedAt) / 1000
  )
  const commands = yield* method.compute(view, decisions, memory)
  if (commands.length === 0) return false
  // To compute took its time: what was decided must hold for what is there by now.
  const now = yield* look
  const begun = yield* Effect.forEach(current(commands, method, now), (command) => start(command, now, memory).pipe(
    Effect.as(true),
    Effect.catch(({ message: error }) => Effect.logInfo("could not disrupt node(s), trying again", { error }).pipe(Effect.as(false)))
  ), { concurrency: "unbounded" })
  return begun.some((one) => one)
})

const loop = Effect.fnUntraced(function*(memory: Memory) {
  const caches = yield* Caches
  const cluster = yield* Cluster
  const metrics = disruptionMetrics(yield* Metrics)
  for (const type of ["multi", "single"]) metrics.timeouts.inc({ consolidation_type: type }, 0)
  const usedUp = new Map<Method, UsedUp>()
  const methods: ReadonlyArray<Method> = [emptinessMethod, staticDrift, driftMethod, yield* makeConsolidation]
  return yield* runSingleton({
    name: "disruption",
    backoff: { base: "1 second", max: "1 minute" },
    reconcile: Effect.gen(function*() {
      yield* cluster.synced
      if (caches.store(NodeClaims).list().length === 0) return requeueAfter(pollEvery)
      yield* heal(yield* cluster.nodes, memory)
      for (const method of methods) if (yield* turn(method, memory, usedUp)) return done
      return requeueAfter(pollEvery)
    })
  })
})

/** Runs the controller until it is interrupted. */
export const disruption: Effect.Effect<never, never, DisruptionServices> = Effect.suspend(() => {
  const memory = makeMemory()
  return Effect.all([loop(memory), disruptionQueue(memory)], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
})
