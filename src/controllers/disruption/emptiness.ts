/**
 * Which nodes may go because nothing needs them (Karpenter's disruption/types.go, emptiness.go). Pure: it is asked once to
 * find them, and a second time, after a wait, whether they still may.
 */
import type { Pool } from "./budget.ts"
import type { Candidate } from "./candidate.ts"
import { eligibility, isEmpty, keep } from "./eligibility.ts"
import type { Decision, Verdict } from "./eligibility.ts"

const worthwhile = (candidate: Candidate, pool: Pool): Verdict | undefined => {
  if (pool.isStatic) return keep("StaticNodePool", "The NodePool has a fixed number of nodes")
  if (pool.never) return keep("ConsolidationDisabled", `NodePool "${pool.name}" has consolidation disabled`)
  if (!isEmpty(candidate)) return keep("NotEmpty", `${candidate.reschedulable} pod(s) would need another node`)
  if (candidate.bufferRoom === true) return keep("BufferRoom", "The node holds room for a capacity buffer")
  if (candidate.bufferRoom === "unknown") return keep("BufferRoomUnknown", "Room for capacity buffers was not looked for yet")
  if (candidate.awaited === true) return keep("Awaited", "The node replaces one whose pods have not left yet")
  if (!candidate.consolidatable) return keep("NotConsolidatable", "The node has not been quiet for long enough")
  return undefined
}

/** What it costs against what it disturbs: the higher, the sooner it goes. Of equals the first by name. */
export const bySavingsRatio = (a: Candidate, b: Candidate): number =>
  b.price / b.disruptionCost - a.price / a.disruptionCost || (a.name < b.name ? -1 : 1)

/** One decision for each candidate. Of the empty nodes the dearest go first, as many as their pool's budget leaves. */
export const emptiness = (input: {
  readonly candidates: ReadonlyArray<Candidate>
  readonly pools: ReadonlyMap<string, Pool>
}): ReadonlyArray<Decision> => {
  const left = new Map([...input.pools.values()].map((pool) => [pool.name, pool.remaining]))
  return input.candidates
    .toSorted(bySavingsRatio)
    .map((candidate): Decision => {
      const pool = input.pools.get(candidate.nodePool ?? "")
      const no = eligibility(candidate, pool, "graceful") ?? (pool === undefined ? undefined : worthwhile(candidate, pool))
      if (no !== undefined) return { ...no, candidate }
      const budget = left.get(candidate.nodePool ?? "") ?? 0
      if (budget <= 0) {
        const message = `No allowed disruptions left for reason Empty in NodePool "${candidate.nodePool}"`
        return { ...keep("Budget", message), candidate }
      }
      left.set(candidate.nodePool ?? "", budget - 1)
      return { action: "disrupt", reason: "Empty", message: "Empty", candidate }
    })
}
