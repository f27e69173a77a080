/** The batches that scheduling is timed on, as the rival reads them and as we do. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { instanceTypesOf } from "../src/cloud/instanceTypes.ts"
import type { Pod, Problem } from "../src/scheduling/index.ts"
import type { PeerNode, PeerProblem } from "./peer.ts"
import { peerOf, problemOf } from "./peer.ts"
import type { Rival } from "./rival.ts"

export interface Mix {
  readonly name: string
  readonly pods: number
  readonly what: string
  /** How many times faster than the rival the plan has to be there. */
  readonly goal?: { readonly warm: number; readonly cold: number }
  /** Only ours: the rival would need hours. */
  readonly alone?: boolean
  readonly make: (rival: Rival) => Promise<{ readonly peer: PeerProblem; readonly problem: Problem }>
}

const capacityType = "karpenter.sh/capacity-type"
const zoneLabel = "topology.kubernetes.io/zone"
const typeLabel = "node.kubernetes.io/instance-type"
const region = "us-ord"

const upstream = async (rival: Rival, mix: "diverse" | "preference", pods: number): Promise<PeerProblem> =>
  JSON.parse(await rival.generate(mix, pods)) as PeerProblem

const both = (peer: PeerProblem) => ({ peer, problem: problemOf(peer) })

type Plan = Parameters<typeof instanceTypesOf>[0][number]["type"]

/** Linode's standard and dedicated plans of up to 16 CPUs, at their prices. */
const plans = () => {
  const text = readFileSync(resolve(import.meta.dirname, "../data/linode-types.json"), "utf8")
  const { data } = JSON.parse(text) as { readonly data: ReadonlyArray<Plan> }
  const chosen = data.flatMap((type) => {
    const { hourly } = type.price
    const isMeant = /^g6-(standard|dedicated)-/.test(type.id) && type.vcpus <= 16
    return isMeant && hourly !== null ? [{ type, price: hourly, available: true }] : []
  })
  return instanceTypesOf(chosen, undefined, { region, measured: new Map(), memoryShare: undefined, soldOut: new Set() })
}

/** Values in a fixed disorder. */
const sequence = (seed: number): <A>(from: ReadonlyArray<A>) => A => {
  let x = seed
  return (from) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return from[Math.floor(x / 4294967296 * from.length)]!
  }
}

const podOf = (name: string, cpu: number, mebibytes: number, nodeName?: string): Pod => ({
  metadata: { name, namespace: "default", labels: { "my-label": "a" } },
  spec: {
    ...(nodeName === undefined ? {} : { nodeName }),
    containers: [{ resources: { requests: { cpu: `${cpu}m`, memory: `${mebibytes}Mi` } } }]
  }
})

const linode = (count: number): Problem => {
  const pick = sequence(7)
  return {
    version: 1,
    pods: Array.from({ length: count }, (_, i) => podOf(
      `p${String(i).padStart(5, "0")}`, pick([100, 250, 500, 1000, 1500]), pick([100, 256, 512, 1024, 2048, 4096])
    )),
    nodePools: [{
      metadata: { name: "default" },
      spec: { template: { spec: { requirements: [{ key: capacityType, operator: "In", values: ["on-demand"] }] } } }
    }],
    instanceTypes: { default: plans() },
    nodes: [],
    daemonSets: [],
    wellKnownLabels: [...new Set(plans().flatMap(({ labels = {} }) => Object.keys(labels)))]
      .filter((key) => key.startsWith("karpenter.k8s.linode/"))
  }
}

/** The batch on a cluster of so many nodes of one type, each with two pods that leave it room for two or three of the batch. */
const onNodes = (
  peer: PeerProblem, type: string, zones: ReadonlyArray<string>, count: number, cpu: number, mebibytes: number
): PeerProblem => {
  const { labels, requirements = [] } = peer.instanceTypes.find(({ name }) => name === type)!
  const single = requirements.flatMap(({ key, operator, values = [] }) =>
    operator === "In" && values.length === 1 ? [[key, values[0]!]] : [])
  const names = Array.from({ length: count }, (_, i) => `node-${String(i).padStart(4, "0")}`)
  const nodes = names.map((name, i): PeerNode => ({
    metadata: {
      name,
      labels: {
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", ...Object.fromEntries(single), ...labels,
        [typeLabel]: type, [zoneLabel]: zones[i % zones.length]!, [capacityType]: "on-demand", "karpenter.sh/nodepool": "default"
      }
    }
  }))
  const running = names.flatMap((name) => [0, 1].map((i) => podOf(`running-${name}-${i}`, cpu, mebibytes, name)))
  return { ...peer, nodes, pods: [...peer.pods, ...running] }
}

const diverse = (pods: number, warm: number, cold: number): Mix => ({
  name: `diverse-${pods}`, pods, what: `diverse, ${pods.toLocaleString("en")} pods`, goal: { warm, cold },
  make: async (rival) => both(await upstream(rival, "diverse", pods))
})

export const mixes: ReadonlyArray<Mix> = [
  diverse(1000, 100, 15),
  diverse(5000, 400, 60),
  diverse(10_000, 800, 150),
  diverse(20_000, 1500, 300),
  {
    name: "preference-1000", pods: 1000, what: "preference pods, 1,000", goal: { warm: 500, cold: 100 },
    make: async (rival) => both(await upstream(rival, "preference", 1000))
  },
  {
    name: "linode-5000", pods: 5000, what: "Linode catalogue, 5,000 pods", goal: { warm: 1000, cold: 100 },
    make: async () => ({ problem: linode(5000), peer: peerOf(linode(5000)) })
  },
  {
    name: "diverse-on-nodes-5000", pods: 5000, what: "diverse, 5,000 pods, half of them on 1,000 nodes",
    make: async (rival) => both(onNodes(
      await upstream(rival, "diverse", 5000), "fake-it-3", ["test-zone-1", "test-zone-2", "test-zone-3"], 1000, 1050, 2150
    ))
  },
  {
    name: "linode-on-nodes-5000", pods: 5000, what: "Linode catalogue, 5,000 pods, half of them on 1,000 nodes",
    make: async () => both(onNodes(peerOf(linode(5000)), "g6-standard-4", [region], 1000, 700, 1300))
  },
  {
    name: "diverse-100000", pods: 100_000, what: "diverse, 100,000 pods", alone: true,
    make: async (rival) => both(await upstream(rival, "diverse", 100_000))
  }
]
