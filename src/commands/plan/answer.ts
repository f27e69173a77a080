/** Asks the scheduler, and keeps the time. */
import { Clock, Effect } from "effect"
import { solve } from "../../scheduling/index.ts"
import type { Plan } from "../../scheduling/plan.ts"
import type { Problem } from "../../scheduling/problem.ts"

export interface Answer {
  readonly plan: Plan
  /** Milliseconds: until the first complete plan was there, and how long a cheaper one was looked for after that. */
  readonly elapsedMs: { readonly firstFit: number; readonly search: number }
}

/** Milliseconds with three digits: what is shown is never more exact than it is. */
export const millis = (from: bigint, to: bigint): number => Math.round(Number(to - from) / 1000) / 1000

/** A step takes longer than its share of this: with a clock that stands still the search ends all the same. */
const stepsPerMilli = 100

/** `searchMillis` bounds the search; 0 leaves the first plan as it is. */
export const ask = (problem: Problem, searchMillis: number): Effect.Effect<Answer> =>
  Effect.map(Clock.Clock, (clock) => {
    const begin = clock.monotonicTimeNanosUnsafe()
    const solution = solve(problem)
    // Written when it is asked for, and part of the time until a plan is there.
    void solution.first
    const middle = clock.monotonicTimeNanosUnsafe()
    const end = middle + BigInt(Math.round(searchMillis * 1e6))
    const isSpent = (): boolean => clock.monotonicTimeNanosUnsafe() >= end
    const plan = solution.improve({ steps: searchMillis * stepsPerMilli, isSpent })
    return { plan, elapsedMs: { firstFit: millis(begin, middle), search: millis(middle, clock.monotonicTimeNanosUnsafe()) } }
  })
