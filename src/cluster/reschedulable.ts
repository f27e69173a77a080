/** Pods that will need another machine because theirs is going away. Pure. */
import type { Pod, PodDisruptionBudget } from "../kube/objects.ts"
import type { StateNode } from "./cluster.ts"
import { isCurrentlyReschedulable } from "./pdb.ts"

/** Of all machines marked for deletion. A pod that holds up the drain stays where it is, and so needs no other place yet. */
export const leavingPods = (
  nodes: ReadonlyArray<StateNode>,
  budgets: ReadonlyArray<PodDisruptionBudget>,
  nowMillis: number
): ReadonlyArray<Pod> => nodes
  .filter((node) => node.markedForDeletion)
  .flatMap((node) => node.pods.filter((pod) => isCurrentlyReschedulable(pod, budgets, nowMillis)))
