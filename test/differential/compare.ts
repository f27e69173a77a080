/** Our plan beside the rival's runs of the same problem. */
import type { RivalAnswer, RivalRun } from "../../bench/rival.ts"
import type { Plan, Problem } from "../../src/scheduling/index.ts"
import { solve } from "../../src/scheduling/index.ts"
import { violations } from "../scheduling/checker.ts"
import { contradicts, isTurnOfAnother, placesAsMuch } from "./excuses.ts"
import { keyOf, keyOfName, planOf } from "./rivalPlan.ts"
import { wishesMet } from "./wishes.ts"

/** What of ours must not be: a rule that it breaks, a pod that only the rival places, a price above the rival's. */
export interface Difference {
  readonly kind: "illegal" | "leftOut" | "dearer"
  readonly what: string
}

/** Why the rival is not the measure of a problem. */
export type Excuse =
  | "no run of the rival is legal"
  | "other pods, as big, have the room that there is"
  | "meets more preferences than the rival at its price"

export interface Comparison {
  readonly differences: ReadonlyArray<Difference>
  readonly excuse?: Excuse
  /** Dearer than the rival's luckiest run, though not than all. */
  readonly isDearerThanBest: boolean
}

const leftBy = (run: RivalRun): ReadonlySet<string> => new Set(Object.keys(run.errors).map(keyOfName))

const placedOnly = (problem: Problem, left: ReadonlySet<string>): Problem => ({
  ...problem, pods: problem.pods.filter(({ metadata: { name, namespace = "default" } }) => !left.has(keyOf({ name, namespace })))
})

/** Whether what the rival placed may be there; what it left out is not asked. */
export const isLegal = (problem: Problem, run: RivalRun): boolean =>
  !contradicts(problem, run) && violations(placedOnly(problem, leftBy(run)), planOf(problem, run)).length === 0

/** Prices are sums of fractions. */
const negligible = 1e-6

/** A short search: what is cheaper by luck of a long one proves nothing. */
const steps = 300

const illegal = (problem: Problem, first: Plan, searched: Plan): ReadonlyArray<Difference> =>
  [["first", first] as const, ["searched", searched] as const].flatMap(([name, plan]) =>
    violations(problem, plan).map((what): Difference => ({ kind: "illegal", what: `${name} plan: ${what}` })))

/** Pods that every run of the rival places. */
const leftOut = (plan: Plan, runs: ReadonlyArray<RivalRun>): ReadonlyArray<Difference> =>
  plan.unschedulable.filter(({ pod }) => runs.every((run) => !leftBy(run).has(keyOf(pod)))).map(({ pod, reasons }) => ({
    kind: "leftOut", what: `${keyOf(pod)}: ${reasons.map(({ message, reason }) => `${reason} ${message}`).join("; ")}`
  }))

const prices = (runs: ReadonlyArray<RivalRun>): string =>
  `${Math.min(...runs.map((run) => run.totalPrice))}–${Math.max(...runs.map((run) => run.totalPrice))}`

export const compare = (problem: Problem, rival: RivalAnswer): Comparison => {
  const { first, improve } = solve(problem)
  const plan = improve({ steps })
  const differences = illegal(problem, first, plan)
  const runs = rival.runs.filter((run) => isLegal(problem, run))
  if (runs.length === 0) return { differences, excuse: "no run of the rival is legal", isDearerThanBest: false }
  const missing = leftOut(plan, runs)
  if (missing.length > 0) {
    return isTurnOfAnother(problem, plan, runs)
      ? { differences, excuse: "other pods, as big, have the room that there is", isDearerThanBest: false }
      : { differences: [...differences, ...missing], isDearerThanBest: false }
  }
  // Who places fewer pods, or smaller ones, may well be cheaper.
  const comparable = runs.filter((run) => placesAsMuch(problem, run, plan))
  const isDearerThan = (run: RivalRun): boolean => plan.totals.hourlyPrice > run.totalPrice + negligible
  const isDearerThanBest = comparable.some(isDearerThan)
  if (comparable.length === 0 || !comparable.every(isDearerThan)) return { differences, isDearerThanBest }
  const met = wishesMet(problem, plan)
  const equal = comparable.filter((run) => wishesMet(placedOnly(problem, leftBy(run)), planOf(problem, run)) >= met)
  if (equal.length === 0) return { differences, excuse: "meets more preferences than the rival at its price", isDearerThanBest }
  const what = `${plan.totals.hourlyPrice} $/h in ${plan.totals.newNodes} nodes, the rival ${prices(equal)}`
  return { differences: [...differences, { kind: "dearer", what }], isDearerThanBest }
}
