/** From the objects of the input to the scheduler's question, as the controller would put it. Pure. */
import { providerWellKnownLabels } from "../../apis/labels.ts"
import type { Kubelet } from "../../cloud/nodeRoom.ts"
import { isActive } from "../../cluster/podPredicates.ts"
import { problemOf } from "../../cluster/problem.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { volumeLimitsOf } from "../../cluster/surroundings.ts"
import type { CSINode, DaemonSet, PodDisruptionBudget } from "../../kube/objects.ts"
import type { InstanceType, Options, Problem, SpreadConstraint } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"
import { machinesOf } from "./machines.ts"
import { podsOf } from "./pods.ts"
import type { Refused } from "./pods.ts"
import { buyersOf } from "./pools.ts"
import { storageOf } from "./storage.ts"
import { comingPods, selectingOf } from "./workloads.ts"

/** Where new nodes come from. */
export interface Shop {
  /** The types for nodes with these kubelet settings. Equal settings give the same array. */
  readonly types: (kubelet: Kubelet | undefined) => ReadonlyArray<InstanceType>
  readonly wellKnownLabels: ReadonlyArray<string>
  /** True where the types are of another cloud, so that NodePools may refer to any node class. */
  readonly isForeign: boolean
}

export interface Question {
  readonly problem: Problem
  /** Those of the input as the controller sees them, by name; nodes that are being deleted are among them. */
  readonly machines: ReadonlyArray<StateNode>
  /** Pods that no node can be made for, whatever the NodePools are. */
  readonly refused: ReadonlyArray<Refused>
  /** What was assumed or left out: sentences for a person. */
  readonly notes: ReadonlyArray<string>
}

/** What the controller would be told beside the objects. */
export interface Manner {
  readonly options: Options
  /** The topology spread of pods that have none of their own. */
  readonly defaultConstraints: ReadonlyArray<SpreadConstraint>
  readonly nowMillis: number
}

export const questionOf = (inventory: Inventory, shop: Shop, { defaultConstraints, nowMillis, options }: Manner): Question => {
  const coming = comingPods(inventory)
  const pods = podsOf(inventory, coming.pods, new Set(shop.wellKnownLabels))
  const { buyers, notes } = buyersOf(inventory, shop.isForeign)
  const types = new Map(buyers.map(({ kubelet, pool }) => [pool.metadata.name, shop.types(kubelet)]))
  const machines = machinesOf(inventory, pods.bound, (pool) => types.get(pool) ?? [], shop.isForeign)
  const there = new Set(machines.map((machine) => machine.name))
  const lost = [...pods.bound].reduce((sum, [node, onIt]) => there.has(node) ? sum : sum + onIt.filter(isActive).length, 0)
  const { notes: storageNotes, ...storage } = storageOf(inventory, coming.claims)
  const problem = problemOf({
    pods: [
      ...pods.waiting,
      ...leavingPods(machines, inventory.budgets as ReadonlyArray<PodDisruptionBudget>, nowMillis)
    ],
    nodes: machines,
    nodePools: buyers.map(({ pool }) => pool),
    instanceTypes: types,
    daemonSets: inventory.daemonSets as ReadonlyArray<DaemonSet>,
    promised: new Map(),
    options,
    surroundings: {
      ...storage,
      persistentVolumes: inventory.persistentVolumes,
      namespaces: inventory.namespaces,
      volumeLimits: volumeLimitsOf(inventory.csiNodes as ReadonlyArray<CSINode>),
      ...(defaultConstraints.length === 0 ? {} : {
        defaultSpread: { constraints: defaultConstraints, selecting: selectingOf(inventory) }
      })
    }
  })
  return {
    problem: { ...problem, wellKnownLabels: [...new Set([...providerWellKnownLabels, ...shop.wellKnownLabels])] },
    machines,
    refused: pods.refused,
    notes: [
      ...notes,
      ...(pods.gated === 0 ? [] : [`${pods.gated === 1 ? "a pod" : `${pods.gated} pods`} with scheduling gates left out`]),
      ...(lost === 0 ? [] : [`${lost === 1 ? "a pod" : `${lost} pods`} left out, running on nodes that are not in the input`]),
      ...storageNotes
    ]
  }
}
