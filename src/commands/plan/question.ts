/** From the objects of the input to the scheduler's question, as the controller would put it. Pure. */
import { providerWellKnownLabels } from "../../apis/labels.ts"
import type { Kubelet } from "../../cloud/nodeRoom.ts"
import { isActive } from "../../cluster/podPredicates.ts"
import { problemOf } from "../../cluster/problem.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import type { DaemonSet, PodDisruptionBudget } from "../../kube/objects.ts"
import type { ExistingNode, InstanceType, Options, Problem } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"
import { machinesOf } from "./machines.ts"
import { podsOf } from "./pods.ts"
import type { Refused } from "./pods.ts"
import { buyersOf } from "./pools.ts"
import { storageOf } from "./storage.ts"
import { comingPods } from "./workloads.ts"

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
  /** Pods that no node can be made for, whatever the NodePools are. */
  readonly refused: ReadonlyArray<Refused>
  /** What was assumed or left out: sentences for a person. */
  readonly notes: ReadonlyArray<string>
}

const volumeLimits = (inventory: Inventory): ReadonlyMap<string, ExistingNode["volumeLimits"]> => new Map(inventory.csiNodes.map((node) => [
  node.metadata.name,
  Object.fromEntries((node.spec.drivers ?? []).flatMap(({ allocatable, name }) => allocatable?.count === undefined ? [] : [[name, allocatable.count]]))
]))

export const questionOf = (inventory: Inventory, shop: Shop, options: Options, nowMillis: number): Question => {
  const coming = comingPods(inventory)
  const pods = podsOf(inventory, coming.pods, new Set(shop.wellKnownLabels))
  const { buyers, notes } = buyersOf(inventory, shop.isForeign)
  const types = new Map(buyers.map(({ kubelet, pool }) => [pool.metadata.name, shop.types(kubelet)]))
  const machines = machinesOf(inventory, pods.bound, (pool) => types.get(pool) ?? [])
  const there = new Set(machines.map((machine) => machine.name))
  const lost = [...pods.bound].reduce((sum, [node, onIt]) => there.has(node) ? sum : sum + onIt.filter(isActive).length, 0)
  const storage = storageOf(inventory, coming.claims)
  const limits = volumeLimits(inventory)

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
    options
  })
  return {
    problem: {
      ...problem,
      nodes: problem.nodes.map((node) => ({ ...node, ...(limits.get(node.name) === undefined ? {} : { volumeLimits: limits.get(node.name)! }) })),
      wellKnownLabels: [...new Set([...providerWellKnownLabels, ...shop.wellKnownLabels])],
      persistentVolumeClaims: storage.persistentVolumeClaims,
      persistentVolumes: inventory.persistentVolumes,
      storageClasses: storage.storageClasses,
      namespaces: inventory.namespaces
    },
    refused: pods.refused,
    notes: [
      ...notes,
      ...(pods.gated === 0 ? [] : [`${pods.gated === 1 ? "a pod" : `${pods.gated} pods`} with scheduling gates left out`]),
      ...(lost === 0 ? [] : [`${lost === 1 ? "a pod" : `${lost} pods`} left out, running on nodes that are not in the input`]),
      ...storage.notes
    ]
  }
}
