/** Plans as the scheduler knows them: labels, room, offerings. */
import { capacityType, label } from "../apis/labels.ts"
import type { LinodeType } from "../linode/models.ts"
import type { InstanceType } from "../scheduling/problem.ts"
import type { Kubelet, Measured } from "./nodeRoom.ts"
import { roomOf } from "./nodeRoom.ts"
import type { Plan } from "./plans.ts"

/** The labels that every node of a plan has (the Linode provider's instancetype/types.go): `g6-standard-2` is of generation 6. */
export const labelsOf = (type: LinodeType, region: string): Readonly<Record<string, string>> => {
  const [generation = "", family, model] = type.id.split("-")
  return {
    [label.instanceType]: type.id,
    [label.region]: region,
    // The CSI driver would put it on minutes later; a pod whose volume asks for it must not find the node without.
    [label.volumeRegion]: region,
    [label.arch]: "amd64",
    [label.os]: "linux",
    [label.instanceCpu]: String(type.vcpus),
    [label.instanceMemory]: String(type.memory),
    [label.instanceTransfer]: String(type.transfer),
    [label.instanceNetworkOut]: String(type.network_out),
    [label.instanceClass]: type.class,
    [label.instanceGpuCount]: String(type.gpus),
    [label.instanceAcceleratedDevices]: String(type.accelerated_devices ?? 0),
    [label.instanceDisk]: String(type.disk),
    ...(family === undefined ? {} : { [label.instanceGeneration]: generation.replace(/^g/, "") }),
    ...(family === "gpu" && model !== undefined ? { [label.instanceGpuName]: model } : {})
  }
}

export interface Circumstances {
  readonly region: string
  readonly measured: ReadonlyMap<string, Measured>
  readonly memoryShare: number | undefined
  /** Types that were refused for want of capacity a moment ago. */
  readonly soldOut: ReadonlySet<string>
  /** Whether kubelets are given the settings, and `measured` is of nodes that were. */
  readonly sent?: boolean
  /** How many disks a node has of its own: one without it, as LKE's nodes, which boot from it and have no swap. */
  readonly localDisks?: number
}

/** Linode's block storage. */
const blockStorage = "linodebs.csi.linode.com"

/**
 * How many volumes a node of the plan can have attached, as the CSI driver will say once it runs there: with its own disks 8,
 * or one for each GiB of memory where that is more, and never more than 64 (its maxVolumeAttachments).
 */
const attachableVolumes = ({ memory }: LinodeType, localDisks: number): number =>
  Math.min(Math.max(Math.floor(memory / 1024), 8), 64) - localDisks

/** One type per plan, one offering each: on demand, in the region, which is the zone. */
export const instanceTypesOf = (
  plans: ReadonlyArray<Plan>,
  kubelet: Kubelet | undefined,
  { localDisks = 1, measured, memoryShare, region, sent, soldOut }: Circumstances
): ReadonlyArray<InstanceType> => plans.map(({ available, price, type }) => ({
  name: type.id,
  ...roomOf(type, kubelet, measured.get(type.id), memoryShare, sent),
  labels: labelsOf(type, region),
  offerings: [{ zone: region, capacityType: capacityType.onDemand, price, available: available && !soldOut.has(type.id) }],
  volumeLimits: { [blockStorage]: attachableVolumes(type, localDisks) }
}))

/** The labels of a machine of this type: those of its plan, its zone and its capacity type. */
export const machineLabels = (type: InstanceType): Readonly<Record<string, string>> => {
  const [offering] = type.offerings
  return {
    ...type.labels,
    ...(offering === undefined ? {} : { [label.zone]: offering.zone, [label.capacityType]: offering.capacityType })
  }
}
