/** The volumes of the input, completed as the API server and its controllers would. Pure. */
import type { PersistentVolumeClaim, StorageClass } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"

export interface Storage {
  readonly persistentVolumeClaims: ReadonlyArray<PersistentVolumeClaim>
  readonly storageClasses: ReadonlyArray<StorageClass>
  readonly notes: ReadonlyArray<string>
}

const isDefault = ({ metadata: { annotations } }: StorageClass): boolean =>
  annotations?.["storageclass.kubernetes.io/is-default-class"] === "true"

const bornAt = ({ metadata }: StorageClass): string => metadata.creationTimestamp ?? ""

/** Of several the youngest, as the API server takes it. */
const defaultClass = (classes: ReadonlyArray<StorageClass>): StorageClass | undefined => classes.filter(isDefault)
  .toSorted((a, b) => bornAt(b).localeCompare(bornAt(a)) || (a.metadata.name < b.metadata.name ? -1 : 1))[0]

/**
 * A claim without a class gets the default class. Where the input has no StorageClass at all, those that unbound claims name are
 * taken to be of Linode's block storage and to wait for their first pod: had they not waited, the claims would be bound.
 */
export const storageOf = (inventory: Inventory, coming: ReadonlyArray<PersistentVolumeClaim>): Storage => {
  const known = inventory.storageClasses
  const standard = defaultClass(known)
  const claims = [...inventory.persistentVolumeClaims, ...coming].map((claim): PersistentVolumeClaim =>
    claim.spec.storageClassName !== undefined || claim.spec.volumeName !== undefined || standard === undefined
      ? claim
      : { ...claim, spec: { ...claim.spec, storageClassName: standard.metadata.name } })
  if (known.length > 0) return { persistentVolumeClaims: claims, storageClasses: known, notes: [] }
  const named = claims.flatMap(({ spec }) => spec.volumeName === undefined ? [spec.storageClassName ?? ""] : [])
  const assumed = [...new Set(named)].filter((name) => name !== "").toSorted()
  return {
    persistentVolumeClaims: claims,
    storageClasses: assumed.map((name) =>
      ({ metadata: { name }, provisioner: "linodebs.csi.linode.com", volumeBindingMode: "WaitForFirstConsumer" })),
    notes: assumed.map((name) =>
      `StorageClass ${name} is not in the input: taken as Linode's block storage, bound when a pod needs it`)
  }
}
