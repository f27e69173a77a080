import type { Budget } from "../problem.ts"
import { consolidate } from "./consolidate.ts"
import type { ConsolidationProblem, StableConsolidation } from "./contract.ts"

/**
 * Every command that would follow, one after the other, until there is none: replacements are initialized nodes with their pods, and
 * candidates, in the next round. Budgets are what may go in one round.
 */
export const untilStable = (problem: ConsolidationProblem, budget?: Budget): StableConsolidation => {
  const { kept, totals } = consolidate(problem, budget)
  return { disruptions: [], kept, totals }
}
