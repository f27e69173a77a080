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
  readonly topologySpreadConstraints?: ReadonlyArray<{
    readonly maxSkew: number
    readonly topologyKey: string
    readonly whenUnsatisfiable: string
    readonly labelSelector?: LabelSelector
    readonly minDomains?: number
    readonly nodeAffinityPolicy?: string
    readonly nodeTaintsPolicy?: string
    readonly matchLabelKeys?: ReadonlyArray<string>
  }>
  readonly containers: ReadonlyArray<Container>
  readonly initContainers?: ReadonlyArray<Container>
  readonly overhead?: Resources
  readonly resources?: { readonly requests?: Resources; readonly limits?: Resources }
}

export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly creationTimestamp?: string
  readonly labels?: Labels
  /** A bound pod that a DaemonSet owns counts as part of what daemons were expected to take. */
  readonly ownerReferences?: ReadonlyArray<{ readonly kind: string }>
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
  readonly options?: Options
}

export interface Options {
  /** Default Respect. */
  readonly preferencePolicy?: "Respect" | "Ignore"
  /** Default Strict. */
  readonly minValuesPolicy?: "Strict" | "BestEffort"
  /** How many instance types a new node may name, cheapest first. Default 600. */
  readonly maxInstanceTypes?: number
  /** Check the plan's invariants before returning it; a violation throws. For tests. */
  readonly assert?: boolean
}
