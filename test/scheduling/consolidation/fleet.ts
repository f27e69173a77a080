/** Fleets as months of coming and going leave them: nodes of many types, partly used. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { instanceTypesOf } from "../../../src/cloud/instanceTypes.ts"
import type { Candidate, ConsolidationProblem } from "../../../src/scheduling/consolidation/contract.ts"
import type { InstanceType, NodePool, Pod } from "../../../src/scheduling/index.ts"
import { toMillis, toUnits } from "../../../src/scheduling/index.ts"

type LinodeType = Parameters<typeof instanceTypesOf>[0][number]["type"]

/** Linode's price list without what has GPUs. */
export const linodeTypes = (): ReadonlyArray<InstanceType> => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../data/linode-types.json"), "utf8")
  const { data } = JSON.parse(text) as { readonly data: ReadonlyArray<LinodeType> }
  const plans = data.flatMap((type) =>
    type.price.hourly === null || type.gpus > 0 || (type.accelerated_devices ?? 0) > 0 || type.class === "nanode" ? []
      : [{ type, price: type.price.hourly, available: true }])
  return instanceTypesOf(plans, undefined, { region: "us-ord", measured: new Map(), memoryShare: undefined, soldOut: new Set() })
}

/** Numbers from a seed, from 0 to below 1. */
export const chance = (seed: number): () => number => {
  let x = Math.imul(seed, 2654435761) | 1
  return () => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return (x >>> 0) / 4294967296
  }
}

export interface FleetParts {
  readonly nodes: number
  readonly seed: number
  readonly types: ReadonlyArray<InstanceType>
  /** Names of those that the nodes there are of. */
  readonly among: ReadonlyArray<string>
  /** How full nodes are, from and to. */
  readonly used?: readonly [number, number]
  /** How many of the nodes may not go. */
  readonly immovable?: number
  readonly nodePools?: ReadonlyArray<NodePool>
  /** What pods ask for: thousandths of a CPU, and MiB. */
  readonly cpu?: ReadonlyArray<number>
  readonly memory?: ReadonlyArray<number>
}

export const fleet = ({
  among, cpu: cpus = [100, 250, 500, 1000, 1500, 2000], immovable = 0, memory: memories = [128, 256, 512, 1024, 2048], nodePools, nodes, seed,
  types, used: [least, most] = [0.1, 0.8]
}: FleetParts): ConsolidationProblem => {
  const random = chance(seed)
  const pick = <A>(from: ReadonlyArray<A>): A => from[Math.floor(random() * from.length)]!
  const candidates: Array<Candidate> = []
  let count = 0
  const there = Array.from({ length: nodes }, (_, i) => {
    const of = pick(among)
    const type = types.find(({ name }) => name === of)!
    const name = `n${String(i).padStart(4, "0")}`
    const { price, zone } = type.offerings[0]!
    const room = {
      cpu: toMillis(type.capacity["cpu"]!) - toMillis(type.overhead?.["cpu"] ?? 0),
      memory: (toUnits(type.capacity["memory"]!) - toUnits(type.overhead?.["memory"] ?? 0)) / 1024 ** 2
    }
    const target = least + random() * (most - least)
    const pods: Array<Pod> = []
    for (let cpu = 0, memory = 0;;) {
      const [c, m] = [pick(cpus), pick(memories)]
      cpu += c
      memory += m
      if (cpu > room.cpu * target || memory > room.memory * target) break
      const pod = `p${String(count++).padStart(6, "0")}`
      pods.push({
        metadata: { name: pod, namespace: "default", uid: Math.floor(random() * 2 ** 52).toString(16), labels: { app: `app-${count % 40}` } },
        spec: { nodeName: name, containers: [{ resources: { requests: { cpu: `${c}m`, memory: `${m}Mi` } } }] }
      })
    }
    if (random() >= immovable) {
      candidates.push({
        node: name, hourlyPrice: price, moving: pods.map(({ metadata }) => `default/${metadata.name}`), disruptionCost: 1 + pods.length,
        nodePool: "default"
      })
    }
    return {
      name,
      nodePool: "default",
      labels: {
        "kubernetes.io/hostname": name, "karpenter.sh/nodepool": "default", "node.kubernetes.io/instance-type": type.name,
        "topology.kubernetes.io/zone": zone, "karpenter.sh/capacity-type": "on-demand", "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"
      },
      taints: [],
      capacity: type.capacity,
      allocatable: { cpu: `${room.cpu}m`, memory: `${room.memory}Mi`, pods: type.capacity["pods"]! },
      initialized: true,
      pods
    }
  })
  const pools = nodePools ?? [{ metadata: { name: "default" }, spec: { template: { spec: { requirements: [] } } } }]
  return {
    version: 1, pods: [], nodePools: pools, instanceTypes: { default: types }, nodes: there, daemonSets: [], candidates
  }
}
