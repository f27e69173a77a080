/** Pods as people run them: deployments of equal pods with rules about their own kind, and single ones. */
import type {
  Container, Pod, PodAffinityTerm, PodSpec, Requirement, Resources, SpreadConstraint, Toleration
} from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import type { Themes } from "./names.ts"
import { apps, label } from "./names.ts"

const requests = (d: Dice): Resources => ({
  cpu: d.pick(["100m", "250m", "500m", "750m", "1", "1500m", "2500m"]),
  memory: d.pick(["64Mi", "256Mi", "512Mi", "1Gi", "2Gi", "3500Mi"])
})

const containers = (d: Dice, themes: Themes): Pick<PodSpec, "containers" | "initContainers" | "overhead"> => {
  const ports = themes.has("hostPorts") && d.chance(0.4)
    ? { ports: [{
      hostPort: d.pick([80, 443]), ...(d.chance(0.3) ? { protocol: "UDP" } : {}), ...(d.chance(0.3) ? { hostIP: "10.0.0.1" } : {})
    }] }
    : {}
  const main: Container = { resources: { requests: d.chance(0.05) ? {} : requests(d) }, ...ports }
  if (!themes.has("requests")) return { containers: [main] }
  const beside: Container = { resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "100m", memory: "32Mi" } } }
  return {
    containers: d.chance(0.3) ? [main, beside] : [main],
    ...(d.chance(0.5) ? { initContainers: [
      ...(d.chance(0.5) ? [{ restartPolicy: "Always", resources: { requests: requests(d) } }] : []),
      { resources: { requests: requests(d) } }
    ] } : {}),
    ...(d.chance(0.2) ? { overhead: { cpu: "50m", memory: "100Mi" } } : {})
  }
}

const expression = (d: Dice, themes: Themes): Requirement => d.pick<Requirement>([
  { key: label.zone, operator: d.pick(["In", "NotIn"]), values: d.some(1 + d.upTo(2), ["a", "b", "c"]) },
  { key: label.family, operator: d.pick(["In", "NotIn"]), values: [d.pick(["shared", "dedicated", "standard"])] },
  { key: label.cpus, operator: d.pick(["Gt", "Lt"]), values: [d.pick(["2", "4", "8"])] },
  { key: label.cpus, operator: d.pick(["Exists", "DoesNotExist", "Exists"]) },
  ...(themes.has("capacityTypes") ? [{ key: label.capacityType, operator: d.pick(["In", "NotIn"]), values: ["spot"] }] : []),
  ...(themes.has("pools") ? [
    { key: label.team, operator: d.pick(["In", "NotIn"]), values: [d.pick(["red", "blue"])] },
    { key: label.tier, operator: d.pick(["Exists", "DoesNotExist"]) }
  ] : [])
])

const nodeAffinity = (d: Dice, themes: Themes): NonNullable<PodSpec["affinity"]>["nodeAffinity"] => ({
  ...(themes.has("nodeAffinity") && d.chance(0.7) ? { requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: times(1 + d.upTo(3), () => ({ matchExpressions: times(1 + d.upTo(2), () => expression(d, themes)) }))
  } } : {}),
  ...(themes.has("preferences") && d.chance(0.7) ? { preferredDuringSchedulingIgnoredDuringExecution: times(
    1 + d.upTo(2), () => ({ weight: 1 + d.upTo(100), preference: { matchExpressions: [expression(d, themes)] } })
  ) } : {})
})

const aboutPods = (d: Dice, app: string, keys: ReadonlyArray<string>): PodAffinityTerm => ({
  topologyKey: d.pick(keys),
  labelSelector: d.chance(0.8) ? { matchLabels: { app: d.chance(0.7) ? app : d.pick(apps) } }
    : { matchExpressions: [{ key: "app", operator: d.pick(["In", "NotIn"]), values: d.some(2, apps) }] },
  ...(d.chance(0.1) ? { namespaces: ["default", "other"] } : {}),
  ...(d.chance(0.1) ? { namespaceSelector: d.pick([{}, { matchLabels: { env: "test" } }]) } : {}),
  ...(d.chance(0.1) ? { matchLabelKeys: ["version"] } : {})
})

const podAffinity = (d: Dice, themes: Themes, app: string): Partial<NonNullable<PodSpec["affinity"]>> => {
  const keys = [label.zone, label.zone, label.hostname]
  const wish = (keys: ReadonlyArray<string>) => ({ preferredDuringSchedulingIgnoredDuringExecution: times(
    1 + d.upTo(2), () => ({ weight: 1 + d.upTo(100), podAffinityTerm: aboutPods(d, app, keys) })
  ) })
  const must = (keys: ReadonlyArray<string>) => ({ requiredDuringSchedulingIgnoredDuringExecution: [aboutPods(d, app, keys)] })
  return {
    ...(themes.has("affinity") && d.chance(0.5) ? { podAffinity: must(keys) } : {}),
    ...(themes.has("antiAffinity") && d.chance(0.5)
      ? { podAntiAffinity: must([label.hostname, label.hostname, label.zone]) } : {}),
    ...(themes.has("preferences") && d.chance(0.3) ? { podAffinity: wish(keys) } : {}),
    ...(themes.has("preferences") && d.chance(0.3) ? { podAntiAffinity: wish([label.hostname, label.zone]) } : {})
  }
}

const spread = (d: Dice, themes: Themes, app: string): ReadonlyArray<SpreadConstraint> => {
  const keys = d.some(1 + d.upTo(2), [label.zone, label.hostname, ...(themes.has("capacityTypes") ? [label.capacityType] : []),
    ...(themes.has("pools") ? [label.team] : [])])
  return keys.map((topologyKey) => ({
    maxSkew: 1 + d.upTo(2),
    topologyKey,
    whenUnsatisfiable: themes.has("softSpread") && (!themes.has("spread") || d.chance(0.5)) ? "ScheduleAnyway" : "DoNotSchedule",
    labelSelector: { matchLabels: { app: d.chance(0.9) ? app : d.pick(apps) } },
    ...(themes.has("spreadPolicies") ? {
      ...(d.chance(0.4) ? { nodeAffinityPolicy: d.pick(["Honor", "Ignore"]) } : {}),
      ...(d.chance(0.4) ? { nodeTaintsPolicy: d.pick(["Honor", "Ignore"]) } : {}),
      ...(d.chance(0.3) ? { matchLabelKeys: ["version"] } : {})
    } : {})
  })).map((constraint) => themes.has("spreadPolicies") && constraint.whenUnsatisfiable === "DoNotSchedule" && d.chance(0.4)
    ? { ...constraint, minDomains: 2 + d.upTo(2) } : constraint)
}

const selector = (d: Dice, themes: Themes): PodSpec["nodeSelector"] => d.pick<NonNullable<PodSpec["nodeSelector"]>>([
  { [label.zone]: d.pick(["a", "b"]) }, { [label.family]: "dedicated" },
  ...(themes.has("pools") ? [{ [label.team]: d.pick(["red", "blue"]) }] : []),
  ...(themes.has("capacityTypes") ? [{ [label.capacityType]: d.pick(["spot", "on-demand"]) }] : [])
])

const tolerations = (d: Dice): ReadonlyArray<Toleration> => d.pick<ReadonlyArray<Toleration>>([
  [{ operator: "Exists" }], [{ key: "gpu", operator: "Equal", value: "yes" }],
  [{ key: "gpu", operator: "Exists", effect: "NoSchedule" }],
  [{ key: "batch", operator: "Exists" }, { key: "slow", operator: "Exists" }]
])

/** What a deployment's pods have in common, but for their names. */
export const template = (d: Dice, themes: Themes, app: string): PodSpec => {
  const affinity = { ...podAffinity(d, themes, app) }
  const about = themes.has("nodeAffinity") || themes.has("preferences") ? nodeAffinity(d, themes) : {}
  const all = { ...affinity, ...(Object.keys(about!).length === 0 ? {} : { nodeAffinity: about! }) }
  const constraints = (themes.has("spread") || themes.has("softSpread")) && d.chance(0.7) ? spread(d, themes, app) : []
  return {
    ...containers(d, themes),
    ...(d.chance(themes.has("nodeAffinity") ? 0.3 : 0.1) ? { nodeSelector: selector(d, themes)! } : {}),
    ...(d.chance(themes.has("taints") ? 0.5 : 0) ? { tolerations: tolerations(d) } : {}),
    ...(Object.keys(all).length === 0 ? {} : { affinity: all }),
    ...(constraints.length === 0 ? {} : { topologySpreadConstraints: constraints })
  }
}

export interface Workload {
  readonly app: string
  readonly namespace: string
  readonly version: string
  readonly spec: PodSpec
}

export const workload = (d: Dice, themes: Themes): Workload => {
  const app = d.pick(apps)
  return {
    app,
    namespace: (themes.has("affinity") || themes.has("antiAffinity")) && d.chance(0.15) ? "other" : "default",
    version: d.pick(["v1", "v1", "v2"]),
    spec: template(d, themes, app)
  }
}

export const podOf = ({ app, namespace, spec, version }: Workload, name: string): Pod => ({
  metadata: { name, namespace, uid: `uid-${namespace}-${name}`, labels: { app, version } },
  spec
})
