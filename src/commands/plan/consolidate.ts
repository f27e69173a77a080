/** From documents to the commands that would take nodes away, with all that a person has to know about how they came to be. */
import { Clock, Effect } from "effect"
import { consolidate as decide } from "../../scheduling/consolidation/consolidate.ts"
import type { ConsolidationTotals, Disruption, Kept } from "../../scheduling/consolidation/contract.ts"
import { untilStable } from "../../scheduling/consolidation/untilStable.ts"
import { solve } from "../../scheduling/index.ts"
import type { Problem } from "../../scheduling/index.ts"
import { millis } from "./answer.ts"
import type { BadInput } from "./badInput.ts"
import type { Catalog } from "./catalog.ts"
import type { Document } from "./documents.ts"
import { askedBy } from "./makePlan.ts"
import type { Asked } from "./makePlan.ts"
import type { ConsolidateOptions, PlanOptions } from "./options.ts"
import { removableOf } from "./removable.ts"
import type { Empty, Removable } from "./removable.ts"

export interface Consolidated extends Asked {
  /** In the order in which they would be carried out. The nodes that they buy have names of their own, which later ones use. */
  readonly disruptions: ReadonlyArray<Disruption>
  readonly kept: ReadonlyArray<Kept>
  /** Of every node with a known price. */
  readonly totals: ConsolidationTotals
  readonly elapsedMs: number
  /** Pods that wait and have no place, whatever is taken away. */
  readonly unplaced: number
}

/** Sets of nodes that are packed before a search ends, as for the controller. */
const mostSteps = 20_000

/** Enough to find a place for pods that the first plan has none for. */
const fewSteps = 1000

const emptied = (round: ReadonlyArray<Empty>): Disruption => ({
  reason: "Empty",
  remove: round.map(({ name }) => name).toSorted(),
  replace: [],
  moves: [],
  hourlySavings: priceOf(round),
  podsMoved: 0
})

const priceOf = (nodes: ReadonlyArray<Empty>): number => nodes.reduce((sum, { hourlyPrice }) => sum + hourlyPrice, 0)

/** Names of replacements are unique within a command only. */
const named = (disruption: Disruption, round: number): Disruption => {
  const names = new Map(disruption.replace.map(({ name }) => [name, `${name}-${round}`]))
  return {
    ...disruption,
    replace: disruption.replace.map((node) => ({ ...node, name: names.get(node.name)! })),
    moves: disruption.moves.map((move) => ({ ...move, to: names.get(move.to) ?? move.to }))
  }
}

/**
 * A price below which nothing can be: what nodes cost that stay anyway, and, where every price is known, what the pods of the others
 * cost at least.
 */
const boundOf = ({ fixed: { hourlyPrice, unpriced } }: Removable, ofCandidates: number): number =>
  unpriced > 0 ? hourlyPrice : Math.max(hourlyPrice, ofCandidates)

const totalsOf = (removable: Removable, { after, before }: ConsolidationTotals): ConsolidationTotals => {
  const { fixed } = removable
  const empty = removable.empty.flat()
  return {
    before: {
      nodes: before.nodes + fixed.nodes + empty.length, hourlyPrice: before.hourlyPrice + fixed.hourlyPrice + priceOf(empty)
    },
    after: {
      nodes: after.nodes + fixed.nodes,
      hourlyPrice: after.hourlyPrice + fixed.hourlyPrice,
      lowerBound: boundOf(removable, after.lowerBound)
    }
  }
}

export const makeConsolidation = Effect.fnUntraced(function*(
  documents: ReadonlyArray<Document>, catalog: Catalog | undefined, options: PlanOptions, how: ConsolidateOptions
): Effect.fn.Return<Consolidated, BadInput> {
  const { inventory, nowMillis, shop, ...asked } = yield* askedBy(documents, catalog, options)
  const { question } = asked
  const clock = yield* Clock.Clock
  const begin = clock.monotonicTimeNanosUnsafe()
  const end = begin + BigInt(options.searchMillis) * 1_000_000n
  const budget = { steps: mostSteps, isSpent: () => clock.monotonicTimeNanosUnsafe() >= end }
  const removable = removableOf(question, inventory, shop, nowMillis, how)
  const found = how.untilStable ? untilStable(removable.problem, budget) : once(removable, budget)
  const elapsedMs = millis(begin, clock.monotonicTimeNanosUnsafe())
  return {
    ...asked,
    disruptions: [...removable.empty.map(emptied), ...found.disruptions.map((disruption, i) => named(disruption, i + 1))],
    kept: found.kept,
    totals: totalsOf(removable, found.totals),
    elapsedMs,
    unplaced: question.refused.length + unplacedOf(question.problem)
  }
})

/** The first plan may lack a place that a few steps find. */
const unplacedOf = (problem: Problem): number => {
  const solution = solve(problem)
  return solution.first.unschedulable.length === 0 ? 0 : solution.improve({ steps: fewSteps }).unschedulable.length
}

const once = ({ problem }: Removable, budget: Parameters<typeof decide>[1]) => {
  const { command, ...others } = decide(problem, budget)
  return { ...others, disruptions: command === undefined ? [] : [command] }
}
