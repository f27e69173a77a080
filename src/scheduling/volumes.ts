/**
 * What the volumes of pods demand of a node: where they can be attached, and how many there are by driver. Kubernetes' rules (its
 * plugins VolumeBinding and NodeVolumeLimits), with Karpenter's exception for volumes that lie on one host.
 */
import type {
  NodeSelectorTerm, PersistentVolume, PersistentVolumeClaim, Pod, Problem, Requirement, StorageClass, Volume
} from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { describeRequirements, identityOfRequirements, requirementsOf } from "./requirements.ts"
import { allOf, anyNode } from "./volumeAlternatives.ts"
import { HostnameLabel, normalizeLabelKey } from "./wellKnown.ts"

/** A claim as attach limits count it: once on a node, however many pods use it. */
export interface AttachedClaim {
  /** The CSI driver's name. */
  readonly driver: string
  /** `namespace/name`. */
  readonly claim: string
}

export interface VolumeDemand {
  /** Why the pod cannot be scheduled as its claims are now: names each of them and what is wrong with it. */
  readonly refusal?: string
  /** A node must satisfy one of them, in order of preference; none where any node will do. Equal ones are the same array. */
  readonly alternatives: ReadonlyArray<Requirements>
  /** Claims whose driver is known; also of a pod that is refused, which may run already. */
  readonly claims: ReadonlyArray<AttachedClaim>
}

const nothing: VolumeDemand = { alternatives: anyNode, claims: [] }

type Storage = Pick<Problem, "persistentVolumeClaims" | "persistentVolumes" | "storageClasses">
type Candidate = Pick<PersistentVolumeClaim, "metadata" | "spec" | "status">
type Found<A> = ReadonlyMap<string, A>

/** Volumes whose claims are those of a PersistentVolumeClaim; others restrict no node. */
const claimNameOf = (pod: Pod, volume: Volume): string | undefined =>
  volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral === undefined ? undefined : `${pod.metadata.name}-${volume.name}`)

/** Reads the claims, volumes and storage classes of a problem when the first pod with a claim asks, and each claim once. */
export class Volumes {
  private readonly storage: Storage
  private tables: Tables | undefined
  private readonly byClaim: Map<string, VolumeDemand> = new Map()
  private readonly interned: Map<string, ReadonlyArray<Requirements>> = new Map()

  constructor(storage: Storage) {
    this.storage = storage
  }

  /**
   * What the pod's volumes demand. The claim of a generic ephemeral volume that is not there yet is judged by its template: the
   * control plane makes it before the pod can be scheduled. A claim that names no class has the default one, as the control plane
   * fills it in.
   */
  of(pod: Pod): VolumeDemand {
    const { volumes } = pod.spec
    if (volumes === undefined) return nothing
    let demand = nothing
    for (const volume of volumes) {
      const name = claimNameOf(pod, volume)
      if (name === undefined) continue
      const key = keyOf(pod.metadata.namespace, name)
      const own = this.ofVolume(pod, volume, key)
      demand = demand === nothing ? own : this.together(demand, own, key)
    }
    return demand
  }

  private together(a: VolumeDemand, b: VolumeDemand, key: string): VolumeDemand {
    const alternatives = allOf(a.alternatives, b.alternatives)
    const refusals = [a.refusal, b.refusal, alternatives === undefined ? apart(a, b, key) : undefined]
      .filter((refusal) => refusal !== undefined)
    const known = new Set(a.claims.map(({ claim }) => claim))
    return {
      ...(refusals.length === 0 ? {} : { refusal: refusals.join("; ") }),
      alternatives: this.intern(alternatives ?? anyNode),
      claims: [...a.claims, ...b.claims.filter(({ claim }) => !known.has(claim))]
    }
  }

  private intern(alternatives: ReadonlyArray<Requirements>): ReadonlyArray<Requirements> {
    if (alternatives.length === 0) return anyNode
    // Their order matters too: the first that can be had is taken.
    const order = alternatives.map((one) => [...one.values()].map(({ values }) => [...values].join()))
    const identity = `${alternatives.map(identityOfRequirements).join("\n|\n")}\n${JSON.stringify(order)}`
    const known = this.interned.get(identity)
    if (known === undefined) this.interned.set(identity, alternatives)
    return known ?? alternatives
  }

  private ofVolume(pod: Pod, { ephemeral, name, persistentVolumeClaim }: Volume, key: string): VolumeDemand {
    this.tables ??= tablesOf(this.storage)
    const claim = this.tables.claims.get(key)
    if (persistentVolumeClaim === undefined) {
      const template = ephemeral?.volumeClaimTemplate
      if (claim === undefined && template !== undefined) {
        return this.ofClaim(key, { metadata: { name: key }, spec: template.spec }, this.tables)
      }
      const foreign = claim !== undefined && pod.metadata.uid !== undefined &&
        !claim.metadata.ownerReferences?.some(({ controller, uid }) => controller === true && uid === pod.metadata.uid)
      if (foreign) return refused(key, `was not made for the pod, whose volume ${name} must have a claim of that name`)
    }
    let demand = this.byClaim.get(key)
    if (demand === undefined) {
      demand = this.ofClaim(key, claim, this.tables)
      this.byClaim.set(key, demand)
    }
    return demand
  }

  private ofClaim(key: string, claim: Candidate | undefined, tables: Tables): VolumeDemand {
    if (claim === undefined) return refused(key, "does not exist")
    const volumeName = claim.spec.volumeName ?? ""
    const volume = tables.volumes.get(volumeName)
    const storageClass = tables.classes.get(classNameOf(claim, tables) ?? "")
    const driver = volume?.spec.csi?.driver ?? (storageClass === undefined ? undefined : csiDriver(storageClass.provisioner))
    const claims = driver === undefined ? [] : [{ driver, claim: key }]
    const wrong = volumeName === "" ? wrongUnbound(claim, storageClass, tables) : wrongBound(claim, volumeName, volume)
    if (wrong !== undefined) return { ...refused(key, wrong), claims }
    const terms = volumeName === "" ? termsOfClass(storageClass) : termsOfVolume(volume)
    if (terms === undefined) return { alternatives: anyNode, claims }
    const alternatives = terms.length === 0 ? undefined : allOf(anyNode, terms)
    return alternatives === undefined
      ? { ...refused(key, "can be attached to no node: no term of its topology can hold"), claims }
      : { alternatives: this.intern(alternatives), claims }
  }
}

/** The distinct claims by driver that the pods of one node have attached there. */
export const attachments = (pods: ReadonlyArray<Pod>, volumes: Volumes): ReadonlyMap<string, ReadonlySet<string>> => {
  const out = new Map<string, Set<string>>()
  for (const pod of pods) {
    for (const { claim, driver } of volumes.of(pod).claims) {
      const known = out.get(driver)
      if (known === undefined) out.set(driver, new Set([claim]))
      else known.add(claim)
    }
  }
  return out
}

const refused = (key: string, wrong: string): VolumeDemand =>
  ({ refusal: `PersistentVolumeClaim ${key} ${wrong}`, alternatives: anyNode, claims: [] })

const apart = (others: VolumeDemand, own: VolumeDemand, key: string): string => {
  const described = ({ alternatives }: VolumeDemand): string => alternatives.map(describeRequirements).join(" or ")
  return `PersistentVolumeClaim ${key} needs ${described(own)}, the pod's other claims need ${described(others)}`
}

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? "default"}/${name}`

interface Tables {
  readonly claims: Found<PersistentVolumeClaim>
  readonly volumes: Found<PersistentVolume>
  readonly classes: Found<StorageClass>
  readonly defaultClass: string | undefined
}

const tablesOf = ({ persistentVolumeClaims = [], persistentVolumes = [], storageClasses = [] }: Storage): Tables => ({
  claims: new Map(persistentVolumeClaims.map((claim) => [keyOf(claim.metadata.namespace, claim.metadata.name), claim])),
  volumes: new Map(persistentVolumes.map((volume) => [volume.metadata.name, volume])),
  classes: new Map(storageClasses.map((one) => [one.metadata.name, one])),
  defaultClass: defaultClassOf(storageClasses)
})

/** The newest of those that are marked, then the first by name, as the API server picks it. */
const defaultClassOf = (classes: ReadonlyArray<StorageClass>): string | undefined =>
  classes.filter(({ metadata: { annotations } }) => annotations?.["storageclass.kubernetes.io/is-default-class"] === "true")
    .sort(({ metadata: a }, { metadata: b }) => {
      const [first = "", second = ""] = [a.creationTimestamp, b.creationTimestamp]
      return first > second ? -1 : first < second ? 1 : a.name < b.name ? -1 : 1
    })[0]?.metadata.name

/** `""` is no class, and not the default one. */
const classNameOf = ({ metadata, spec }: Candidate, tables: Tables): string | undefined =>
  metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? tables.defaultClass

const wrongClaim = ({ metadata, status }: Candidate): string | undefined =>
  metadata.deletionTimestamp !== undefined ? "is being deleted"
    : status?.phase === "Lost" ? "has lost its volume"
    : undefined

const wrongBound = (claim: Candidate, name: string, volume: PersistentVolume | undefined): string | undefined => {
  const wrong = wrongClaim(claim)
  if (wrong !== undefined) return wrong
  if (volume === undefined) return `is bound to PersistentVolume ${name}, which does not exist`
  if (volume.metadata.deletionTimestamp !== undefined) return `is bound to PersistentVolume ${name}, which is being deleted`
  const isBound = claim.metadata.annotations?.["pv.kubernetes.io/bind-completed"] !== undefined
  return isBound ? undefined : `is not bound to its PersistentVolume ${name} yet`
}

const wrongUnbound = (claim: Candidate, storageClass: StorageClass | undefined, tables: Tables): string | undefined => {
  const wrong = wrongClaim(claim)
  if (wrong !== undefined) return wrong
  const name = classNameOf(claim, tables) ?? ""
  if (name === "") return "is not bound, and names no storage class that could make its volume"
  if (storageClass === undefined) return `is not bound, and its StorageClass ${name} does not exist`
  return storageClass.volumeBindingMode === "WaitForFirstConsumer"
    ? undefined
    : `is not bound yet: its StorageClass ${name} binds at once, without waiting for a pod`
}

const usable = (
  terms: ReadonlyArray<NodeSelectorTerm>, keeps: (item: Requirement) => boolean = () => true
): ReadonlyArray<Requirements> =>
  terms.filter((term) => (term.matchExpressions?.length ?? 0) > 0 && (term.matchFields?.length ?? 0) === 0)
    .map((term) => requirementsOf(term.matchExpressions!.filter(keeps)))

/**
 * One alternative for each term; an empty term, or one on fields, matches no node. Undefined: any node will do. A volume on a
 * host is not held to the host's name: the host may be gone, and no node to come has that name.
 */
const termsOfVolume = (volume: PersistentVolume | undefined): ReadonlyArray<Requirements> | undefined => {
  const required = volume?.spec.nodeAffinity?.required
  if (required === undefined) return undefined
  const onHost = volume?.spec.local !== undefined || volume?.spec.hostPath !== undefined
  return usable(required.nodeSelectorTerms, onHost ? ({ key }) => normalizeLabelKey(key) !== HostnameLabel : undefined)
}

const termsOfClass = (storageClass: StorageClass | undefined): ReadonlyArray<Requirements> | undefined => {
  const terms = storageClass?.allowedTopologies ?? []
  return terms.length === 0 ? undefined : usable(terms.map(({ matchLabelExpressions = [] }) => ({
    matchExpressions: matchLabelExpressions.map(({ key, values }) => ({ key, operator: "In", values }))
  })))
}

/** Kubernetes' own volume plugins of old, which CSI drivers have replaced under the same limits. */
const migrated: ReadonlyMap<string, string> = new Map([
  ["kubernetes.io/aws-ebs", "ebs.csi.aws.com"],
  ["kubernetes.io/azure-disk", "disk.csi.azure.com"],
  ["kubernetes.io/azure-file", "file.csi.azure.com"],
  ["kubernetes.io/cinder", "cinder.csi.openstack.org"],
  ["kubernetes.io/gce-pd", "pd.csi.storage.gke.io"],
  ["kubernetes.io/portworx-volume", "pxd.portworx.com"],
  ["kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com"]
])

const csiDriver = (provisioner: string): string => migrated.get(provisioner) ?? provisioner
