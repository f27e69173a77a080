/** Nodes that are there, with what runs on them. */
import type { ExistingNode, InstanceType, NodePool } from "../../../src/scheduling/index.ts"
import { subtractResources } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import type { Themes } from "./names.ts"
import { driver, label, taints } from "./names.ts"
import type { Workload } from "./pods.ts"
import { podOf } from "./pods.ts"

const fixed = (pool: NodePool): Record<string, string> => {
  const { metadata, spec } = pool.spec.template
  const single = spec.requirements.flatMap(({ key, operator, values = [] }) =>
    operator === "In" && key.startsWith("example.org/") ? [[key, values[0]!]] : [])
  return { ...metadata?.labels, ...Object.fromEntries(single) }
}

/** A node bought for a NodePool, or one that nobody manages. Its pods follow no rule but that they fit. */
export const nodeOf = (
  d: Dice, themes: Themes, i: number, pools: ReadonlyArray<NodePool>, types: ReadonlyArray<InstanceType>,
  workloads: ReadonlyArray<Workload>
): ExistingNode => {
  const type = d.pick(types.filter(({ capacity }) => Number(capacity["cpu"]) <= 8).concat(types[0]!))
  const { capacityType, zone } = d.pick(type.offerings.filter((offering) => offering.capacityType !== "reserved"))
  const pool = d.chance(0.8) ? d.pick(pools) : undefined
  const name = `node-${i}`
  return {
    name,
    ...(pool === undefined ? {} : { nodePool: pool.metadata.name }),
    labels: {
      "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", ...type.labels, ...(pool === undefined ? {} : fixed(pool)),
      [label.zone]: zone, [label.capacityType]: capacityType, [label.instanceType]: type.name, [label.hostname]: name
    },
    taints: pool?.spec.template.spec.taints ?? (d.chance(themes.has("taints") ? 0.3 : 0) ? [d.pick(taints)] : []),
    capacity: type.capacity,
    allocatable: subtractResources(type.capacity, type.overhead),
    initialized: pool === undefined || d.chance(0.8),
    pods: times(d.upTo(4), (p) => {
      const workload = d.pick(workloads)
      const containers = [{ resources: { requests: { cpu: "150m", memory: "100Mi" } } }]
      const running = podOf({ ...workload, spec: { containers } }, `running-${i}-${p}`)
      // Anti-affinity of what runs keeps others away.
      const antiAffinity = workload.spec.affinity?.podAntiAffinity
      return antiAffinity === undefined || d.chance(0.5) ? running
        : { ...running, spec: { ...running.spec, affinity: { podAntiAffinity: antiAffinity } } }
    }),
    ...(themes.has("volumes") ? { volumeLimits: { [driver]: d.pick([1, 2, 8]) } } : {})
  }
}
