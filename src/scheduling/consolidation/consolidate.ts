import { drained } from "../drained.ts"
import { keepAlive } from "../keepAlive.ts"
import type { Budget } from "../problem.ts"
import { commandOf } from "./command.ts"
import type { Consolidation, ConsolidationProblem, Disruption } from "./contract.ts"
import type { Decision } from "./decide.ts"
import { decide } from "./decide.ts"
import { keptOf } from "./kept.ts"
import { withoutPlace } from "./proof.ts"
import type { World } from "./world.ts"
import { worldOf } from "./world.ts"

/** As `consolidating`, at one go. */
export const consolidate = (problem: ConsolidationProblem, budget?: Budget): Consolidation => drained(consolidating(problem, budget))

/**
 * Which nodes to take away now, and what to buy instead. A generator that does a few milliseconds of work at a time: whoever has other
 * things to do calls `next` until its own time is up, and goes on later.
 *
 * Pure and deterministic: equal problems and steps have equal answers. The budget's steps are sets of nodes that are packed to see
 * what is saved, each some milliseconds; `isSpent` is asked between them.
 */
export function* consolidating(problem: ConsolidationProblem, budget: Budget = { steps: 20_000 }): Generator<void, Consolidation> {
  const world = yield* worldOf(problem)
  yield
  const { command, decision } = yield* proven(world, budget)
  keepAlive("consolidation", decision)
  const { worth } = decision
  const hourlyPrice = world.sites.reduce((sum, { candidate }) => sum + (candidate?.hourlyPrice ?? 0), 0)
  const nodes = problem.candidates.length
  return {
    command,
    kept: command !== undefined && problem.consolidation?.explain === false ? problem.blocked ?? [] : yield* keptOf(decision, budget),
    totals: {
      before: { nodes, hourlyPrice },
      after: {
        nodes: nodes - (command === undefined ? 0 : command.remove.length - command.replace.length),
        hourlyPrice: hourlyPrice - (command?.hourlySavings ?? 0),
        lowerBound: worth.total
      }
    }
  }
}

/** Nodes that a proof refuses are left alone; after so many proofs, all are. */
const mostProofs = 5

function* proven(
  world: World, budget: Budget
): Generator<void, { readonly command: Disruption | undefined; readonly decision: Decision }> {
  const refused = new Map<string, string>()
  for (let proofs = 0;; proofs++) {
    const decision = yield* decide(world, budget, refused)
    if (decision.attempts.length === 0) return { command: undefined, decision }
    const command = commandOf(world, decision.attempts)
    const left = yield* withoutPlace(decision, command)
    if (left.size === 0) return { command, decision }
    if (proofs === mostProofs) return { command: undefined, decision: { ...decision, attempts: [], isCut: true } }
    for (const [node, pod] of left) refused.set(node, pod)
  }
}
