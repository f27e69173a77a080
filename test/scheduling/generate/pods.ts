/** Pods: deployments of some equal ones, and singles. */
import type { Pod, PodSpec, Requirement } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import { mannersFrom } from "./manners.ts"
import type { Rules } from "./rules.ts"
import { capacityTypeLabel, generationLabel, namespaces, shapeLabel, teamLabel, tierLabel, zoneLabel } from "./rules.ts"

export const apps = ["web", "db", "job", "cache"]

const expression = (d: Dice): Requirement => d.pick<Requirement>([
  { key: shapeLabel, operator: d.pick(["In", "NotIn"]), values: [d.pick(["shared", "dedicated"])] },
  { key: generationLabel, operator: d.pick(["Gt", "Lt", "In", "NotIn"]), values: [d.pick(["6", "7"])] },
  { key: generationLabel, operator: d.pick(["Exists", "DoesNotExist"]) },
  { key: teamLabel, operator: d.pick(["In", "NotIn"]), values: [d.pick(["a", "b", "c"])] },
  { key: tierLabel, operator: d.pick(["In", "NotIn", "DoesNotExist"]), values: ["front"] },
  { key: zoneLabel, operator: d.pick(["In", "NotIn"]), values: [d.pick(["z1", "z2"])] },
  { key: capacityTypeLabel, operator: "In", values: [d.pick(["spot", "on-demand"])] }
])

const nodeAffinity = (d: Dice, rules: Rules) => ({
  ...(rules.has("nodeAffinity") && d.chance(0.25) ? { requiredDuringSchedulingIgnoredDuringExecution: {
    nodeSelectorTerms: times(1 + d.upTo(3), () => ({ matchExpressions: times(1 + d.upTo(2), () => expression(d)) }))
  } } : {}),
  ...(rules.has("preferredNodeAffinity") && d.chance(0.25) ? { preferredDuringSchedulingIgnoredDuringExecution: times(
    1 + d.upTo(2), () => ({ weight: 1 + d.upTo(100), preference: { matchExpressions: [expression(d)] } })
  ) } : {})
})

const specFrom = (d: Dice, rules: Rules): PodSpec => ({
  containers: times(d.pick([1, 1, 2]), () => ({
    resources: {
      requests: {
        ...(d.chance(0.9) ? { cpu: d.pick(["100m", "250m", "500m", 1, "1500m", 3]) } : {}),
        ...(d.chance(0.9) ? { memory: d.pick(["64Mi", "300Mi", "1Gi", "2500Mi", "6Gi"]) } : {}),
        ...(d.chance(0.05) ? { "nvidia.com/gpu": 1 } : {})
      }
    },
    ...(rules.has("hostPorts") && d.chance(0.15) ? { ports: [{
      hostPort: d.pick([80, 443]), ...(d.chance(0.3) ? { hostIP: d.pick(["10.0.0.1", "10.0.0.2"]) } : {}),
      ...(d.chance(0.2) ? { protocol: "UDP" } : {})
    }] } : {})
  })),
  ...(
    d.chance(0.1) ? { initContainers: [
      { restartPolicy: "Always", resources: { requests: { cpu: "200m" } } },
      { resources: { requests: { cpu: d.pick(["100m", 2]) } } }
    ] } : {}
  ),
  ...(d.chance(0.05) ? { overhead: { cpu: "50m", memory: "100Mi" } } : {}),
  ...(d.chance(0.05) ? { resources: { requests: { cpu: 1 } } } : {}),
  ...(
    rules.has("nodeSelectors") && d.chance(0.2) ? { nodeSelector: d.pick(
      [{ [shapeLabel]: "dedicated" }, { [zoneLabel]: "z1" }, { [teamLabel]: "a" }, { [tierLabel]: "front" }]
    ) } : {}
  ),
  ...(
    rules.has("taints") && d.chance(0.4) ? { tolerations: d.pick([
      [{ operator: "Exists" }], [{ key: "gpu", operator: "Equal", value: "yes" }],
      [{ key: "batch", operator: "Exists", effect: "NoExecute" }]
    ]) } : {}
  )
})

/** The pods of one app are alike: they have a spec, rules about each other, and labels in common. */
export interface App {
  readonly name: string
  readonly namespace: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: PodSpec
}

const appFrom = (d: Dice, name: string, rules: Rules): App => {
  const { topologySpreadConstraints, ...others } = mannersFrom(d, name, apps, rules)
  const own = nodeAffinity(d, rules)
  const affinity = { ...(Object.keys(own).length > 0 ? { nodeAffinity: own } : {}), ...others }
  return {
    name,
    namespace: rules.has("namespaces") ? d.pick(namespaces) : "default",
    labels: { app: name, ...(rules.has("revisions") ? { rev: d.pick(["1", "2"]) } : {}) },
    spec: {
      ...specFrom(d, rules),
      ...(topologySpreadConstraints === undefined ? {} : { topologySpreadConstraints }),
      ...(Object.keys(affinity).length > 0 ? { affinity } : {})
    }
  }
}

export const appsFrom = (d: Dice, rules: Rules): ReadonlyArray<App> =>
  times(1 + d.upTo(6), (i) => appFrom(d, i < apps.length && d.chance(0.8) ? apps[i]! : d.pick(apps), rules))

const podOf = (d: Dice, app: App, name: string, spec: PodSpec): Pod => ({
  metadata: {
    name, namespace: app.namespace, uid: `uid-${name}`, creationTimestamp: `2026-01-0${1 + d.upTo(3)}T00:00:00Z`,
    labels: app.labels
  },
  spec
})

/** Up to eight pods of each app, and now and then one that is larger or smaller than the others. */
export const podsFrom = (d: Dice, all: ReadonlyArray<App>, rules: Rules): ReadonlyArray<Pod> => all.flatMap((app, a) => [
  ...times(1 + d.upTo(8), (i) => podOf(d, app, `${app.name}${a}-${i}`, app.spec)),
  ...times(d.pick([0, 0, 1, 2]), (i) => {
    const { containers } = specFrom(d, rules)
    return podOf(d, app, `${app.name}${a}-odd${i}`, { ...app.spec, containers })
  })
])
