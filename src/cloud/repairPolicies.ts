/** Which conditions of a Linode's Node mean that it has to be replaced, and after how long. */
import type { RepairPolicy } from "./cloudProvider.ts"

const minute = 60_000

/** `Ready` is the kubelet's; the others are those of a node monitoring agent, where one runs. */
export const repairPolicies: ReadonlyArray<RepairPolicy> = [
  { type: "Ready", status: "False", tolerationMillis: 30 * minute },
  { type: "Ready", status: "Unknown", tolerationMillis: 30 * minute },
  { type: "AcceleratedHardwareReady", status: "False", tolerationMillis: 10 * minute },
  { type: "StorageReady", status: "False", tolerationMillis: 30 * minute },
  { type: "NetworkingReady", status: "False", tolerationMillis: 30 * minute },
  { type: "KernelReady", status: "False", tolerationMillis: 30 * minute },
  { type: "ContainerRuntimeReady", status: "False", tolerationMillis: 30 * minute }
]
