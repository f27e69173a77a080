/** Which nodes consolidation may take away or replace (Karpenter's disruption/types.go, disruption/consolidation.go). Pure. */
import type { Pool } from "./budget.ts"
import type { Candidate } from "./candidate.ts"
import { bySavingsRatio } from "./emptiness.ts"
import { eligibility, isEmpty, keep } from "./eligibility.ts"
import type { Decision, Verdict } from "./eligibility.ts"

const worthwhile = (candidate: Candidate, pool: Pool): Verdict | undefined => {
  if (pool.isStatic) return keep("StaticNodePool", "The NodePool has a fixed number of nodes")
  if (candidate.unpriced !== undefined) return keep("Unpriced", candidate.unpriced)
  if (pool.never) return keep("ConsolidationDisabled", `NodePool "${pool.name}" has consolidation disabled`)
  if (isEmpty(candidate)) return keep("IsEmpty", "The node is empty")
  if (pool.policy === "WhenEmpty") {
    return keep("NonEmptyConsolidationDisabled", `NodePool "${pool.name}" has non-empty consolidation disabled`)
  }
  if (candidate.awaited === true) return keep("Awaited", "The node replaces one whose pods have not left yet")
  if (!candidate.consolidatable) return keep("NotConsolidatable", "The node has not been quiet for long enough")
  return undefined
}

/** One decision for each candidate; how many of those that may go do go is for the search and the budgets to say. */
export const underutilized = (input: {
  readonly candidates: ReadonlyArray<Candidate>
  readonly pools: ReadonlyMap<string, Pool>
}): ReadonlyArray<Decision> => input.candidates.toSorted(bySavingsRatio).map((candidate): Decision => {
  const pool = input.pools.get(candidate.nodePool ?? "")
  const no = eligibility(candidate, pool, "graceful") ?? (pool === undefined ? undefined : worthwhile(candidate, pool))
  return no === undefined
    ? { action: "disrupt", reason: "Underutilized", message: "Underutilized", candidate }
    : { ...no, candidate }
})
