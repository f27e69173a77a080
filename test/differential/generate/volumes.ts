/** Claims to volumes in zones, and classes whose volumes will be made where their pods go. */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import { times } from "./dice.ts"
import { driver, label } from "./names.ts"

export interface Storage {
  readonly claims: ReadonlyArray<PersistentVolumeClaim>
  readonly volumes: ReadonlyArray<PersistentVolume>
  readonly classes: ReadonlyArray<StorageClass>
}

export const noStorage: Storage = { claims: [], volumes: [], classes: [] }

export const storage = (d: Dice, zones: ReadonlyArray<string>): Storage => {
  const classes: ReadonlyArray<StorageClass> = [
    { metadata: { name: "anywhere" }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer" },
    {
      metadata: { name: "some-zones" },
      provisioner: driver,
      volumeBindingMode: "WaitForFirstConsumer",
      allowedTopologies: d.chance(0.5)
        ? [{ matchLabelExpressions: [{ key: label.zone, values: d.some(2, zones) }] }]
        : d.some(2, zones).map((zone) => ({ matchLabelExpressions: [{ key: label.zone, values: [zone] }] }))
    }
  ]
  const bound = times(6, (i) => i)
  return {
    classes,
    volumes: bound.map((i) => ({
      metadata: { name: `volume-${i}` },
      spec: {
        csi: { driver, volumeHandle: `handle-${i}` },
        nodeAffinity: { required: { nodeSelectorTerms: [
          { matchExpressions: [{ key: label.zone, operator: "In", values: [d.pick(zones)] }] }
        ] } }
      }
    })),
    claims: [
      ...bound.map((i) => ({
        metadata: { name: `bound-${i}`, namespace: "default", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
        spec: { storageClassName: "anywhere", volumeName: `volume-${i}` },
        status: { phase: "Bound" }
      })),
      ...times(6, (i) => ({
        metadata: { name: `wanted-${i}`, namespace: "default" },
        spec: { storageClassName: d.pick(["anywhere", "some-zones"]) },
        status: { phase: "Pending" }
      }))
    ]
  }
}

/** The pod with one or two claims that nobody else uses yet, while there are any. */
export const withClaims = (d: Dice, pod: Pod, free: Array<PersistentVolumeClaim>): Pod => {
  const taken = times(Math.min(d.pick([1, 1, 2]), free.length), () => free.splice(d.upTo(free.length), 1)[0]!)
  if (taken.length === 0 || pod.metadata.namespace !== "default") return pod
  const volumes = taken.map(({ metadata }, i) => ({ name: `data-${i}`, persistentVolumeClaim: { claimName: metadata.name } }))
  return { ...pod, spec: { ...pod.spec, volumes } }
}
