/** Claims of pods: where their volumes can be reached, and how many a node can attach. */
import type { ClaimSpec, Pod, Problem, Requirement } from "../../../src/scheduling/index.ts"
import { hostnameKey, meets, stableKey } from "./labels.ts"
import type { LabelMap } from "./labels.ts"
import type { Face, Spot } from "./world.ts"
import { keyOf } from "./world.ts"

/** A volume of a pod, as far as it says something about nodes. */
interface Claim {
  readonly id: string
  /** Why no node will do. */
  readonly broken?: string
  readonly driver?: string
  /** A node must meet one of them; none asks nothing. */
  readonly terms: ReadonlyArray<ReadonlyArray<Requirement>>
}

const inTree: Readonly<Record<string, string>> = {
  "kubernetes.io/aws-ebs": "ebs.csi.aws.com", "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
  "kubernetes.io/azure-disk": "disk.csi.azure.com", "kubernetes.io/azure-file": "file.csi.azure.com",
  "kubernetes.io/cinder": "cinder.csi.openstack.org", "kubernetes.io/vsphere-volume": "csi.vsphere.vmware.com",
  "kubernetes.io/portworx-volume": "pxd.portworx.com"
}

const byName = <A extends { readonly metadata: { readonly name: string } }>(list: ReadonlyArray<A> = [], name: string) =>
  list.find((item) => item.metadata.name === name)

const bound = (problem: Problem, id: string, volumeName: string, isBound: boolean): Claim => {
  const volume = byName(problem.persistentVolumes, volumeName)
  if (volume === undefined) return { id, broken: `${volumeName} is not there`, terms: [] }
  if (volume.metadata.deletionTimestamp !== undefined) return { id, broken: `${volumeName} is going`, terms: [] }
  if (!isBound) return { id, broken: `${id} is not bound yet`, terms: [] }
  const { csi, local, hostPath, nodeAffinity } = volume.spec
  const isHere = local !== undefined || hostPath !== undefined
  const terms = (nodeAffinity?.required?.nodeSelectorTerms ?? []).map(({ matchExpressions = [] }) =>
    matchExpressions.filter((item) => !isHere || stableKey(item.key) !== hostnameKey))
  return { id, terms: terms.some((term) => term.length === 0) ? [] : terms, ...(csi === undefined ? {} : { driver: csi.driver }) }
}

const unbound = (problem: Problem, id: string, className: string | undefined): Claim => {
  const found = className ? byName(problem.storageClasses, className) : undefined
  if (found === undefined) return { id, broken: `${id} has no StorageClass that is there`, terms: [] }
  if (found.volumeBindingMode !== "WaitForFirstConsumer") return { id, broken: `${id} waits to be bound`, terms: [] }
  const terms = (found.allowedTopologies ?? []).map(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.map(({ key, values }) => ({ key, operator: "In", values })))
  return { id, terms, driver: inTree[found.provisioner] ?? found.provisioner }
}

const claimsOf = (problem: Problem, pod: Pod): ReadonlyArray<Claim> =>
  (pod.spec.volumes ?? []).flatMap((volume): ReadonlyArray<Claim> => {
    const template: ClaimSpec | undefined = volume.ephemeral?.volumeClaimTemplate?.spec
    const name = volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral && `${pod.metadata.name}-${volume.name}`)
    if (name === undefined) return []
    const namespace = pod.metadata.namespace ?? "default"
    const id = `${namespace}/${name}`
    const claim = problem.persistentVolumeClaims?.find(({ metadata }) => keyOf(metadata) === id)
    if (claim === undefined) {
      if (template === undefined) return [{ id, broken: `${id} is not there`, terms: [] }]
      return [unbound(problem, id, template.storageClassName)]
    }
    if (claim.metadata.deletionTimestamp !== undefined) return [{ id, broken: `${id} is going`, terms: [] }]
    if (claim.status?.phase === "Lost") return [{ id, broken: `${id} is lost`, terms: [] }]
    const isBound = claim.metadata.annotations?.["pv.kubernetes.io/bind-completed"] !== undefined
    return [claim.spec.volumeName ? bound(problem, id, claim.spec.volumeName, isBound)
      : unbound(problem, id, claim.spec.storageClassName)]
  })

const reaches = (claim: Claim, labels: LabelMap): boolean =>
  claim.terms.length === 0 || claim.terms.some((term) => term.every((item) => meets(item, labels)))

const tooMany = (problem: Problem, face: Face, pods: ReadonlyArray<Pod>): ReadonlyArray<string> => {
  const byDriver = new Map<string, Set<string>>()
  for (const claim of pods.flatMap((pod) => claimsOf(problem, pod))) {
    if (claim.driver === undefined) continue
    byDriver.set(claim.driver, (byDriver.get(claim.driver) ?? new Set()).add(claim.id))
  }
  return [...byDriver].flatMap(([driver, { size }]) => size > (face.volumeLimits[driver] ?? Infinity)
    ? [`${face.name}: ${size} volumes of ${driver}, ${face.volumeLimits[driver]} can be attached`] : [])
}

/** True where the pod's volumes keep it from every node. */
export const hasBrokenClaim = (problem: Problem, pod: Pod): boolean =>
  claimsOf(problem, pod).some(({ broken }) => broken !== undefined)

/** Why these pods may not be on this node together because of their volumes. */
export const volumeObjections = (
  problem: Problem, spot: Spot, placed: ReadonlyArray<Pod> = spot.placed
): ReadonlyArray<string> => {
  const asking = placed.filter((pod) => claimsOf(problem, pod).length > 0)
  if (asking.length === 0) return []
  return [...new Set(spot.faces.flatMap((face) => [
    ...asking.flatMap((pod) => claimsOf(problem, pod).flatMap((claim) => claim.broken !== undefined
      ? [`${pod.metadata.name}: ${claim.broken}`]
      : reaches(claim, face.labels) ? [] : [`${face.name}: ${claim.id} cannot be reached`])),
    ...tooMany(problem, face, [...spot.running, ...placed])
  ]))]
}
