/** Claims, volumes and StorageClasses, and pods that use them. */
import type {
  ExistingNode, PersistentVolume, PersistentVolumeClaim, Pod, Problem, StorageClass
} from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { driver, zoneLabel } from "./rules.ts"

const inZones = (values: ReadonlyArray<string>) => [{ key: zoneLabel, operator: "In", values }]

const classesOf = (zones: ReadonlyArray<string>): ReadonlyArray<StorageClass> => [
  { metadata: { name: "anywhere" }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer" },
  {
    metadata: { name: "some-zones" }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer",
    allowedTopologies: zones.slice(0, 2).map((zone) => ({ matchLabelExpressions: [{ key: zoneLabel, values: [zone] }] }))
  },
  { metadata: { name: "at-once" }, provisioner: driver, volumeBindingMode: "Immediate" }
]

/** Gives some pods claims of their own, or one that is shared. */
export const withVolumes = (d: Dice, problem: Problem, zones: ReadonlyArray<string>): Problem => {
  const claims: Array<PersistentVolumeClaim> = []
  const volumes: Array<PersistentVolume> = []
  const claimFrom = (namespace: string, name: string): void => {
    const roll = d.upTo(20)
    const storageClassName = roll === 0 ? "at-once" : roll < 4 ? "anywhere" : "some-zones"
    if (roll < 9) {
      claims.push({ metadata: { name, namespace }, spec: { storageClassName }, status: { phase: "Pending" } })
      return
    }
    const volumeName = `pv-${namespace}-${name}`
    claims.push({
      metadata: { name, namespace, annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
      spec: { storageClassName, volumeName },
      status: { phase: "Bound" }
    })
    volumes.push({
      metadata: { name: volumeName },
      spec: {
        storageClassName, csi: { driver },
        ...(d.chance(0.85) ? { nodeAffinity: { required: { nodeSelectorTerms: d.chance(0.8)
          ? [{ matchExpressions: inZones([d.pick(zones)]) }]
          : zones.map((zone) => ({ matchExpressions: inZones([zone]) })) } } } : {})
      }
    })
  }
  const given = (pod: Pod): Pod => {
    if (!d.chance(0.25)) return pod
    const { name, namespace = "default" } = pod.metadata
    const isShared = d.chance(0.2)
    const claimName = isShared ? "shared" : `claim-${name}`
    const isNew = !claims.some(({ metadata }) => metadata.name === claimName && metadata.namespace === namespace)
    if (isNew && !d.chance(0.03)) claimFrom(namespace, claimName)
    return { ...pod, spec: { ...pod.spec, volumes: [{ name: "data", persistentVolumeClaim: { claimName } }] } }
  }
  const pods = problem.pods.map(given)
  const nodes = problem.nodes.map((node): ExistingNode => {
    const on = node.pods.map(given)
    const attached = new Set(on.flatMap(({ metadata, spec }) =>
      (spec.volumes ?? []).map((volume) => `${metadata.namespace}/${volume.persistentVolumeClaim!.claimName}`)))
    const limit = node.volumeLimits?.[driver]
    return { ...node, pods: on, ...(limit === undefined ? {} : { volumeLimits: { [driver]: Math.max(limit, attached.size) } }) }
  })
  return {
    ...problem, pods, nodes, persistentVolumeClaims: claims, persistentVolumes: volumes, storageClasses: classesOf(zones)
  }
}
