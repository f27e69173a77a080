/** What plans cost on Linode's price list, measured against the lower bound: first-fit, and the search with several budgets. */
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { instanceTypesOf } from "../src/cloud/instanceTypes.ts"
import type { DaemonSet, InstanceType, NodePool, Pod, PodSpec, Problem, Resources } from "../src/scheduling/index.ts"
import { solve } from "../src/scheduling/index.ts"

const catalogue = resolve(import.meta.dirname, "../data/linode-types.json")
const region = "us-ord"

/** Budgets of the search, in milliseconds. */
export const budgets = [50, 200, 2000]

export interface CostRow {
  readonly mix: string
  readonly pods: number
  readonly plans: string
  /** US dollars an hour. */
  readonly bound: number
  readonly firstFit: number
  /** By budget. */
  readonly searched: ReadonlyArray<number>
  readonly nodes: { readonly firstFit: number; readonly searched: number }
}

type LinodeType = Parameters<typeof instanceTypesOf>[0][number]["type"]

const allTypes = (): ReadonlyArray<InstanceType> => {
  const { data } = JSON.parse(readFileSync(catalogue, "utf8")) as { readonly data: ReadonlyArray<LinodeType> }
  const plans = data.flatMap((type) =>
    type.price.hourly === null || type.gpus > 0 || (type.accelerated_devices ?? 0) > 0 || type.class === "nanode" ? []
      : [{ type, price: type.price.hourly, available: true }])
  return instanceTypesOf(plans, undefined, { region, measured: new Map(), memoryShare: undefined, soldOut: new Set() })
}

const plansNamed: Readonly<Record<string, (type: InstanceType) => boolean>> = {
  "standard+dedicated": ({ name }) => /^g6-(standard|dedicated)-/.test(name),
  all: () => true
}

/** Numbers from a seed. */
const dice = (seed: number): <A>(from: ReadonlyArray<A>) => A => {
  let x = Math.imul(seed, 2654435761) | 1
  return (from) => {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    return from[Math.floor((x >>> 0) / 4294967296 * from.length)]!
  }
}

interface Mix {
  readonly cpu: ReadonlyArray<number>
  readonly memory: ReadonlyArray<number>
  readonly spec?: (i: number, pick: <A>(from: ReadonlyArray<A>) => A) => Partial<PodSpec> & { readonly app?: string }
  readonly daemonSets?: ReadonlyArray<DaemonSet>
  readonly nodePools?: ReadonlyArray<NodePool>
  readonly zones?: ReadonlyArray<string>
}

const zoneLabel = "topology.kubernetes.io/zone"

const pool = (name: string, weight: number, limits?: Resources): NodePool => ({
  metadata: { name },
  spec: {
    weight,
    ...(limits === undefined ? {} : { limits }),
    template: { spec: {
      requirements: [],
      ...(name === "batch" ? { taints: [{ key: "batch", effect: "NoSchedule" }] } : {})
    } }
  }
})

const daemon = (name: string, requests: Resources): DaemonSet => ({
  metadata: { name, namespace: "kube-system" },
  spec: { template: { spec: { containers: [{ resources: { requests } }], tolerations: [{ operator: "Exists" }] } } }
})

const balanced: Mix = { cpu: [100, 250, 500, 1000, 1500, 2000], memory: [256, 512, 1024, 2048, 4096] }
const mixes: Readonly<Record<string, Mix>> = {
  balanced,
  wild: { cpu: [50, 100, 333, 750, 1250, 2000, 3700, 6500], memory: [96, 300, 777, 1500, 4096, 9000, 20000, 33000] },
  "memory-heavy": { cpu: [50, 100, 250, 500], memory: [1024, 2048, 4096, 6144, 8192] },
  "cpu-heavy": { cpu: [500, 1000, 1500, 2000, 3000], memory: [128, 256, 512, 1024] },
  daemons: {
    ...balanced,
    daemonSets: [daemon("proxy", { cpu: "100m", memory: "128Mi" }), daemon("logs", { cpu: "50m", memory: "200Mi" })]
  },
  zones: {
    ...balanced,
    zones: ["a", "b", "c"],
    spec: (_, pick) => ({ nodeSelector: pick<Record<string, string>>([{}, {}, { [zoneLabel]: "a" }, { [zoneLabel]: "b" }]) })
  },
  "anti-affinity": {
    ...balanced,
    spec: (_, pick) => {
      const app = pick(["a", "b", "c", "", "", ""])
      return app === "" ? {} : { app, affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } }
      ] } } }
    }
  },
  "several pools": {
    ...balanced,
    nodePools: [pool("first", 10, { cpu: "100" }), pool("rest", 0), pool("batch", 10)],
    spec: (_, pick) => ({ tolerations: pick<PodSpec["tolerations"] & object>([[], [], [{ key: "batch", operator: "Exists" }]]) })
  }
}

/** A batch of so many pods of a mix, on plans of these names. */
export const costProblem = (name: string, count: number, plans: string): Problem => {
  const mix = mixes[name]!
  const pick = dice(count + 7)
  const zones = mix.zones ?? [region]
  const types = allTypes().filter(plansNamed[plans]!).map((type) => ({
    ...type,
    offerings: type.offerings.flatMap((offering) => zones.map((zone) => ({ ...offering, zone })))
  }))
  const nodePools = mix.nodePools ?? [pool("default", 0)]
  return {
    version: 1,
    pods: Array.from({ length: count }, (_, i): Pod => {
      const { app, ...spec } = mix.spec?.(i, pick) ?? {}
      const name = `p${String(i).padStart(5, "0")}`
      const requests = { cpu: `${pick(mix.cpu)}m`, memory: `${pick(mix.memory)}Mi` }
      return {
        metadata: { name, namespace: "default", ...(app === undefined ? {} : { labels: { app } }) },
        spec: { containers: [{ resources: { requests } }], ...spec }
      }
    }),
    nodePools,
    instanceTypes: Object.fromEntries(nodePools.map(({ metadata }) => [metadata.name, types])),
    nodes: [],
    daemonSets: mix.daemonSets ?? []
  }
}

const row = (mix: string, pods: number, plans: string): CostRow => {
  const given = costProblem(mix, pods, plans)
  const solution = solve(given)
  const { totals } = solution.first
  const found = budgets.map((budget) => {
    const end = performance.now() + budget
    return solution.improve({ steps: 1e9, isSpent: () => performance.now() >= end })
  })
  return {
    mix,
    pods,
    plans,
    bound: found[0]!.totals.lowerBound!,
    firstFit: totals.hourlyPrice,
    searched: found.map((plan) => plan.totals.hourlyPrice),
    nodes: { firstFit: totals.newNodes, searched: found[1]!.totals.newNodes }
  }
}

export const sizes = [50, 100, 1000, 5000]

/** The table, row by row, as they are measured. */
export function* costRows(counts: ReadonlyArray<number> = sizes): Generator<CostRow> {
  for (const plans of Object.keys(plansNamed)) {
    for (const mix of Object.keys(mixes)) for (const pods of counts) yield row(mix, pods, plans)
  }
}

const mean = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length

/** Means over the rows that the goal is about: 100 pods and more, standard and dedicated plans. First-fit, then by budget. */
export const means = (rows: ReadonlyArray<CostRow>): ReadonlyArray<number> => {
  const counted = rows.filter(({ plans, pods }) => plans === "standard+dedicated" && pods >= 100)
  return [
    mean(counted.map(({ bound, firstFit }) => firstFit / bound)),
    ...budgets.map((_, i) => mean(counted.map(({ bound, searched }) => searched[i]! / bound)))
  ]
}

const times = (number: number): string => number.toFixed(3)

/** The table in Markdown. */
export const costTable = (rows: ReadonlyArray<CostRow>): string => [
  `| mix | pods | plans | bound $/h | first-fit | ${
    budgets.map((budget) => `${budget} ms`).join(" | ")} | nodes: first-fit, ${budgets[1]} ms |`,
  `|---|---|---|---|---|${budgets.map(() => "---|").join("")}---|`,
  ...rows.map(({ mix, pods, plans, bound, firstFit, searched, nodes }) =>
    `| ${mix} | ${pods} | ${plans} | ${bound.toFixed(2)} | ${times(firstFit / bound)} | ${
      searched.map((price) => times(price / bound)).join(" | ")} | ${nodes.firstFit}, ${nodes.searched} |`),
  `| mean, 100 pods and more | | standard+dedicated | | ${means(rows).map(times).join(" | ")} | |`
].join("\n")

if (process.argv[1] === import.meta.filename) {
  const rows: Array<CostRow> = []
  const counts = process.argv[2] === undefined ? sizes : process.argv[2].split(",").map(Number)
  for (const made of costRows(counts)) {
    rows.push(made)
    const ratios = [made.firstFit, ...made.searched].map((price) => times(price / made.bound))
    process.stderr.write(`${made.mix} ${made.pods} ${made.plans}: ${ratios.join(" ")}\n`)
  }
  process.stdout.write(`${costTable(rows)}\n`)
}
