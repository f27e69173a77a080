/** Nodes that are there, with pods of the apps on them. */
import type { ExistingNode, NodePool, Pod } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import type { App } from "./pods.ts"
import type { Rules } from "./rules.ts"
import { capacityTypeLabel, driver, shapeLabel, taints, teamLabel, zoneLabel } from "./rules.ts"

const runningFrom = (d: Dice, node: number, i: number, apps: ReadonlyArray<App>): Pod => {
  const { labels, namespace, spec } = d.pick(apps)
  const { topologySpreadConstraints, affinity } = spec
  return {
    metadata: { name: `bound${node}-${i}`, namespace, uid: `uid-bound${node}-${i}`, labels },
    spec: {
      containers: [{ resources: { requests: { cpu: "300m" } } }],
      ...(topologySpreadConstraints === undefined ? {} : { topologySpreadConstraints }),
      ...(affinity === undefined ? {} : { affinity })
    }
  }
}

export const nodeFrom = (
  d: Dice, i: number, pools: ReadonlyArray<NodePool>, zones: ReadonlyArray<string>, apps: ReadonlyArray<App>, rules: Rules
): ExistingNode => {
  const cpu = d.pick([2, 4, 8])
  const owner = d.chance(0.7) ? d.pick(pools).metadata.name : undefined
  const resources = { cpu, memory: `${cpu * 2}Gi`, pods: 20 }
  return {
    name: `n${i}`,
    ...(owner === undefined ? {} : { nodePool: owner }),
    labels: {
      [zoneLabel]: d.pick(zones), [shapeLabel]: d.pick(["shared", "dedicated"]), "kubernetes.io/os": "linux",
      "kubernetes.io/hostname": `n${i}`, [capacityTypeLabel]: d.pick(["on-demand", "spot"]),
      ...(d.chance(0.3) ? { [teamLabel]: "a" } : {}),
      ...(owner === undefined ? {} : { "karpenter.sh/nodepool": owner })
    },
    taints: rules.has("taints") && d.chance(0.3) ? [d.pick(taints)] : [],
    capacity: resources,
    allocatable: resources,
    initialized: d.chance(0.7),
    pods: times(d.upTo(4), (p) => runningFrom(d, i, p, apps)),
    ...(rules.has("volumeLimits") && d.chance(0.7) ? { volumeLimits: { [driver]: 1 + d.upTo(3) } } : {})
  }
}
