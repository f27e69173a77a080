import type { Budget } from "../problem.ts"
import type { Consolidation, ConsolidationProblem } from "./contract.ts"

/** As `consolidating`, at one go. */
export const consolidate = (problem: ConsolidationProblem, budget?: Budget): Consolidation => {
  const search = consolidating(problem, budget)
  for (;;) {
    const { done, value } = search.next()
    if (done === true) return value
  }
}

/**
 * Which nodes to take away now, and what to buy instead. A generator that does a few milliseconds of work at a time: whoever has other
 * things to do calls `next` until its own time is up, and goes on later.
 *
 * Pure and deterministic: equal problems and steps have equal answers. The budget's steps are probes; `isSpent` is asked between
 * them.
 */
export function* consolidating(problem: ConsolidationProblem, _budget: Budget = { steps: Infinity }): Generator<void, Consolidation> {
  yield
  const hourlyPrice = problem.candidates.reduce((sum, candidate) => sum + candidate.hourlyPrice, 0)
  const nodes = problem.candidates.length
  return {
    command: undefined,
    kept: problem.blocked ?? [],
    totals: { before: { nodes, hourlyPrice }, after: { nodes, hourlyPrice, lowerBound: 0 } }
  }
}
