/** The eviction subresource of pods: a deletion that asks the PodDisruptionBudgets first. */
import type { EvictOptions } from "../kube.ts"
import type { Actions } from "./actions.ts"
import { checkPreconditions } from "./deletion.ts"
import { guards, isReady } from "./disruption.ts"
import { overBudget, severalBudgets } from "./failure.ts"
import { timestamp } from "../timestamp.ts"
import { at, isObject } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"

const ended = ["Succeeded", "Failed", "Pending"]

/** Evicting what does not run disrupts nobody. */
const needsNoBudget = (pod: Stored): boolean =>
  ended.includes(String(at(pod, "status", "phase"))) || pod.metadata.deletionTimestamp !== undefined

const number = (value: unknown): number => typeof value === "number" ? value : 0

/** An unready pod does not count as healthy, so its going costs the budget nothing, where the budget says so or is met. */
const isFree = (budget: Stored, pod: Stored): boolean => {
  if (isReady(pod)) return false
  const desired = number(at(budget, "status", "desiredHealthy"))
  return at(budget, "spec", "unhealthyPodEvictionPolicy") === "AlwaysAllow" ||
    (desired > 0 && number(at(budget, "status", "currentHealthy")) >= desired)
}

/** Takes one disruption from the budget, or refuses. */
const spend = (kind: Kind, budget: Stored, pod: Stored, { storage, now }: Actions): void => {
  const status = isObject(budget["status"]) ? budget["status"] : {}
  const allowed = number(status["disruptionsAllowed"])
  if (number(status["observedGeneration"]) < (budget.metadata.generation ?? 0) || allowed <= 0) throw overBudget()
  const disrupted = isObject(status["disruptedPods"]) ? status["disruptedPods"] : {}
  storage.write(kind, {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...disrupted, [pod.metadata.name]: timestamp(now()) }
    }
  })
}

const condition = (now: number) => ({
  type: "DisruptionTarget",
  status: "True",
  reason: "EvictionByEvictionAPI",
  message: "Eviction API: evicting",
  lastTransitionTime: timestamp(now)
})

const targeted = (pod: Stored, now: number): Stored => {
  const status = isObject(pod["status"]) ? pod["status"] : {}
  const conditions: ReadonlyArray<unknown> = Array.isArray(status["conditions"]) ? status["conditions"] : []
  if (conditions.some((each) => at(each, "type") === "DisruptionTarget" && at(each, "status") === "True")) return pod
  const others = conditions.filter((each) => at(each, "type") !== "DisruptionTarget")
  return { ...pod, status: { ...status, conditions: [...others, condition(now)] } }
}

export const evict = (pods: Kind, budgets: Kind, pod: Stored, options: EvictOptions, actions: Actions): void => {
  if (options.uid !== undefined) checkPreconditions(pods, pod, { uid: options.uid })
  if (!needsNoBudget(pod)) {
    const guarding = [...actions.storage.objects(budgets)].filter((budget) => guards(budget, pod))
    if (guarding.length > 1) throw severalBudgets()
    const budget = guarding[0]
    if (budget !== undefined && !isFree(budget, pod)) spend(budgets, budget, pod, actions)
  }
  const marked = actions.rewrite(pods, targeted(pod, actions.now()))
  actions.erase(pods, marked, options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds })
}
