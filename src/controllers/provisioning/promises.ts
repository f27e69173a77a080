/**
 * Which machine a waiting pod was promised, from one pass to the next. While that machine is on its way its promises are
 * kept as they are, so a newcomer never takes the room of a pod that then needs a second node. Only an optimisation of
 * memory: after a restart the pods are fitted into the machines anew.
 */
import { fits, sum } from "../../cluster/amounts.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { takesPods } from "../../cluster/problem.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import type { Pod } from "../../kube/objects.ts"
import { podRequests } from "../../scheduling/index.ts"

/** Name of the machine (its claim's, else its node's) by the pod's uid. */
export type Promises = ReadonlyMap<string, string>

export interface Kept {
  /** Pods without a promise that holds. */
  readonly toPlace: ReadonlyArray<Pod>
  /** Pods whose promise holds, by the StateNode's name. */
  readonly promised: ReadonlyMap<string, ReadonlyArray<Pod>>
}

/**
 * A promise holds while the machine is there, is not ready yet and not going away, and still has room for all it was
 * promised to: it may turn out smaller, or others may have been bound to it.
 */
export const keep = (pods: ReadonlyArray<Pod>, nodes: ReadonlyArray<StateNode>, promises: Promises): Kept => {
  const coming = new Map(nodes.flatMap((node) =>
    node.initialized || !takesPods(node) ? [] : [[nominationKey(node), node]]))
  const wanted = new Map<StateNode, Array<Pod>>()
  for (const pod of pods) {
    const node = coming.get(promises.get(pod.metadata.uid ?? "") ?? "")
    if (node !== undefined) wanted.set(node, [...wanted.get(node) ?? [], pod])
  }
  const held = [...wanted].filter(([node, waiting]) =>
    fits(sum([...node.pods, ...waiting].map((pod) => podRequests(pod.spec))), node.allocatable))
  const kept = new Set(held.flatMap(([, waiting]) => waiting))
  return {
    toPlace: pods.filter((pod) => !kept.has(pod)),
    promised: new Map(held.map(([node, waiting]) => [node.name, waiting]))
  }
}
