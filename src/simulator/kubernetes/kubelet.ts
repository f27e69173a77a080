/** What a kubelet says of its machine. */
import type { Condition, Node, Taint } from "../../kube/objects.ts"
import type { Join } from "./userData.ts"

export const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }
export const uninitialized: Taint = { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" }

export interface MachineType {
  readonly vcpus: number
  /** MiB */
  readonly memory: number
  /** MiB */
  readonly disk: number
  readonly gpus: number
}

const mib = 1024
/** What a node of a type reports. The machine keeps about 4 % of the plan, the kubelet's eviction threshold is 100 MiB. */
export const reported = (type: MachineType, maxPods = 110) => {
  const memory = Math.floor(type.memory * mib * 0.9589)
  const disk = Math.floor(type.disk * mib * 0.983)
  const gpus: Record<string, string> = type.gpus > 0 ? { "nvidia.com/gpu": String(type.gpus) } : {}
  const pods = String(maxPods)
  return {
    capacity: { cpu: String(type.vcpus), memory: `${memory}Ki`, "ephemeral-storage": `${disk}Ki`, pods, ...gpus },
    allocatable: {
      cpu: String(type.vcpus), memory: `${memory - 100 * mib}Ki`, "ephemeral-storage": `${Math.floor(disk * 0.9)}Ki`, pods, ...gpus
    }
  }
}

export const readiness = (status: Condition["status"], at: string): Condition => ({
  type: "Ready",
  status,
  reason: status === "True" ? "KubeletReady" : status === "False" ? "KubeletNotReady" : "NodeStatusUnknown",
  message: "",
  lastTransitionTime: at,
  lastHeartbeatTime: at
})

/** The Node that a kubelet of LKE registers: nothing of its pool is on it yet. */
export const lkeNode = (name: string, type: MachineType, at: string, annotations: Readonly<Record<string, string>> = {}): Node => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/hostname": name, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux" }, annotations },
  spec: { taints: [uninitialized, notReady] },
  status: { ...reported(type), conditions: [readiness("False", at)] }
})

/** The Node that a kubelet registers as its user data has it: with everything from its first second. */
export const ownNode = (join: Join, type: MachineType, at: string, annotations: Readonly<Record<string, string>> = {}): Node => {
  const node = lkeNode(join.nodeName, type, at, annotations)
  return {
    ...node,
    metadata: { ...node.metadata, labels: { ...node.metadata.labels, ...join.labels } },
    spec: {
      ...(join.providerID === undefined ? {} : { providerID: join.providerID }),
      taints: [...join.externalCloud ? [uninitialized] : [], notReady, ...join.taints]
    },
    status: { ...node.status, ...reported(type, join.maxPods) }
  }
}
