/** From the objects of the input to the scheduler's question, as the controller would put it. Pure. */
import { providerWellKnownLabels } from "../../apis/labels.ts"
import type { Kubelet } from "../../cloud/nodeRoom.ts"
import { isActive, ownedByDaemonSet, ownedByNode } from "../../cluster/podPredicates.ts"
import { problemOf } from "../../cluster/problem.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { pendingPods } from "../../controllers/provisioning/pendingPods.ts"
import type { Condition, Pod, PodDisruptionBudget } from "../../kube/objects.ts"
import type { ExistingNode, InstanceType, Options, Problem } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"
import { machinesOf } from "./machines.ts"
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
  readonly refused: ReadonlyArray<{ readonly pod: Pod; readonly message: string }>
  /** What was assumed or left out: sentences for a person. */
  readonly notes: ReadonlyArray<string>
}

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const isGated = (pod: Inventory["pods"][number]): boolean => (pod.spec.schedulingGates ?? []).length > 0

const unschedulable: Condition = { type: "PodScheduled", status: "False", reason: "Unschedulable" }

/** As kube-scheduler would leave it: tried, and no node found. */
const tried = ({ status: _, ...pod }: Pod): Pod => ({ ...pod, status: { conditions: [unschedulable] } })

/** The pod without what it says of labels that the catalogue brings, and that may be of any domain. */
const withoutLabels = (pod: Pod, keys: ReadonlySet<string>): Pod => {
  const { affinity, nodeSelector } = pod.spec
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return {
    ...pod,
    spec: {
      ...pod.spec,
      ...(nodeSelector === undefined ? {} : { nodeSelector: Object.fromEntries(Object.entries(nodeSelector).filter(([key]) => !keys.has(key))) }),
      ...(required === undefined ? {} : {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: required.nodeSelectorTerms.map((term) =>
                ({ ...term, matchExpressions: (term.matchExpressions ?? []).filter(({ key }) => !keys.has(key)) }))
            }
          }
        }
      })
    }
  }
}

/** A container of a pod on the host's network takes its ports of the host, as the API server writes down. */
const withHostPorts = (pod: Inventory["pods"][number]): Pod => pod.spec.hostNetwork !== true ? pod as Pod : {
  ...pod,
  spec: {
    ...pod.spec,
    containers: pod.spec.containers.map((container) => container.ports === undefined ? container : {
      ...container,
      ports: container.ports.map((port) => port.containerPort === undefined ? port : { ...port, hostPort: port.containerPort })
    })
  }
} as Pod

const volumeLimits = (inventory: Inventory): ReadonlyMap<string, ExistingNode["volumeLimits"]> => new Map(inventory.csiNodes.map((node) => [
  node.metadata.name,
  Object.fromEntries((node.spec.drivers ?? []).flatMap(({ allocatable, name }) => allocatable?.count === undefined ? [] : [[name, allocatable.count]]))
]))

export const questionOf = (inventory: Inventory, shop: Shop, options: Options, nowMillis: number): Question => {
  const coming = comingPods(inventory)
  const waiting = [...inventory.pods, ...coming.pods].filter((pod) =>
    (pod.spec.nodeName ?? "") === "" && isActive(pod as Pod) && !ownedByDaemonSet(pod as Pod) && !ownedByNode(pod as Pod))
  const open = waiting.filter((pod) => !isGated(pod)).map(withHostPorts)
  const gated = waiting.length - open.length

  const catalogueLabels = new Set(shop.wellKnownLabels)
  const judged = new Map(open.map((pod) => [tried(withoutLabels(pod, catalogueLabels)), pod]))
  const { accepted, ignored } = pendingPods([...judged.keys()])

  const bound = new Map<string, Array<Pod>>()
  for (const pod of inventory.pods) {
    if ((pod.spec.nodeName ?? "") === "") continue
    const pods = bound.get(pod.spec.nodeName!)
    if (pods === undefined) bound.set(pod.spec.nodeName!, [withHostPorts(pod)])
    else pods.push(withHostPorts(pod))
  }
  const { buyers, notes } = buyersOf(inventory, shop.isForeign)
  const types = new Map(buyers.map(({ kubelet, pool }) => [pool.metadata.name, shop.types(kubelet)]))
  const machines = machinesOf(inventory, bound, (pool) => types.get(pool) ?? [])
  const there = new Set(machines.map((machine) => machine.name))
  const lost = inventory.pods.filter(({ spec: { nodeName = "" } }) => nodeName !== "" && !there.has(nodeName))
  const storage = storageOf(inventory, coming.claims)
  const limits = volumeLimits(inventory)

  const problem = problemOf({
    pods: [
      ...accepted.flatMap((pod) => judged.get(pod) ?? []),
      ...leavingPods(machines, inventory.budgets as ReadonlyArray<PodDisruptionBudget>, nowMillis)
    ],
    nodes: machines,
    nodePools: buyers.map(({ pool }) => pool),
    instanceTypes: types,
    daemonSets: inventory.daemonSets as never,
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
    refused: ignored.map(({ message, pod }) => ({ pod: judged.get(pod) ?? pod, message })),
    notes: [
      ...notes,
      ...(gated === 0 ? [] : [`${count(gated, "pod")} with scheduling gates ${gated === 1 ? "is" : "are"} left out`]),
      ...(lost.length === 0 ? [] : [`${count(lost.length, "pod")} left out that ${lost.length === 1 ? "runs" : "run"} on nodes which are not in the input`]),
      ...storage.notes
    ]
  }
}
