/** Problems over all rules that both schedulers know: 5 to 60 pods, a few rules at a time, so that most pods have a place. */
import type { DaemonSet, NodePool, Pod, Problem, Requirement } from "../../../src/scheduling/index.ts"
import { catalogue } from "./catalogues.ts"
import type { Dice } from "./dice.ts"
import { dice, times } from "./dice.ts"
import type { Theme, Themes } from "./names.ts"
import { label, taints, reservationIdLabel, themes as allThemes, wellKnownLabels } from "./names.ts"
import { nodeOf } from "./nodes.ts"
import { podOf, workload } from "./pods.ts"
import { noStorage, storage, withClaims } from "./volumes.ts"

const families = ["shared", "dedicated", "standard"]
const zoneNames = ["a", "b", "c"]

const poolRequirements = (d: Dice, themes: Themes): ReadonlyArray<Requirement> => [
  ...(d.chance(0.15) ? [{ key: label.family, operator: d.pick(["In", "NotIn"]), values: [d.pick(families)] }] : []),
  ...(d.chance(0.1) ? [{ key: label.cpus, operator: d.pick(["Gt", "Lt", "Gte", "Lte"]), values: [d.pick(["2", "8"])] }] : []),
  ...(d.chance(0.1) ? [{ key: label.zone, operator: d.pick(["In", "NotIn"]), values: d.some(1 + d.upTo(2), zoneNames) }] : []),
  ...(themes.has("capacityTypes") && d.chance(0.3) ? [{ key: label.capacityType, operator: "In", values: ["on-demand"] }] : []),
  ...(themes.has("pools") && d.chance(0.4)
    ? [{ key: label.team, operator: "In", values: d.pick([["red"], ["red", "blue"]]) }] : []),
  ...(themes.has("minValues") ? [{ key: label.instanceType, operator: "Exists", minValues: 2 + d.upTo(3) }] : []),
  ...(themes.has("minValues") && d.chance(0.4) ? [{ key: label.family, operator: "Exists", minValues: 2 }] : [])
]

const poolOf = (d: Dice, themes: Themes, i: number): NodePool => {
  const limited = themes.has("limits") && d.chance(0.7)
  const requirements = poolRequirements(d, themes)
  return {
    metadata: { name: `pool-${i}` },
    spec: {
      ...(themes.has("pools") && d.chance(0.6) ? { weight: d.pick([1, 10, 10, 50]) } : {}),
      ...(limited ? { limits: {
        ...(d.chance(0.7) ? { cpu: d.pick(["8", "20", "60"]) } : {}),
        ...(d.chance(0.5) ? { memory: d.pick(["16Gi", "64Gi"]) } : {})
      } } : {}),
      template: {
        ...(themes.has("pools") && d.chance(0.4) ? { metadata: { labels: { [label.tier]: d.pick(["front", "back"]) } } } : {}),
        spec: {
          requirements: [...new Map(requirements.map((each) => [`${each.key} ${each.minValues === undefined}`, each])).values()],
          ...(themes.has("taints") && d.chance(0.5) ? { taints: [d.pick(taints)] } : {}),
          ...(themes.has("taints") && d.chance(0.1) ? { startupTaints: [{ key: "starting", effect: "NoExecute" }] } : {})
        }
      }
    }
  }
}

const daemonOf = (d: Dice, i: number): DaemonSet => ({
  metadata: { name: `daemon-${i}`, namespace: "kube-system" },
  spec: {
    template: {
      spec: {
        containers: [{ resources: { requests: { cpu: d.pick(["50m", "150m", "300m"]), memory: d.pick(["64Mi", "200Mi"]) } } }],
        ...(d.chance(0.5) ? { tolerations: [{ operator: "Exists" }] } : {}),
        ...(d.chance(0.3) ? { nodeSelector: { [label.family]: "shared" } } : {})
      }
    }
  }
})

const pods = (d: Dice, themes: Themes, storageClaims: ReadonlyArray<Parameters<typeof withClaims>[2][number]>) => {
  const free = [...storageClaims]
  const wanted = d.pick([5, 10, 20, 40, 60])
  const out: Array<Pod> = []
  const workloads = times(2 + d.upTo(5), () => workload(d, themes))
  while (out.length < wanted) {
    const from = d.chance(0.8) ? d.pick(workloads) : workload(d, themes)
    const count = Math.min(d.pick([1, 1, 3, 5, 8]), wanted - out.length)
    for (let i = 0; i < count; i++) {
      const pod = podOf(from, `pod-${String(out.length).padStart(2, "0")}`)
      out.push(themes.has("volumes") && d.chance(0.4) ? withClaims(d, pod, free) : pod)
    }
  }
  return { pods: out, workloads }
}

export const generate = (seed: number): Problem => {
  const d = dice(seed)
  const themes: Themes = new Set<Theme>(d.some(1 + d.upTo(5), allThemes))
  const zones = d.pick([["a"], ["a", "b"], ["a", "b", "c"], ["a", "b", "c"]])
  const types = catalogue(d, themes, zones)
  const nodePools = times(themes.has("pools") ? 2 + d.upTo(2) : 1, (i) => poolOf(d, themes, i))
  const disks = themes.has("volumes") ? storage(d, zones) : noStorage
  const { pods: waiting, workloads } = pods(d, themes, disks.claims)
  return {
    version: 1,
    pods: waiting,
    nodePools,
    instanceTypes: Object.fromEntries(nodePools.map(({ metadata }) => [metadata.name, d.chance(0.8) ? types : d.some(5, types)])),
    nodes: themes.has("nodes") || d.chance(0.15)
      ? times(1 + d.upTo(6), (i) => nodeOf(d, themes, i, nodePools, types, workloads)) : [],
    daemonSets: themes.has("daemons") ? times(1 + d.upTo(2), (i) => daemonOf(d, i)) : [],
    wellKnownLabels,
    ...(themes.has("reservations") ? { reservationIdLabel } : {}),
    persistentVolumeClaims: disks.claims,
    persistentVolumes: disks.volumes,
    storageClasses: disks.classes,
    namespaces: [
      { metadata: { name: "default", labels: { env: "prod" } } }, { metadata: { name: "other", labels: { env: "test" } } }
    ],
    options: {
      assert: true,
      nodePrice: 0,
      preferencePolicy: themes.has("preferences") ? d.pick(["Respect", "Respect", "Ignore"]) : "Respect",
      minValuesPolicy: d.pick(["Strict", "BestEffort"])
    }
  }
}
