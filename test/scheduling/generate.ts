/** Problems out of a seed: small, crowded, with every rule in play. */
import type {
  DaemonSet, ExistingNode, InstanceType, NodePool, Pod, PodSpec, Problem, Requirement
} from "../../src/scheduling/index.ts"

export interface Dice {
  readonly chance: (probability: number) => boolean
  readonly upTo: (n: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

export const dice = (seed: number): Dice => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
  const upTo = (n: number): number => Math.floor(next() * n)
  return { chance: (probability) => next() < probability, upTo, pick: (from) => from[upTo(from.length)]! }
}

const zone = "topology.kubernetes.io/zone"
const capacityType = "karpenter.sh/capacity-type"
const shape = "linode/class"
const generation = "linode/generation"
const team = "example.com/team"
const typeLabel = "node.kubernetes.io/instance-type"
const hostname = "kubernetes.io/hostname"
const taints = [
  {
    key: "gpu", value: "yes", effect: "NoSchedule"
  }, { key: "batch", effect: "NoExecute" }, { key: "slow", effect: "PreferNoSchedule" }
]
const apps = ["web", "db", "job", "cache"]

const times = <A>(n: number, make: (i: number) => A): ReadonlyArray<A> => Array.from({ length: n }, (_, i) => make(i))

const typeFrom = (d: Dice, i: number, zones: ReadonlyArray<string>): InstanceType => {
  const cpu = d.pick([1, 2, 4, 8, 16])
  const gi = cpu * d.pick([1, 2, 4])
  return {
    name: `t${i}`,
    capacity: {
      cpu, memory: `${gi}Gi`, pods: d.pick([5, 20, 110]), ...(d.chance(0.15) ? { "nvidia.com/gpu": d.pick([1, 2]) } : {})
    },
    ...(d.chance(0.7) ? { overhead: { cpu: "100m", memory: "256Mi" } } : {}),
    labels: { [shape]: d.pick(["shared", "dedicated"]), ...(d.chance(0.8) ? { [generation]: String(d.pick([6, 7, 8])) } : {}) },
    offerings: zones.flatMap((name) => d.pick([["on-demand"], ["on-demand", "spot"]]).map((kind) => ({
      zone: name,
      capacityType: kind,
      price: Math.round((cpu * 10 + gi * 3) * (kind === "spot" ? 0.4 : 1) * (0.8 + d.upTo(5) / 10) * 1000) / 1e6,
      ...(d.chance(0.15) ? { available: false } : {})
    })))
  }
}

const poolRequirements = (d: Dice): ReadonlyArray<Requirement> => [
  ...(d.chance(0.25) ? [{ key: shape, operator: "In", values: ["shared"] }] : []),
  ...(d.chance(0.2) ? [{ key: generation, operator: d.pick(["Gt", "Gte"]), values: ["6"] }] : []),
  ...(d.chance(0.3) ? [{ key: capacityType, operator: "In", values: ["on-demand"] }] : []),
  ...(d.chance(0.2) ? [{ key: team, operator: "In", values: ["a", "b"] }] : []),
  ...(d.chance(0.1) ? [{ key: team, operator: "Exists" }] : []),
  ...(d.chance(0.1) ? [{ key: typeLabel, operator: "Exists", minValues: 2 }] : [])
]

const poolFrom = (d: Dice, i: number): NodePool => ({
  metadata: { name: `pool${i}` },
  spec: {
    ...(d.chance(0.5) ? { weight: d.upTo(3) * 10 } : {}),
    ...(
      d.chance(0.35) ? { limits: {
        ...(d.chance(0.7) ? { cpu: d.pick([8, 20, 60]) } : {}), ...(d.chance(0.4) ? { nodes: d.pick([1, 3]) } : {}),
        ...(d.chance(0.2) ? { memory: "40Gi" } : {})
      } } : {}
    ),
    template: {
      ...(d.chance(0.3) ? { metadata: { labels: { "example.com/tier": d.pick(["front", "back"]) } } } : {}),
      spec: { requirements: poolRequirements(d), ...(d.chance(0.3) ? { taints: [d.pick(taints)] } : {}) }
    }
  }
})

const expression = (d: Dice): Requirement => d.pick<Requirement>([
  { key: shape, operator: d.pick(["In", "NotIn"]), values: [d.pick(["shared", "dedicated"])] },
  { key: generation, operator: d.pick(["Gt", "Lt", "In", "NotIn"]), values: [d.pick(["6", "7"])] },
  { key: generation, operator: d.pick(["Exists", "DoesNotExist"]) },
  { key: team, operator: d.pick(["In", "NotIn"]), values: [d.pick(["a", "b", "c"])] },
  { key: "example.com/tier", operator: d.pick(["In", "NotIn", "DoesNotExist"]), values: ["front"] },
  { key: zone, operator: d.pick(["In", "NotIn"]), values: [d.pick(["z1", "z2"])] },
  { key: capacityType, operator: "In", values: [d.pick(["spot", "on-demand"])] }
])

/** What all pods of an app have in common: the rules about each other. */
const manners = (app: string, seed: number): Partial<PodSpec> => {
  const d = dice(seed * 31 + apps.indexOf(app))
  const labelSelector = { matchLabels: { app } }
  const roll = d.upTo(8)
  if (roll === 0) {
    return { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{
      topologyKey: hostname, labelSelector: { matchLabels: { app: d.pick(apps) } }
    }] } } }
  }
  if (roll > 2) return {}
  const topologyKey = roll === 1 ? hostname : zone
  return { topologySpreadConstraints: [{
    maxSkew: 1 + d.upTo(3), topologyKey, whenUnsatisfiable: "DoNotSchedule", labelSelector
  }] }
}

const specFrom = (d: Dice): PodSpec => ({
  containers: times(d.pick([1, 1, 2]), () => ({
    resources: {
      requests: {
        ...(d.chance(0.9) ? { cpu: d.pick(["100m", "250m", "500m", 1, "1500m", 3]) } : {}),
        ...(d.chance(0.9) ? { memory: d.pick(["64Mi", "300Mi", "1Gi", "2500Mi", "6Gi"]) } : {}),
        ...(d.chance(0.05) ? { "nvidia.com/gpu": 1 } : {})
      }
    },
    ...(d.chance(0.07) ? { ports: [{ hostPort: d.pick([80, 443]) }] } : {})
  })),
  ...(
    d.chance(0.1) ? { initContainers: [
      { restartPolicy: "Always", resources: { requests: { cpu: "200m" } } },
      { resources: { requests: { cpu: d.pick(["100m", 2]) } } }
    ] } : {}
  ),
  ...(d.chance(0.05) ? { overhead: { cpu: "50m", memory: "100Mi" } } : {}),
  ...(
    d.chance(0.15) ? { nodeSelector: d.pick(
      [{ [shape]: "dedicated" }, { [zone]: "z1" }, { [team]: "a" }, { "example.com/tier": "front" }]
    ) } : {}
  ),
  ...(
    d.chance(0.3) ? { tolerations: d.pick(
      [
        [{ operator: "Exists" }], [{ key: "gpu", operator: "Equal", value: "yes" }],
        [{ key: "batch", operator: "Exists", effect: "NoExecute" }]
      ]
    ) } : {}
  ),
  ...(d.chance(0.3)
    ? {
      affinity: {
        nodeAffinity: {
          ...(
            d.chance(0.6) ? { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: times(
              1 + d.upTo(3), () => ({ matchExpressions: times(1 + d.upTo(2), () => expression(d)) })
            ) } } : {}
          ),
          ...(
            d.chance(0.6) ? { preferredDuringSchedulingIgnoredDuringExecution: times(
              1 + d.upTo(2), () => ({ weight: 1 + d.upTo(100), preference: { matchExpressions: [expression(d)] } })
            ) } : {}
          )
        }
      }
    }
    : {})
})

const podFrom = (d: Dice, name: string, seed: number): Pod => {
  const app = d.pick(apps)
  const rules = manners(app, seed)
  const spec = specFrom(d)
  return {
    metadata: {
      name, namespace: "default", uid: `uid-${name}`, creationTimestamp: `2026-01-0${1 + d.upTo(3)}T00:00:00Z`, labels: { app }
    },
    spec: {
      ...spec, ...rules,
      ...(
        rules.affinity === undefined && spec.affinity === undefined ? {} : { affinity: { ...spec.affinity, ...rules.affinity } }
      )
    }
  }
}

const nodeFrom = (
  d: Dice, i: number, pools: ReadonlyArray<NodePool>, zones: ReadonlyArray<string>, seed: number
): ExistingNode => {
  const cpu = d.pick([2, 4, 8])
  const owner = d.chance(0.7) ? d.pick(pools).metadata.name : undefined
  const resources = { cpu, memory: `${cpu * 2}Gi`, pods: 20 }
  return {
    name: `n${i}`,
    ...(owner === undefined ? {} : { nodePool: owner }),
    labels: {
      [zone]: d.pick(zones), [shape]: d.pick(["shared", "dedicated"]), "kubernetes.io/os": "linux",
      ...(d.chance(0.3) ? { [team]: "a" } : {})
    },
    taints: d.chance(0.2) ? [d.pick(taints)] : [],
    capacity: resources,
    allocatable: resources,
    initialized: d.chance(0.7),
    pods: times(d.upTo(3), (p) => {
      const app = d.pick(apps)
      return {
        metadata: { name: `bound${i}-${p}`, namespace: "default", labels: { app } },
        spec: { containers: [{ resources: { requests: { cpu: "300m" } } }], ...manners(app, seed) }
      }
    })
  }
}

const daemonFrom = (d: Dice, i: number): DaemonSet => ({
  metadata: { name: `d${i}`, namespace: "kube-system" },
  spec: {
    template: {
      spec: {
        containers: [{ resources: { requests: { cpu: d.pick(["50m", "200m"]), memory: "100Mi" } } }],
        ...(d.chance(0.4) ? { tolerations: [{ operator: "Exists" }] } : {}),
        ...(d.chance(0.3) ? { nodeSelector: { [shape]: "shared" } } : {})
      }
    }
  }
})

export const generate = (seed: number): Problem => {
  const d = dice(seed)
  const zones = d.pick([["z1"], ["z1"], ["z1", "z2"], ["z1", "z2", "z3"]])
  const nodePools = times(1 + d.upTo(3), (i) => poolFrom(d, i))
  const shared = times(2 + d.upTo(8), (i) => typeFrom(d, i, zones))
  return {
    version: 1,
    pods: times(1 + d.upTo(40), (i) => podFrom(d, `p${i}`, seed)),
    nodePools,
    instanceTypes: Object.fromEntries(
      nodePools.map((pool) => [pool.metadata.name, d.chance(0.8) ? shared : times(1 + d.upTo(4), (i) => typeFrom(d, i, zones))])
    ),
    nodes: times(d.upTo(5), (i) => nodeFrom(d, i, nodePools, zones, seed)),
    daemonSets: times(d.upTo(3), (i) => daemonFrom(d, i)),
    wellKnownLabels: [shape, generation],
    options: {
      assert: true,
      preferencePolicy: d.pick(["Respect", "Respect", "Ignore"]),
      minValuesPolicy: d.pick(["Strict", "BestEffort"]),
      ...(d.chance(0.2) ? { maxInstanceTypes: 3 } : {})
    }
  }
}

/** The same problem with every list in another order. */
export const shuffled = (problem: Problem, seed: number): Problem => {
  const d = dice(seed)
  const mix = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> => {
    const out = [...list]
    for (let i = out.length - 1; i > 0; i--) {
      const j = d.upTo(i + 1)
      ;[out[i], out[j]] = [out[j]!, out[i]!]
    }
    return out
  }
  return {
    ...problem,
    pods: mix(problem.pods),
    nodePools: mix(problem.nodePools),
    instanceTypes: Object.fromEntries(mix(Object.entries(problem.instanceTypes)).map(([name, types]) => [name, mix(types)])),
    nodes: mix(problem.nodes).map((node) => ({ ...node, pods: mix(node.pods) })),
    daemonSets: mix(problem.daemonSets)
  }
}
