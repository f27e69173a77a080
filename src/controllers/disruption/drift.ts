/**
 * Which nodes are to be replaced because they are not what would be made now, and in what order (Karpenter's
 * disruption/drift.go). Pure.
 */
import type { Pool } from "./budget.ts"
import type { Candidate } from "./candidate.ts"
import { eligibility, keep } from "./eligibility.ts"
import type { Decision, Verdict } from "./eligibility.ts"

const worthwhile = (candidate: Candidate, pool: Pool, isStatic: boolean): Verdict | undefined => {
  if (candidate.driftedSince === undefined) return keep("NotDrifted", "The node is what would be made now")
  if (pool.isStatic && !isStatic) return keep("StaticNodePool", "The NodePool has a fixed number of nodes")
  if (!pool.isStatic && isStatic) return keep("DynamicNodePool", "The NodePool has no fixed number of nodes")
  return undefined
}

/** Empty ones first, as their replacement disturbs nobody; then those that drifted first; of equals the first by name. */
const inTurn = (a: Candidate, b: Candidate): number =>
  Number(a.reschedulable > 0) - Number(b.reschedulable > 0) ||
  (a.driftedSince ?? 0) - (b.driftedSince ?? 0) ||
  (a.name < b.name ? -1 : 1)

/** One decision for each candidate, in the order in which they go; those of dynamic NodePools, or those of static ones. */
export const drift = (input: {
  readonly candidates: ReadonlyArray<Candidate>
  readonly pools: ReadonlyMap<string, Pool>
  readonly isStatic: boolean
}): ReadonlyArray<Decision> => input.candidates.toSorted(inTurn).map((candidate): Decision => {
  const pool = input.pools.get(candidate.nodePool ?? "")
  const no = eligibility(candidate, pool, "eventual") ??
    (pool === undefined ? undefined : worthwhile(candidate, pool, input.isStatic))
  if (no !== undefined) return { ...no, candidate }
  if ((pool?.remaining ?? 0) <= 0) {
    return { ...keep("Budget", `No allowed disruptions left for reason Drifted in NodePool "${candidate.nodePool}"`), candidate }
  }
  return { action: "disrupt", reason: "Drifted", message: "Drifted", candidate }
})
