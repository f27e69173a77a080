/** How much room a node of a plan has for pods: what nodes of it were measured to have, estimated until one is there. */
import type { LinodeNodeClass } from "../apis/linodeNodeClass.ts"
import type { Node } from "../kube/objects.ts"
import { oncePer } from "../kube/oncePer.ts"
import type { LinodeType } from "../linode/models.ts"
import { label } from "../apis/labels.ts"
import type { Resources } from "../scheduling/problem.ts"
import { formatAmount, MalformedQuantity, toMillis, toUnits } from "../scheduling/quantity.ts"

export type Kubelet = NonNullable<LinodeNodeClass["spec"]["kubelet"]>

/** Thousandths of a CPU, bytes, pods. */
export interface Amounts {
  readonly cpu: number
  readonly memory: number
  readonly "ephemeral-storage": number
  readonly pods: number
}

/** What live nodes of a plan have: the least of each, where they differ. */
export interface Measured {
  readonly capacity: Amounts
  readonly allocatable: Amounts
}

const mebi = 2 ** 20
const names = ["cpu", "memory", "ephemeral-storage", "pods"] as const

/** The kubelet's default hard eviction threshold, the one thing that LKE nodes reserve. */
const hardEviction = 100 * mebi

/** LKE runs every kubelet with its default. */
const mostPods = 110

/** Share of a disk that becomes the file system, and share of that which pods may use (two LKE nodes measured). */
const fileSystem = 0.983
const usableDisk = 0.9

/** Seen on LKE nodes: 3.3 % of 2 GiB and 4.1 % of 4 GiB are not there; never assume less. */
const kernelShare = 0.042
const leastKernel = 68 * mebi

type Round = "up" | "down"
type Read = (quantity: string | number, round: Round) => number

/** Zero for what is not a quantity: a NodeClass was checked, and a node that talks nonsense is not counted on. */
const quantity = (text: string | number | undefined, read: Read, round: Round): number => {
  try {
    return text === undefined ? 0 : read(text, round)
  } catch (error) {
    if (error instanceof MalformedQuantity) return 0
    throw error
  }
}

const amountsOf = (list: Readonly<Record<string, string | number>> | undefined, round: Round): Amounts => ({
  cpu: quantity(list?.cpu, toMillis, round),
  memory: quantity(list?.memory, toUnits, round),
  "ephemeral-storage": quantity(list?.["ephemeral-storage"], toUnits, round),
  pods: quantity(list?.pods, toUnits, round)
})

const combine = (a: Amounts, b: Amounts, f: (a: number, b: number) => number): Amounts => ({
  cpu: f(a.cpu, b.cpu),
  memory: f(a.memory, b.memory),
  "ephemeral-storage": f(a["ephemeral-storage"], b["ephemeral-storage"]),
  pods: f(a.pods, b.pods)
})

/** What a node tells about its plan; undefined where it tells nothing that could be believed. */
const toldBy = oncePer((node: Node): Measured & { readonly type: string } | undefined => {
  const type = node.metadata.labels?.[label.instanceType]
  const ready = node.status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True")
  if (type === undefined || ready !== true) return undefined
  const capacity = amountsOf(node.status?.capacity, "down")
  const allocatable = amountsOf(node.status?.allocatable, "down")
  const isNonsense = names.some((name) => allocatable[name] <= 0 || allocatable[name] > capacity[name])
  return isNonsense ? undefined : { type, capacity, allocatable }
})

const isWithin = (a: Amounts, b: Amounts): boolean => names.every((name) => a[name] <= b[name])

/** What the nodes that are ready tell about their plans. A restart loses nothing: the nodes are still there. */
export const measure = (nodes: ReadonlyArray<Node>): ReadonlyMap<string, Measured> => {
  const measured = new Map<string, Measured>()
  for (const node of nodes) {
    const told = toldBy(node)
    if (told === undefined) continue
    const { allocatable, capacity, type } = told
    const known = measured.get(type)
    if (known === undefined) measured.set(type, { capacity, allocatable })
    else if (!isWithin(known.capacity, capacity) || !isWithin(known.allocatable, allocatable)) {
      measured.set(type, {
        capacity: combine(known.capacity, capacity, Math.min),
        allocatable: combine(known.allocatable, allocatable, Math.min)
      })
    }
  }
  return measured
}

/** `memoryShare`: what the user says of a plan's memory is lost; undefined for what LKE nodes really lose. */
const estimate = ({ disk, memory, vcpus }: LinodeType, memoryShare: number | undefined): Measured => {
  const plan = memory * mebi
  const lost = memoryShare === undefined ? Math.max(leastKernel, plan * kernelShare) : plan * memoryShare
  const capacity: Amounts = {
    cpu: vcpus * 1_000,
    memory: Math.max(0, Math.floor((plan - lost) / mebi) * mebi),
    "ephemeral-storage": Math.floor(disk * fileSystem) * mebi,
    pods: mostPods
  }
  return {
    capacity,
    allocatable: {
      ...capacity,
      memory: Math.max(0, capacity.memory - hardEviction),
      "ephemeral-storage": Math.floor(disk * fileSystem * usableDisk) * mebi
    }
  }
}

/** A percentage of the capacity or a quantity; 100 % switches the threshold off. */
const threshold = (text: string | undefined, capacity: number): number => {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(text ?? "")?.[1]
  if (share === undefined) return quantity(text, toUnits, "up")
  return Number(share) >= 100 ? 0 : Math.ceil(capacity * Number(share) / 100)
}

/**
 * What of the capacity is not for pods. What was measured or estimated is of nodes without these settings, so they only
 * ever keep more room free: reservations are added, an eviction threshold counts where it is above the node's own.
 */
const overheadOf = ({ allocatable, capacity }: Measured, kubelet: Kubelet | undefined): Amounts => {
  const own = combine(capacity, allocatable, (a, b) => a - b)
  const evictions = Math.max(
    threshold(kubelet?.evictionHard?.["memory.available"], capacity.memory),
    threshold(kubelet?.evictionSoft?.["memory.available"], capacity.memory)
  )
  const reserved = combine(amountsOf(kubelet?.kubeReserved, "up"), amountsOf(kubelet?.systemReserved, "up"), (a, b) => a + b)
  const all = combine({ ...own, memory: Math.max(own.memory, evictions) }, { ...reserved, pods: 0 }, (a, b) => a + b)
  return combine(all, capacity, Math.min)
}

const written = (amounts: Amounts): Resources =>
  Object.fromEntries(names.filter((name) => amounts[name] > 0).map((name) => [name, formatAmount(name, amounts[name])]))

/**
 * Capacity and overhead of a node of this plan, as Kubernetes quantities. Zeros are left out. `sent`: kubelets are given the
 * settings, and `measured` is of nodes that were started with them.
 */
export const roomOf = (
  type: LinodeType,
  kubelet: Kubelet | undefined,
  measured: Measured | undefined,
  memoryShare: number | undefined,
  sent = false
): { readonly capacity: Resources; readonly overhead: Resources } => {
  const known = measured ?? estimate(type, memoryShare)
  // What such nodes say of themselves has the settings in it already.
  const settings = sent && measured !== undefined ? undefined : kubelet
  const perCore = settings?.podsPerCore ?? 0
  const most = sent ? settings?.maxPods ?? known.capacity.pods : Math.min(known.capacity.pods, settings?.maxPods ?? Infinity)
  const pods = Math.min(most, perCore > 0 ? perCore * type.vcpus : Infinity)
  const capacity = { ...known.capacity, pods }
  const overhead = overheadOf({ capacity, allocatable: { ...known.allocatable, pods } }, settings)
  return {
    capacity: { ...written(capacity), ...(type.gpus > 0 ? { "nvidia.com/gpu": String(type.gpus) } : {}) },
    overhead: written(overhead)
  }
}
