/** Our plan beside the rival's runs of the same problem. */
import type { RivalAnswer, RivalRun } from "../../bench/rival.ts"
import type { Plan, Problem } from "../../src/scheduling/index.ts"
import { schedule, solve } from "../../src/scheduling/index.ts"
import { violations } from "../scheduling/checker.ts"
import { excuses } from "./excuses.ts"
import type { Excuse } from "./excuses.ts"
import { keyOf, keyOfName, planOf } from "./rivalPlan.ts"

/** What of ours must not be: a rule that it breaks, a pod that only the rival places, a price above the rival's. */
export interface Difference {
  readonly kind: "illegal" | "leftOut" | "dearer"
  readonly what: string
}

export interface Comparison {
  readonly differences: ReadonlyArray<Difference>
  /** Why the rival is not the measure here, where it is not. */
  readonly excuse?: Excuse
  /** Runs of the rival that break a rule themselves. */
  readonly illegalRuns: number
  /** Dearer than the rival's luckiest run, though not than all. */
  readonly dearerThanBest: boolean
}

const left = (plan: Plan): ReadonlySet<string> => new Set(plan.unschedulable.map(({ pod }) => keyOf(pod)))

const leftBy = (run: RivalRun): ReadonlySet<string> => new Set(Object.keys(run.errors).map(keyOfName))

/** Whether what the rival placed may be there; what it left out is not asked. */
export const isLegal = (problem: Problem, run: RivalRun): boolean => {
  const out = leftBy(run)
  const pods = problem.pods.filter(({ metadata: { name, namespace = "default" } }) => !out.has(keyOf({ name, namespace })))
  return violations({ ...problem, pods }, planOf(problem, run)).length === 0
}

/** Prices are sums of fractions. */
const negligible = 1e-6

export const compare = (problem: Problem, rival: RivalAnswer): Comparison => {
  const plan = schedule(problem)
  const differences: Array<Difference> = []
  for (const [name, each] of [["first", solve(problem).first], ["searched", plan]] as const) {
    for (const what of violations(problem, each)) differences.push({ kind: "illegal", what: `${name} plan: ${what}` })
  }
  const legal = rival.runs.filter((run) => isLegal(problem, run))
  const illegalRuns = rival.runs.length - legal.length
  const excuse = legal.length === 0 ? "no run of the rival is legal" : excuses(problem, plan, legal)
  if (excuse !== undefined) return { differences, excuse, illegalRuns, dearerThanBest: false }
  const ours = left(plan)
  for (const key of ours) {
    if (legal.every((run) => !leftBy(run).has(key))) {
      const reasons = plan.unschedulable.find(({ pod }) => keyOf(pod) === key)!.reasons
      differences.push({ kind: "leftOut", what: `${key}: ${reasons.map(({ message, reason }) => `${reason} ${message}`).join("; ")}` })
    }
  }
  const comparable = legal.filter((run) => leftBy(run).size <= ours.size).map((run) => run.totalPrice)
  const price = plan.totals.hourlyPrice
  if (comparable.length > 0 && price > Math.max(...comparable) + negligible) {
    differences.push({ kind: "dearer", what: `${price} $/h in ${plan.totals.newNodes} nodes, the rival ${Math.min(...comparable)}–${Math.max(...comparable)}` })
  }
  return { differences, illegalRuns, dearerThanBest: comparable.length > 0 && price > Math.min(...comparable) + negligible }
}
