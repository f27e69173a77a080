/** What can be bought, and what comes with it: instance types, NodePools, DaemonSets. */
import type { DaemonSet, InstanceType, NodePool, Offering, Requirement } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import type { Rules } from "./rules.ts"
import {
  capacityTypeLabel, driver, generationLabel, shapeLabel, taints, teamLabel, tierLabel, typeLabel, zoneLabel
} from "./rules.ts"

const priced = (d: Dice, cpu: number, gi: number, kind: string): number =>
  Math.round((cpu * 10 + gi * 3) * (kind === "spot" ? 0.4 : kind === "reserved" ? 0.1 : 1) * (0.8 + d.upTo(5) / 10) * 1000) / 1e6

export const typeFrom = (d: Dice, i: number, zones: ReadonlyArray<string>, rules: Rules): InstanceType => {
  const cpu = d.pick([1, 2, 4, 8, 16])
  const gi = cpu * d.pick([1, 2, 4])
  const offering = (zone: string, capacityType: string): Offering => ({
    zone, capacityType, price: priced(d, cpu, gi, capacityType), ...(d.chance(0.12) ? { available: false } : {})
  })
  const reserved = rules.has("reserved") && d.chance(0.4)
  return {
    name: `t${i}`,
    capacity: {
      cpu, memory: `${gi}Gi`, pods: d.pick([5, 20, 110]), ...(d.chance(0.15) ? { "nvidia.com/gpu": d.pick([1, 2]) } : {})
    },
    ...(d.chance(0.7) ? { overhead: { cpu: "100m", memory: "256Mi" } } : {}),
    labels: {
      [shapeLabel]: d.pick(["shared", "dedicated"]), ...(d.chance(0.8) ? { [generationLabel]: String(d.pick([6, 7, 8])) } : {})
    },
    offerings: [
      ...zones.flatMap((zone) => d.pick([["on-demand"], ["on-demand", "spot"]]).map((kind) => offering(zone, kind))),
      ...(reserved ? [{
        ...offering(d.pick(zones), "reserved"), reservationId: `r${i % 3}`, reservationCapacity: 1 + d.upTo(3)
      }] : [])
    ],
    ...(rules.has("volumeLimits") && d.chance(0.7) ? { volumeLimits: { [driver]: 1 + d.upTo(4) } } : {})
  }
}

const poolRequirements = (d: Dice, rules: Rules, zones: ReadonlyArray<string>): ReadonlyArray<Requirement> => [
  ...(d.chance(0.2) ? [{ key: shapeLabel, operator: "In", values: ["shared"] }] : []),
  ...(d.chance(0.15) ? [{ key: generationLabel, operator: d.pick(["Gt", "Gte"]), values: ["6"] }] : []),
  ...(d.chance(0.25) ? [{
    key: capacityTypeLabel, operator: "In", values: d.pick([["on-demand"], ["on-demand", "reserved"], ["spot", "on-demand"]])
  }] : []),
  ...(d.chance(0.15) ? [{ key: zoneLabel, operator: d.pick(["In", "NotIn"]), values: [d.pick(zones)] }] : []),
  ...(d.chance(0.25) ? [{ key: teamLabel, operator: "In", values: d.pick([["a", "b"], ["a"], ["b", "c"]]) }] : []),
  ...(d.chance(0.1) ? [{ key: teamLabel, operator: "Exists" }] : []),
  ...(rules.has("minValues") && d.chance(0.5) ? [d.pick([
    { key: typeLabel, operator: "Exists", minValues: 2 }, { key: shapeLabel, operator: "Exists", minValues: 2 },
    { key: generationLabel, operator: "In", values: ["6", "7", "8"], minValues: 2 }
  ])] : [])
]

export const poolFrom = (d: Dice, i: number, rules: Rules, zones: ReadonlyArray<string>): NodePool => ({
  metadata: { name: `pool${i}` },
  spec: {
    ...(rules.has("weights") && d.chance(0.7) ? { weight: 1 + d.upTo(3) * 10 } : {}),
    ...(
      rules.has("limits") && d.chance(0.7) ? { limits: {
        ...(d.chance(0.7) ? { cpu: d.pick([8, 20, 60]) } : {}), ...(d.chance(0.4) ? { nodes: d.pick([1, 3]) } : {}),
        ...(d.chance(0.2) ? { memory: "40Gi" } : {})
      } } : {}
    ),
    template: {
      ...(d.chance(0.3) ? { metadata: { labels: { [tierLabel]: d.pick(["front", "back"]) } } } : {}),
      spec: {
        requirements: poolRequirements(d, rules, zones),
        ...(rules.has("taints") && d.chance(0.4) ? { taints: [d.pick(taints)] } : {})
      }
    }
  }
})

export const daemonFrom = (d: Dice, i: number): DaemonSet => ({
  metadata: { name: `d${i}`, namespace: "kube-system" },
  spec: {
    template: {
      spec: {
        containers: [{
          resources: { requests: { cpu: d.pick(["50m", "200m"]), memory: "100Mi" } },
          ...(d.chance(0.1) ? { ports: [{ hostPort: 443 }] } : {})
        }],
        ...(d.chance(0.4) ? { tolerations: [{ operator: "Exists" }] } : {}),
        ...(d.chance(0.3) ? { nodeSelector: { [shapeLabel]: "shared" } } : {})
      }
    }
  }
})
