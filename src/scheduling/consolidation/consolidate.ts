import { drained } from "../drained.ts"
import { keepAlive } from "../keepAlive.ts"
import type { Budget } from "../problem.ts"
import { commandOf } from "./command.ts"
import type { Consolidation, ConsolidationProblem } from "./contract.ts"
import { decide } from "./decide.ts"
import { keptOf } from "./kept.ts"
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
  const decision = yield* decide(world, budget)
  keepAlive("consolidation", decision)
  const { attempts, worth } = decision
  const command = attempts.length === 0 ? undefined : commandOf(world, attempts)
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
