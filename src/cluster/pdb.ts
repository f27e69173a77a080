/** What the PodDisruptionBudgets say about a pod (Karpenter's utils/pdb). Pure. */
import type { Pod, PodDisruptionBudget } from "../kube/objects.ts"
import { selectsLabels } from "../kube/selectors.ts"
import { isDisruptable, isEvictable, isReschedulable } from "./podPredicates.ts"

/** `now`: is an eviction refused at this moment; `ever`: does the budget's spec leave no room whatever the pods do. */
export type BudgetQuestion = "now" | "ever"

const leavesNoRoom = (budget: PodDisruptionBudget): boolean =>
  budget.spec.maxUnavailable === 0 || budget.spec.maxUnavailable === "0%" || budget.spec.minAvailable === "100%"

const allowsNone = (budget: PodDisruptionBudget): boolean => (budget.status?.disruptionsAllowed ?? 0) === 0

const isUnready = (pod: Pod): boolean =>
  (pod.status?.conditions ?? []).some((condition) => condition.type === "Ready" && condition.status === "False")

const keyOf = (budget: PodDisruptionBudget): string => `${budget.metadata.namespace ?? ""}/${budget.metadata.name}`

/** The budgets that select the pod. */
export const budgetsOf = (pod: Pod, budgets: ReadonlyArray<PodDisruptionBudget>): ReadonlyArray<PodDisruptionBudget> =>
  budgets.filter((budget) =>
    budget.metadata.namespace === pod.metadata.namespace && selectsLabels(budget.spec.selector, pod.metadata.labels))

/**
 * The budgets (`namespace/name`) that stand in the way of evicting the pod; none when it may go. Several budgets on one
 * pod always do, as Kubernetes refuses such evictions. A pod that would not be evicted anyway is not blocked.
 */
export const blockingBudgets = (
  pod: Pod,
  budgets: ReadonlyArray<PodDisruptionBudget>,
  question: BudgetQuestion,
  nowMillis: number
): ReadonlyArray<string> => {
  if (!isEvictable(pod, nowMillis)) return []
  const matching = budgetsOf(pod, budgets)
  const [only] = matching
  if (only === undefined) return []
  if (matching.length > 1) return matching.map(keyOf)
  if (only.spec.unhealthyPodEvictionPolicy === "AlwaysAllow" && isUnready(pod)) return []
  return (question === "now" ? allowsNone(only) : leavesNoRoom(only)) ? [keyOf(only)] : []
}

/**
 * The budgets that block the first blocked pod of a list; none when each pod by itself may be evicted. What several
 * evictions at once would do to a budget is not worked out.
 */
export const firstBlockingBudgets = (
  pods: ReadonlyArray<Pod>,
  budgets: ReadonlyArray<PodDisruptionBudget>,
  question: BudgetQuestion,
  nowMillis: number
): ReadonlyArray<string> => {
  for (const pod of pods) {
    const blocking = blockingBudgets(pod, budgets, question, nowMillis)
    if (blocking.length > 0) return blocking
  }
  return []
}

/** Needs a place elsewhere when its node goes, and may be made to go. */
export const isCurrentlyReschedulable = (pod: Pod, budgets: ReadonlyArray<PodDisruptionBudget>, nowMillis: number): boolean =>
  isReschedulable(pod) && isDisruptable(pod, nowMillis) && blockingBudgets(pod, budgets, "ever", nowMillis).length === 0
