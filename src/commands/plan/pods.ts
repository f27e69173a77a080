/** Which pods of the input wait for a node, which have one, and for which none can be made. Pure. */
import { isActive, ownedByDaemonSet, ownedByNode } from "../../cluster/podPredicates.ts"
import { pendingPods } from "../../controllers/provisioning/pendingPods.ts"
import type { Condition, Pod } from "../../kube/objects.ts"
import type { PlannedPod } from "./podSchema.ts"

export interface Refused {
  readonly pod: Pod
  readonly message: string
}

export interface Pods {
  readonly waiting: ReadonlyArray<Pod>
  /** Those that no node can be made for, whatever the NodePools are. */
  readonly refused: ReadonlyArray<Refused>
  /** By the name of their node. */
  readonly bound: ReadonlyMap<string, ReadonlyArray<Pod>>
  /** How many wait for something else before they may be scheduled. */
  readonly gated: number
}

const isGated = (pod: PlannedPod): boolean => (pod.spec.schedulingGates ?? []).length > 0

const unschedulable: Condition = { type: "PodScheduled", status: "False", reason: "Unschedulable" }

/** As kube-scheduler would leave it: tried, and no node found. */
const tried = (pod: Pod): Pod => ({ ...pod, status: { conditions: [unschedulable] } })

/** The pod without what it says of labels that the catalogue brings, and that may be of any domain. */
const withoutLabels = (pod: Pod, keys: ReadonlySet<string>): Pod => {
  const { affinity, nodeSelector } = pod.spec
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const others = Object.entries(nodeSelector ?? {}).filter(([key]) => !keys.has(key))
  return {
    ...pod,
    spec: {
      ...pod.spec,
      nodeSelector: Object.fromEntries(others),
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
const withHostPorts = (pod: PlannedPod): Pod => pod.spec.hostNetwork !== true ? pod as Pod : {
  ...pod,
  spec: {
    ...pod.spec,
    containers: pod.spec.containers.map((container) => container.ports === undefined ? container : {
      ...container,
      ports: container.ports.map((port) => port.containerPort === undefined ? port : { ...port, hostPort: port.containerPort })
    })
  }
} as Pod

const nodeNameOf = (pod: PlannedPod): string => pod.spec.nodeName ?? ""

/** `coming` are those that workloads will make. `catalogueLabels` may be asked for although their domain is reserved. */
export const podsOf = (
  inventory: { readonly pods: ReadonlyArray<PlannedPod> }, coming: ReadonlyArray<PlannedPod>, catalogueLabels: ReadonlySet<string>
): Pods => {
  const pending = [...inventory.pods, ...coming].filter((pod) =>
    nodeNameOf(pod) === "" && isActive(pod as Pod) && !ownedByDaemonSet(pod as Pod) && !ownedByNode(pod as Pod))
  const open = pending.filter((pod) => !isGated(pod)).map(withHostPorts)
  const running = inventory.pods.filter((pod) => nodeNameOf(pod) !== "").map(withHostPorts)
  const judged = new Map(open.map((pod) => [tried(withoutLabels(pod, catalogueLabels)), pod]))
  const { accepted, ignored } = pendingPods([...judged.keys()])
  return {
    waiting: accepted.flatMap((pod) => judged.get(pod) ?? []),
    refused: ignored.map(({ message, pod }) => ({ pod: judged.get(pod) ?? pod, message })),
    bound: Map.groupBy(running, (pod) => pod.spec.nodeName ?? ""),
    gated: pending.length - open.length
  }
}
