/**
 * What the scheduler is asked: one plain, JSON-safe value. Pods, nodes, NodePools and DaemonSets have the shape that
 * Kubernetes gives them (fields this module does not know are ignored), so objects of a watch can be passed as they are.
 * Quantities are Kubernetes' own (`"500m"`, `"2Gi"`, `4`).
 */

/** An amount as Kubernetes writes it; a number counts whole units, so `4` is `"4"`. */
export type Quantity = string | number
/** Amounts by resource: `cpu` in cores, `memory` and `ephemeral-storage` in bytes, `pods` and devices in pieces. */
export type Resources = { readonly [name: string]: Quantity }
/** Values by key. A key that Kubernetes has renamed (`beta.kubernetes.io/arch`) counts as what it is called now. */
export type Labels = { readonly [key: string]: string }

/**
 * What is asked of one label. `operator` is one of In, NotIn, Exists, DoesNotExist, Gt, Lt, Gte, Lte; an unknown one matches
 * nothing. The last four take one value, a whole number.
 */
export interface Requirement {
  readonly key: string
  readonly operator: string
  readonly values?: ReadonlyArray<string>
  /** Of a NodePool's requirement: how many different values the types that a new node may have must cover. */
  readonly minValues?: number
}

/** `effect` is NoSchedule, PreferNoSchedule or NoExecute. */
export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

/** `operator` is Equal (default), Exists, Lt or Gt. No key, with Exists, tolerates every taint; no effect, every effect. */
export interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
}

/** Selects by all that it says. An empty one selects everything; where there is none, nothing is selected. */
export interface LabelSelector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: ReadonlyArray<Requirement>
}

/** Met by a node that meets all of it. Of several terms, one is enough; a term that says nothing is met by no node. */
export interface NodeSelectorTerm {
  readonly matchExpressions?: ReadonlyArray<Requirement>
  readonly matchFields?: ReadonlyArray<Requirement>
}

/** Which pods, and the label that tells where they are. Namespaces: those listed or selected, or else the pod's own. */
export interface PodAffinityTerm {
  readonly topologyKey: string
  readonly labelSelector?: LabelSelector
  readonly namespaces?: ReadonlyArray<string>
  readonly namespaceSelector?: LabelSelector
  readonly matchLabelKeys?: ReadonlyArray<string>
  readonly mismatchLabelKeys?: ReadonlyArray<string>
}

/** To be where certain pods are or, as anti-affinity, where they are not. `weight` is 1 to 100. */
export interface PodAffinity {
  readonly requiredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<PodAffinityTerm>
  readonly preferredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<{
    readonly weight: number
    readonly podAffinityTerm: PodAffinityTerm
  }>
}

/** Of a container what scheduling reads. An init container with `restartPolicy` Always is a sidecar, which stays. */
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

/** What a claim for a volume asks. */
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

/** Of a pod what scheduling reads, with the meaning that Kubernetes gives it. */
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

/** Times are in RFC 3339, as Kubernetes writes them. No namespace means `default`. */
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

/** Whose an object is. */
export interface OwnerReference {
  readonly kind: string
  readonly name?: string
  readonly uid?: string
  readonly controller?: boolean
}

/** One of the pods to place, or one bound to a node. Which pod it is say namespace, name and uid together. */
export interface Pod {
  readonly metadata: Metadata
  readonly spec: PodSpec
}

/** A NodePool that takes part. The caller leaves out those that are not ready, being deleted, or static. */
export interface NodePool {
  readonly metadata: { readonly name: string }
  readonly spec: {
    /** The heaviest is asked first. Default 0. */
    readonly weight?: number
    /** The most that all of its nodes may have together; `nodes` limits their number. */
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

/** Where and under which terms a type is sold. */
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

/** A machine that can be bought. It runs Linux on amd64 where its labels or requirements do not say otherwise. */
export interface InstanceType {
  readonly name: string
  /** All that the machine has, the number of `pods` included. */
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
  /** Without a hostname, its name is one. */
  readonly labels: Labels
  readonly taints: ReadonlyArray<Taint>
  /** What counts against its NodePool's limits. */
  readonly capacity: Resources
  /** What pods can have: those bound to it, daemons, and new ones. */
  readonly allocatable: Resources
  /** Ready nodes are filled before those on their way. */
  readonly initialized: boolean
  /** The pods bound to it that have not ended. */
  readonly pods: ReadonlyArray<Pod>
  /** By CSI driver, as its CSINode says: how many volumes can be attached. A driver that is not named has no limit. */
  readonly volumeLimits?: { readonly [driver: string]: number }
}

/** A claim that a pod names. */
export interface PersistentVolumeClaim {
  readonly metadata: Metadata
  readonly spec: ClaimSpec
  /** `phase` is Pending, Bound or Lost. */
  readonly status?: { readonly phase?: string }
}

/** A volume that a claim is bound to; `nodeAffinity` says where it can be used. */
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

/** How volumes come into being, and where. */
export interface StorageClass {
  readonly metadata: Metadata
  readonly provisioner: string
  /** Immediate (default) or WaitForFirstConsumer. */
  readonly volumeBindingMode?: string
  readonly allowedTopologies?: ReadonlyArray<{
    readonly matchLabelExpressions?: ReadonlyArray<{ readonly key: string; readonly values: ReadonlyArray<string> }>
  }>
}

/** A namespace with its labels. */
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

/** Its pod runs on every node that the template allows: room is kept for it, on a node that is there until it has come. */
export interface DaemonSet {
  readonly metadata: Metadata
  readonly spec: { readonly template: { readonly metadata?: { readonly labels?: Labels }; readonly spec: PodSpec } }
}

/** Everything that a plan depends on. The order of the lists is of no importance. */
export interface Problem {
  readonly version: 1
  /** The pods to place: pending, not held back by a gate, each once. */
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

/** How to plan, where there is a choice. */
export interface Options {
  /** Ignore plans as if pods preferred nothing. Default Respect: preferences hold until a pod would find no node. */
  readonly preferencePolicy?: "Respect" | "Ignore"
  /** BestEffort lowers a minValues that the types left cannot cover. Default Strict: no such node. */
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
