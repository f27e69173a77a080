/**
 * What the scheduler is asked: one plain, JSON-safe value. Pods, nodes, NodePools and DaemonSets have the shape that
 * Kubernetes gives them (fields this module does not know are ignored), so objects of a watch can be passed as they are.
 * Quantities are Kubernetes' own (`"500m"`, `"2Gi"`, `4`).
 */

export type Quantity = string | number
export type Resources = { readonly [name: string]: Quantity }
export type Labels = { readonly [key: string]: string }

/** `operator` is one of In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte. */
export interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: ReadonlyArray<string>
  readonly minValues?: number
}

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

export interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: ReadonlyArray<Requirement>
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: ReadonlyArray<Requirement>
  readonly matchFields?: ReadonlyArray<Requirement>
}

export interface PodAffinityTerm {
  readonly topologyKey: string
  readonly labelSelector?: LabelSelector
  readonly namespaces?: ReadonlyArray<string>
  readonly namespaceSelector?: LabelSelector
  readonly matchLabelKeys?: ReadonlyArray<string>
  readonly mismatchLabelKeys?: ReadonlyArray<string>
}

export interface PodAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<PodAffinityTerm>
  readonly preferredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<{
    readonly weight: number
    readonly podAffinityTerm: PodAffinityTerm
  }>
}

export interface Container {
  readonly restartPolicy?: string
  readonly resources?: { readonly requests?: Resources; readonly limits?: Resources }
  readonly ports?: ReadonlyArray<{ readonly hostPort?: number; readonly hostIP?: string; readonly protocol?: string }>
}

/** `whenUnsatisfiable` is DoNotSchedule or ScheduleAnyway; the policies are Honor or Ignore. */
export interface SpreadConstraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly whenUnsatisfiable: string
  readonly labelSelector?: LabelSelector
  readonly minDomains?: number
  /** Default Honor. */
  readonly nodeAffinityPolicy?: string
  /** Default Ignore. */
  readonly nodeTaintsPolicy?: string
  readonly matchLabelKeys?: ReadonlyArray<string>
}

export interface ClaimSpec {
  readonly storageClassName?: string
  /** The PersistentVolume that the claim is bound to. */
  readonly volumeName?: string
}

/** Volumes of other kinds restrict no node. */
export interface Volume {
  readonly name: string
  readonly persistentVolumeClaim?: { readonly claimName: string }
  /** Its claim is called `<pod>-<volume>`. */
  readonly ephemeral?: { readonly volumeClaimTemplate?: { readonly spec: ClaimSpec } }
}

export interface PodSpec {
  readonly nodeName?: string
  readonly nodeSelector?: Labels
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: { readonly nodeSelectorTerms: ReadonlyArray<NodeSelectorTerm> }
      readonly preferredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<{
        readonly weight: number
        readonly preference: NodeSelectorTerm
      }>
    }
    readonly podAffinity?: PodAffinity
    readonly podAntiAffinity?: PodAffinity
  }
  readonly tolerations?: ReadonlyArray<Toleration>
  readonly topologySpreadConstraints?: ReadonlyArray<SpreadConstraint>
  readonly containers: ReadonlyArray<Container>
  readonly initContainers?: ReadonlyArray<Container>
  readonly overhead?: Resources
  readonly resources?: { readonly requests?: Resources; readonly limits?: Resources }
  readonly volumes?: ReadonlyArray<Volume>
}

export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Labels
  readonly annotations?: { readonly [key: string]: string }
  /**
   * A bound pod that a DaemonSet owns counts as part of what daemons were expected to take; the controller of a pod says which
   * pods default spread constraints count with it.
   */
  readonly ownerReferences?: ReadonlyArray<OwnerReference>
}

export interface OwnerReference {
  readonly kind: string
  readonly name?: string
  readonly uid?: string
  readonly controller?: boolean
}

export interface Pod {
  readonly metadata: Metadata
  readonly spec: PodSpec
}

/** A NodePool that takes part. The caller leaves out those that are not ready, being deleted, or static. */
export interface NodePool {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly weight?: number
    readonly limits?: Resources
    readonly template: {
      readonly metadata?: { readonly labels?: Labels }
      readonly spec: {
        readonly requirements: ReadonlyArray<Requirement>
        readonly taints?: ReadonlyArray<Taint>
        readonly startupTaints?: ReadonlyArray<Taint>
      }
    }
  }
}

export interface Offering {
  readonly zone: string
  readonly capacityType: string
  /** US dollars an hour. */
  readonly price: number
  /** Absent means available. */
  readonly available?: boolean
  /** Of an offering whose capacity type is `reserved`: which reservation it draws from, and how many nodes that still has. */
  readonly reservationId?: string
  readonly reservationCapacity?: number
}

export interface InstanceType {
  readonly name: string
  readonly capacity: Resources
  /** What of the capacity pods cannot have. */
  readonly overhead?: Resources
  /** Labels that every node of this type has; each is a requirement of one value. */
  readonly labels?: Labels
  readonly requirements?: ReadonlyArray<Requirement>
  readonly offerings: ReadonlyArray<Offering>
  /** By CSI driver: how many volumes can be attached. A driver that is not named has no limit. */
  readonly volumeLimits?: { readonly [driver: string]: number }
}

/** A node that is there or on its way. Its labels, taints and resources are those it will have once it is ready. */
export interface ExistingNode {
  readonly name: string
  /** The NodePool it counts against. */
  readonly nodePool?: string
  readonly labels: Labels
  readonly taints: ReadonlyArray<Taint>
  readonly capacity: Resources
  readonly allocatable: Resources
  /** Ready nodes are filled before those on their way. */
  readonly initialized: boolean
  /** The pods bound to it that have not ended. */
  readonly pods: ReadonlyArray<Pod>
  /** By CSI driver, as its CSINode says: how many volumes can be attached. A driver that is not named has no limit. */
  readonly volumeLimits?: { readonly [driver: string]: number }
}

export interface PersistentVolumeClaim {
  readonly metadata: Metadata
  readonly spec: ClaimSpec
  /** `phase` is Pending, Bound or Lost. */
  readonly status?: { readonly phase?: string }
}

export interface PersistentVolume {
  readonly metadata: Metadata
  readonly spec: {
    readonly storageClassName?: string
    readonly nodeAffinity?: { readonly required?: { readonly nodeSelectorTerms: ReadonlyArray<NodeSelectorTerm> } }
    readonly csi?: { readonly driver: string }
    /** Local volumes lie on one host, which a node to come never is. */
    readonly local?: object
    readonly hostPath?: object
  }
}

export interface StorageClass {
  readonly metadata: Metadata
  readonly provisioner: string
  /** Immediate (default) or WaitForFirstConsumer. */
  readonly volumeBindingMode?: string
  readonly allowedTopologies?: ReadonlyArray<{
    readonly matchLabelExpressions?: ReadonlyArray<{ readonly key: string; readonly values: ReadonlyArray<string> }>
  }>
}

export interface Namespace {
  readonly metadata: { readonly name: string; readonly labels?: Labels }
}

/** A Service, or what controls pods: a ReplicationController (a map as selector), ReplicaSet or StatefulSet (a label selector). */
export interface Selecting {
  readonly kind: string
  readonly metadata: Metadata
  readonly spec: { readonly selector?: LabelSelector | Labels }
}

/**
 * The constraints that pods get which have none of their own, as kube-scheduler's default constraints: without a selector, which is
 * deduced from the Services and the controller of a pod. A pod that none of them selects gets none.
 */
export interface DefaultSpread {
  readonly constraints: ReadonlyArray<SpreadConstraint>
  readonly selecting?: ReadonlyArray<Selecting>
}

export interface DaemonSet {
  readonly metadata: Metadata
  readonly spec: { readonly template: { readonly metadata?: { readonly labels?: Labels }; readonly spec: PodSpec } }
}

export interface Problem {
  readonly version: 1
  /** The pods to place. */
  readonly pods: ReadonlyArray<Pod>
  readonly nodePools: ReadonlyArray<NodePool>
  /** Catalogue by NodePool name. Pools may share one array: sharing it saves work. */
  readonly instanceTypes: { readonly [nodePool: string]: ReadonlyArray<InstanceType> }
  readonly nodes: ReadonlyArray<ExistingNode>
  readonly daemonSets: ReadonlyArray<DaemonSet>
  /** Labels a node may have without its NodePool naming them, beyond Kubernetes' and Karpenter's own. */
  readonly wellKnownLabels?: ReadonlyArray<string>
  readonly persistentVolumeClaims?: ReadonlyArray<PersistentVolumeClaim>
  readonly persistentVolumes?: ReadonlyArray<PersistentVolume>
  readonly storageClasses?: ReadonlyArray<StorageClass>
  /** Read by namespace selectors: a namespace that is not here has no labels. */
  readonly namespaces?: ReadonlyArray<Namespace>
  readonly defaultSpread?: DefaultSpread
  /** The label by which nodes of a reservation tell it. */
  readonly reservationIdLabel?: string
  readonly options?: Options
}

export interface Options {
  /** Default Respect. */
  readonly preferencePolicy?: "Respect" | "Ignore"
  /** Default Strict. */
  readonly minValuesPolicy?: "Strict" | "BestEffort"
  /** How many instance types a new node may name, cheapest first. Default 600. */
  readonly maxInstanceTypes?: number
  /** What every new node costs beyond its price, in US dollars an hour: addresses, API calls, blast radius. Default 0.001. */
  readonly nodePrice?: number
  /** Check the plan's invariants before returning it; a violation throws. For tests. */
  readonly assert?: boolean
}

/** How long to look for a cheaper plan. */
export interface Budget {
  /** Steps of about equal work; the same problem and steps always give the same plan. 0 leaves the first plan as it is. */
  readonly steps: number
  /** Asked between steps; true ends the search early, and makes the plan depend on the clock that is asked. */
  readonly isSpent?: () => boolean
}
