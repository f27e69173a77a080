/**
 * Consolidation: takes nodes away whose pods fit elsewhere, or in cheaper nodes. One search stands for Karpenter's multi-node
 * and single-node methods; what it finds is called by the number of nodes that go (Karpenter's disruption/consolidation.go,
 * balanced.go, validation.go).
 */
import { Clock, Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { Caches } from "../../kube/caches.ts"
import { PodDisruptionBudgets, Pods } from "../../kube/resources.ts"
import { inSlices } from "../../runtime/inSlices.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { consolidating } from "../../scheduling/consolidation/consolidate.ts"
import type { Consolidation, Disruption } from "../../scheduling/consolidation/contract.ts"
import type { NewNode } from "../../scheduling/plan.ts"
import { negligible } from "../../scheduling/search/packing.ts"
import { participants } from "../provisioning/nodePools.ts"
import type { Participants } from "../provisioning/nodePools.ts"
import type { Command } from "./command.ts"
import { consolidationProblem, isTooYoung } from "./consolidationProblem.ts"
import { chosen } from "./eligibility.ts"
import type { Decision } from "./eligibility.ts"
import { look } from "./look.ts"
import type { View } from "./look.ts"
import type { Memory } from "./memory.ts"
import { validateAfter } from "./method.ts"
import type { Method } from "./method.ts"
import { disruptionMetrics } from "./metrics.ts"
import { reportApproved, reportCandidate, reportKept, reportRejected } from "./report.ts"
import type { Rejection, Rest } from "./report.ts"
import { restingPools } from "./restingPools.ts"
import { countJudged, scoresOf } from "./score.ts"
import { simulate } from "./simulate.ts"
import { underutilized } from "./underutilized.ts"

/** How long a search may take. */
const mostNanos = 60_000_000_000n
/** Where it ends though its time is not up: sets of nodes that are packed. */
const mostSteps = 20_000
/** When everything is looked at again though nothing seems to have changed. */
const memoryMillis = 5 * 60_000

const decide = (view: View): ReadonlyArray<Decision> =>
  underutilized({ candidates: view.candidates, pools: view.pools("Underutilized") })

const costOf = (nodes: ReadonlyArray<NewNode>): number => nodes.reduce((sum, { hourlyPrice }) => sum + hourlyPrice, 0)

const typeOf = ({ remove }: Disruption): "multi" | "single" => remove.length > 1 ? "multi" : "single"

const commandOf = (disruption: Disruption, view: View): Command => {
  const made = new Set(disruption.replace.map(({ name }) => name))
  return {
    reason: "Underutilized",
    consolidationType: typeOf(disruption),
    nodes: disruption.remove.flatMap((name) => view.byName.get(name) ?? []),
    replacements: disruption.replace.map((node) => ({ kind: "planned", node })),
    moves: new Map([...Map.groupBy(disruption.moves.filter(({ to }) => !made.has(to)), ({ to }) => to)]
      .map(([to, moves]) => [to, moves.map(({ pod }) => pod)])),
    savings: disruption.hourlySavings
  }
}

/** Why a NodePool is left alone for now, and for how long; undefined where it is not. */
const restOf = ({ aftermath, backoff }: Memory, nodePool: string, nowMillis: number): Rest | undefined => {
  const unplanned = aftermath.waitsUntil(nodePool, nowMillis)
  if (unplanned !== undefined) return { until: unplanned, why: "a node had to be bought for pods that its last consolidation moved" }
  const failed = backoff.waitsUntil("Underutilized", nodePool, nowMillis)
  return failed === undefined ? undefined : { until: failed, why: "the replacement that its last consolidation needed did not come up" }
}

const search = Effect.fnUntraced(function*(view: View, decisions: ReadonlyArray<Decision>, choice: Participants, memory: Memory) {
  const clock = yield* Clock.Clock
  const metrics = disruptionMetrics(yield* Metrics)
  const isHeld = (nodePool: string) => restOf(memory, nodePool, view.nowMillis) !== undefined
  const problem = yield* consolidationProblem(view, chosen(decisions), choice, isHeld)
  const end = clock.monotonicTimeNanosUnsafe() + mostNanos
  const isSpent = () => clock.monotonicTimeNanosUnsafe() >= end
  const found: Consolidation = yield* inSlices(consolidating(problem, { steps: mostSteps, isSpent }))
  if (isSpent()) metrics.timeouts.inc({ consolidation_type: found.command === undefined ? "multi" : typeOf(found.command) })
  return found
})

type Validation = { readonly command: Command; readonly view: View } | { readonly rejected: Rejection }

const sameNodes = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i])

/** Whether what was planned may be bought for what is needed now. */
const covers = (planned: ReadonlyArray<NewNode>, needed: ReadonlyArray<NewNode>): boolean => {
  const [plan, need] = [planned[0], needed[0]]
  if (planned.length !== needed.length || planned.length > 1) return false
  if (plan === undefined || need === undefined) return true
  return plan.nodePool === need.nodePool && plan.instanceTypeOptions.every((type) => need.instanceTypeOptions.includes(type))
}

/** Whether its nodes may go no more, or not so many of them. */
const objection = (planned: Disruption, view: View, decisions: ReadonlyArray<Decision>): Rejection | undefined => {
  const still = new Map(chosen(decisions).map((candidate) => [candidate.name, candidate]))
  if (planned.remove.some((name) => !still.has(name))) return "churn"
  const byPool = Map.groupBy(planned.remove, (name) => still.get(name)?.nodePool ?? "")
  const pools = view.pools("Underutilized")
  for (const [pool, names] of byPool) if (names.length > (pools.get(pool)?.remaining ?? 0)) return "budget"
  return undefined
}

/** What is to be done of what was planned, as its pods have places now. */
const replanned = Effect.fnUntraced(function*(
  planned: Disruption, view: View, decisions: ReadonlyArray<Decision>, choice: Participants, memory: Memory
) {
  const nodes = planned.remove.flatMap((name) => view.byName.get(name) ?? [])
  const { moves, replacements, stuck } = yield* simulate(view, nodes, choice, (node) => isTooYoung(node, view))
  if (stuck.length === 0 && covers(planned.replace, replacements)) return { ...commandOf(planned, view), moves }
  // What the packer finds in one go may be worse than what a search finds: where nothing has changed it finds the same again.
  const { command } = yield* search(view, decisions, choice, memory)
  if (command === undefined || !sameNodes(command.remove, planned.remove)) return undefined
  return costOf(command.replace) > costOf(planned.replace) + negligible ? undefined : commandOf(command, view)
})

/** Looks once more, and whether the nodes may go also after that: everything may have changed meanwhile. */
const validate = Effect.fnUntraced(function*(planned: Disruption, memory: Memory) {
  const rejected = (why: Rejection): Validation => ({ rejected: why })
  const view = yield* look
  const decisions = decide(view)
  const before = objection(planned, view, decisions)
  if (before !== undefined) return rejected(before)
  const command = yield* replanned(planned, view, decisions, yield* participants, memory)
  if (command === undefined) return rejected("scheduling")
  const now = yield* look
  const after = objection(planned, now, decide(now))
  if (after !== undefined) return rejected(after)
  const ok: Validation = { view: now, command }
  return ok
})

/** What a fruitless search depended on: as long as it is the same, so is the answer. */
interface Memo {
  readonly at: number
  readonly seen: ReadonlyArray<unknown>
}

/** Remembers the last fruitless search. */
export const makeConsolidation: Effect.Effect<Method> = Effect.sync(() => {
  let memo: Memo | undefined

  const seenNow = Effect.fnUntraced(function*(view: View, decisions: ReadonlyArray<Decision>, memory: Memory) {
    const caches = yield* Caches
    const seen: ReadonlyArray<unknown> = [
      caches.store(Pods).list(), caches.store(NodeClaims).list(), caches.store(NodePools).list(),
      caches.store(PodDisruptionBudgets).list(), ...view.types.values(),
      [...view.pools("Underutilized").values()].map(({ name, remaining }) =>
        `${name}=${remaining},${restOf(memory, name, view.nowMillis) !== undefined}`).join(" "),
      chosen(decisions).map(({ name }) => name).join(" ")
    ]
    return seen
  })
  const isSame = (seen: ReadonlyArray<unknown>, now: number): boolean => memo !== undefined && now - memo.at < memoryMillis &&
    memo.seen.length === seen.length && seen.every((one, i) => one === memo?.seen[i])

  return {
    reason: "Underutilized",
    consolidationType: "multi",
    decide,
    compute: Effect.fnUntraced(function*(view, decisions, memory) {
      yield* memory.aftermath.judge(view.nodes, view.nodePools, view.nowMillis)
      const wanted = chosen(decisions)
      if (wanted.length === 0) return []
      yield* restingPools(wanted, view, "Underutilized", (nodePool) => restOf(memory, nodePool, view.nowMillis))
      const seen = yield* seenNow(view, decisions, memory)
      if (isSame(seen, view.nowMillis)) return []
      const metrics = disruptionMetrics(yield* Metrics)
      const choice = yield* participants
      const { command: planned, kept } = yield* search(view, decisions, choice, memory)
      yield* reportKept(kept, view)
      countJudged(metrics, "rejected", view, kept.filter(({ reason }) => reason === "NotWorthDisruption").map(({ node }) => [node]))
      if (planned === undefined) {
        memo = { at: view.nowMillis, seen }
        return []
      }
      memo = undefined
      const first = commandOf(planned, view)
      if (planned.replace.length > 0) yield* reportCandidate(first)
      yield* Effect.sleep(validateAfter)
      const validation = yield* validate(planned, memory)
      if ("rejected" in validation) {
        if (validation.rejected !== "scheduling") {
          metrics.failedValidations.inc({ consolidation_type: typeOf(planned) }, planned.remove.length)
        }
        yield* reportRejected(first, validation.rejected)
        return []
      }
      const { command } = validation
      countJudged(metrics, "approved", validation.view, [planned.remove])
      const scores = yield* inSlices(scoresOf(command, validation.view))
      for (const { nodePool, score } of scores) {
        metrics.score.observe({ decision: "approved", nodepool: nodePool, policy: "Balanced" }, score)
      }
      yield* reportApproved(command, validation.view, scores)
      return [command]
    })
  }
})
