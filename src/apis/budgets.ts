/** How many nodes of a NodePool may be disrupted at a time (Karpenter's disruption/helpers.go). */
import { Cron, Result } from "effect"
import { parseDuration } from "./durations.ts"
import type { Budget, DisruptionReason, NodePool } from "./nodePool.ts"

/** What a pool allows when none of its budgets says otherwise: the largest 32-bit integer, as Karpenter's metrics show it. */
export const unlimited = 2_147_483_647

const descriptors: Readonly<Record<string, string>> = {
  "@annually": "0 0 1 1 *",
  "@yearly": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@hourly": "0 * * * *"
}

/** The first hit strictly after a time (millis), in UTC; a description of the mistake when the schedule has none. */
const nextHit = (schedule: string, after: number): Result.Result<number, string> => {
  const fields = (descriptors[schedule] ?? schedule).trim().split(/\s+/u).map((field) => field === "?" ? "*" : field)
  if (fields.length !== 5) return Result.fail("expected five cron fields, or one of " + Object.keys(descriptors).join(", "))
  return Cron.parse(fields.join(" "), "UTC").pipe(
    Result.mapError((error) => error.message),
    Result.flatMap((cron) =>
      Result.try({
        try: () => Cron.next(cron, new Date(after)).getTime(),
        catch: () => "no date ever matches it"
      })
    )
  )
}

export interface BudgetProblem {
  readonly field: "nodes" | "schedule" | "duration"
  readonly message: string
}

/** What keeps a budget from being understood. The API server refuses most of it; a schedule is first read here. */
export const budgetProblems = (budget: Budget): ReadonlyArray<BudgetProblem> => {
  const problems: Array<BudgetProblem> = []
  if (!/^((100|[0-9]{1,2})%|[0-9]+)$/u.test(budget.nodes)) {
    problems.push({ field: "nodes", message: `found "${budget.nodes}", expected a number (5) or a percentage (10%)` })
  }
  if (budget.schedule !== undefined) {
    const hit = nextHit(budget.schedule, 0)
    if (Result.isFailure(hit)) problems.push({ field: "schedule", message: `found "${budget.schedule}": ${hit.failure}` })
    if (budget.duration === undefined) problems.push({ field: "duration", message: "expected one, because schedule is set" })
  }
  if (budget.duration !== undefined) {
    if (typeof parseDuration(budget.duration) !== "number") {
      problems.push({ field: "duration", message: `found "${budget.duration}", expected hours and minutes (8h, 1h30m)` })
    }
    if (budget.schedule === undefined) problems.push({ field: "schedule", message: "expected one, because duration is set" })
  }
  return problems
}

/** Whether the budget applies at a time: always without a schedule, else for its duration after each hit. */
const isActive = (budget: Budget, now: number): boolean => {
  if (budget.schedule === undefined || budget.duration === undefined) return true
  const duration = parseDuration(budget.duration)
  const hit = nextHit(budget.schedule, now - (typeof duration === "number" ? duration : 0))
  return Result.isSuccess(hit) && hit.success <= now
}

const value = (budget: Budget, numNodes: number): number =>
  budget.nodes.endsWith("%") ? Math.ceil(Number(budget.nodes.slice(0, -1)) * numNodes / 100) : Number(budget.nodes)

/**
 * How many of `numNodes` nodes may be disrupted for a reason at a time, those being disrupted already included: the least
 * of the budgets that apply. `now` is in milliseconds since 1970.
 *
 * One budget that cannot be understood allows nothing for any reason: to disrupt too little is the safe mistake. An empty
 * list of reasons means all of them, as an absent one does; in Karpenter it silently switches the budget off.
 */
export const allowedDisruptions = (nodePool: NodePool, reason: DisruptionReason, numNodes: number, now: number): number => {
  const budgets = nodePool.spec.disruption?.budgets ?? []
  if (budgets.some((budget) => budgetProblems(budget).length > 0)) return 0
  return budgets
    .filter((budget) => budget.reasons === undefined || budget.reasons.length === 0 || budget.reasons.includes(reason))
    .filter((budget) => isActive(budget, now))
    .reduce((least, budget) => Math.min(least, value(budget, numNodes)), unlimited)
}
