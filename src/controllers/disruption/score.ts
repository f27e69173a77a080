/** How the policy Balanced measures a consolidation (Karpenter's disruption/balanced.go). Pure. */
import { totallingOf } from "./consolidationProblem.ts"
import type { Command } from "./command.ts"
import type { View } from "./look.ts"
import type { disruptionMetrics } from "./metrics.ts"

export interface Score {
  readonly nodePool: string
  /** The share of the pool's cost that is saved against the share of it that is disturbed. */
  readonly score: number
}

/** What a command has to reach in each NodePool with the policy Balanced. */
export const threshold = 0.5

/** Of each NodePool with the policy Balanced; what is saved is shared out by what its nodes cost. Some nodes at a time. */
export function* scoresOf({ nodes, savings = 0 }: Command, view: View): Generator<void, ReadonlyArray<Score>> {
  const totals = yield* totallingOf(view)
  const known = new Map(view.candidates.map((candidate) => [candidate.name, candidate]))
  const priceOf = (name: string): number => known.get(name)?.price ?? 0
  const source = nodes.reduce((sum, { name }) => sum + priceOf(name), 0)
  return [...Map.groupBy(nodes, ({ nodePool }) => nodePool ?? "")].flatMap(([nodePool, own]) => {
    const total = totals[nodePool]
    if (total === undefined || total.hourlyPrice <= 0 || total.disruptionCost <= 0 || source <= 0) return []
    const saved = savings * own.reduce((sum, { name }) => sum + priceOf(name), 0) / source
    const disturbed = own.reduce((sum, { name }) => sum + (known.get(name)?.disruptionCost ?? 1), 0)
    return [{ nodePool, score: saved / total.hourlyPrice / (disturbed / total.disruptionCost) }]
  })
}

const policyOf = (view: View, nodePool: string): string =>
  view.pools("Underutilized").get(nodePool)?.policy ?? "WhenEmptyOrUnderutilized"

/** Counts consolidations, each given by the names of its nodes, once for each of their NodePools. */
export const countJudged = (
  { moves }: ReturnType<typeof disruptionMetrics>, decision: "approved" | "rejected", view: View,
  consolidations: ReadonlyArray<ReadonlyArray<string>>
): void => {
  for (const names of consolidations) {
    for (const nodepool of new Set(names.map((name) => view.byName.get(name)?.nodePool ?? ""))) {
      moves.inc({ decision, nodepool, policy: policyOf(view, nodepool) })
    }
  }
}
