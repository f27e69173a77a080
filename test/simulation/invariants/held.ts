/** What keeps a pod on its node: do-not-disrupt, and PodDisruptionBudgets. Reckoned apart from the product. */
import { durationMillis } from "../../../src/apis/durations.ts"
import { annotation } from "../../../src/apis/labels.ts"
import type { Pod, PodDisruptionBudget } from "../../../src/kube/objects.ts"
import { PodDisruptionBudgets, Pods } from "../../../src/kube/resources.ts"
import { selectsLabels } from "../../../src/kube/selectors.ts"
import type { World } from "../world.ts"

export const isOver = ({ status }: Pod): boolean => status?.phase === "Succeeded" || status?.phase === "Failed"

/** Whether the pod's annotation says so, and has said so until `slack` milliseconds ago. */
export const isLeftAlone = ({ metadata, status }: Pod, now: number, slack = 0): boolean => {
  const value = metadata.annotations?.[annotation.doNotDisrupt]
  if (value === "true") return true
  const millis = value === undefined ? undefined : durationMillis(value)
  if (millis === undefined || millis <= 0) return false
  return status?.startTime === undefined || now < Date.parse(status.startTime) + millis - slack
}

export const budgetsOf = ({ metadata }: Pod, budgets: ReadonlyArray<PodDisruptionBudget>): ReadonlyArray<PodDisruptionBudget> =>
  budgets.filter((budget) => budget.metadata.namespace === metadata.namespace && selectsLabels(budget.spec.selector, metadata.labels))

/** The pod that nobody may make leave the node now. */
export const heldOn = (world: World, nodeName: string): Pod | undefined => {
  const budgets = world.list(PodDisruptionBudgets)
  return world.list(Pods).find((pod) => pod.spec.nodeName === nodeName && !isOver(pod) && pod.metadata.deletionTimestamp === undefined &&
    (isLeftAlone(pod, world.now) || budgetsOf(pod, budgets).some(({ status }) => (status?.disruptionsAllowed ?? 0) === 0)))
}
