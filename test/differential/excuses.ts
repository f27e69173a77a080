/** Where the rival is not the measure, each with its reason: it is wrong there on grounds that docs/DIFFERENCES.md names. */
import type { RivalRun } from "../../bench/rival.ts"
import type { Plan, Problem } from "../../src/scheduling/index.ts"

export type Excuse = "no run of the rival is legal"

export const excuses = (_problem: Problem, _plan: Plan, _runs: ReadonlyArray<RivalRun>): Excuse | undefined => undefined
