/**
 * The parts of Kubernetes' own objects that this program reads, as they come in raw JSON (timestamps stay strings).
 * Everything is readonly: an object from a cache is shared by all its readers.
 */

export interface OwnerReference {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
  readonly blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  readonly name: string
  readonly namespace?: string
  readonly generateName?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly deletionGracePeriodSeconds?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly finalizers?: ReadonlyArray<string>
  readonly ownerReferences?: ReadonlyArray<OwnerReference>
}

/** What every object of the API has. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: ObjectMeta
}

/** A name, and the namespace where the kind has one. */
export interface Ref {
  readonly name: string
  readonly namespace?: string | undefined
}

/** One condition as Kubernetes stores it. */
export interface Condition {
  readonly type: string
  readonly status: "True" | "False" | "Unknown"
  readonly reason?: string
  readonly message?: string
  readonly observedGeneration?: number
  readonly lastTransitionTime?: string
  readonly lastHeartbeatTime?: string
}

export type TaintEffect = "NoSchedule" | "PreferNoSchedule" | "NoExecute"

export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: TaintEffect
  readonly timeAdded?: string
}

export interface Toleration {
  readonly key?: string
  readonly operator?: string
  readonly value?: string
  readonly effect?: string
  readonly tolerationSeconds?: number
}

/** Resource name to quantity, as written (`"500m"`, `"2Gi"`, sometimes a bare number). */
export type ResourceList = Readonly<Record<string, string | number>>

export interface LabelSelectorRequirement {
  readonly key: string
  readonly operator: string
  readonly values?: ReadonlyArray<string>
}

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: ReadonlyArray<LabelSelectorRequirement>
}

export interface NodeSelectorTerm {
  readonly matchExpressions?: ReadonlyArray<LabelSelectorRequirement>
  readonly matchFields?: ReadonlyArray<LabelSelectorRequirement>
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

export interface Affinity {
  readonly nodeAffinity?: {
    readonly requiredDuringSchedulingIgnoredDuringExecution?: {
      readonly nodeSelectorTerms: ReadonlyArray<NodeSelectorTerm>
    }
    readonly preferredDuringSchedulingIgnoredDuringExecution?: ReadonlyArray<{
      readonly weight: number
      readonly preference: NodeSelectorTerm
    }>
  }
  readonly podAffinity?: PodAffinity
  readonly podAntiAffinity?: PodAffinity
}

export interface TopologySpreadConstraint {
  readonly maxSkew: number
  readonly topologyKey: string
  readonly whenUnsatisfiable: string
  readonly labelSelector?: LabelSelector
  readonly minDomains?: number
  readonly nodeAffinityPolicy?: string
  readonly nodeTaintsPolicy?: string
  readonly matchLabelKeys?: ReadonlyArray<string>
}

export interface ContainerPort {
  readonly containerPort?: number
  readonly hostPort?: number
  readonly hostIP?: string
  readonly protocol?: string
}

export interface Container {
  readonly name?: string
  readonly image?: string
  readonly restartPolicy?: string
  readonly ports?: ReadonlyArray<ContainerPort>
  readonly resources?: { readonly requests?: ResourceList; readonly limits?: ResourceList }
}

export interface VolumeClaimSpec {
  readonly storageClassName?: string
  readonly volumeName?: string
}

/** A volume of a pod; its source is one of many fields. */
export interface Volume {
  readonly name: string
  readonly persistentVolumeClaim?: { readonly claimName: string; readonly readOnly?: boolean }
  readonly ephemeral?: { readonly volumeClaimTemplate?: { readonly spec: VolumeClaimSpec } }
  readonly [source: string]: unknown
}

export interface PodSpec {
  readonly nodeName?: string
  readonly schedulerName?: string
  readonly nodeSelector?: Readonly<Record<string, string>>
  readonly affinity?: Affinity
  readonly tolerations?: ReadonlyArray<Toleration>
  readonly topologySpreadConstraints?: ReadonlyArray<TopologySpreadConstraint>
  readonly containers: ReadonlyArray<Container>
  readonly initContainers?: ReadonlyArray<Container>
  readonly overhead?: ResourceList
  readonly resources?: { readonly requests?: ResourceList; readonly limits?: ResourceList }
  readonly priority?: number
  readonly priorityClassName?: string
  readonly terminationGracePeriodSeconds?: number
  readonly volumes?: ReadonlyArray<Volume>
}

export interface Pod extends KubeObject {
  readonly spec: PodSpec
  readonly status?: {
    readonly phase?: string
    readonly nominatedNodeName?: string
    readonly startTime?: string
    readonly conditions?: ReadonlyArray<Condition>
  }
}

export interface Node extends KubeObject {
  readonly spec?: {
    readonly providerID?: string
    readonly taints?: ReadonlyArray<Taint>
    readonly unschedulable?: boolean
  }
  readonly status?: {
    readonly capacity?: ResourceList
    readonly allocatable?: ResourceList
    readonly conditions?: ReadonlyArray<Condition>
    readonly addresses?: ReadonlyArray<{ readonly type: string; readonly address: string }>
    readonly nodeInfo?: Readonly<Record<string, string>>
  }
}

export interface PodTemplate {
  readonly metadata?: Partial<ObjectMeta>
  readonly spec: PodSpec
}

/** The kind PodTemplate: a template that stands by itself. */
export interface PodTemplateObject extends KubeObject {
  readonly template: PodTemplate
}

export interface DaemonSet extends KubeObject {
  readonly spec: { readonly template: PodTemplate; readonly selector?: LabelSelector }
}

export interface PodDisruptionBudget extends KubeObject {
  readonly spec: {
    readonly selector?: LabelSelector
    readonly minAvailable?: number | string
    readonly maxUnavailable?: number | string
    readonly unhealthyPodEvictionPolicy?: string
  }
  readonly status?: {
    readonly disruptionsAllowed?: number
    readonly currentHealthy?: number
    readonly desiredHealthy?: number
    readonly expectedPods?: number
    readonly observedGeneration?: number
    readonly disruptedPods?: Readonly<Record<string, string>>
  }
}

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: VolumeClaimSpec
  readonly status?: { readonly phase?: string }
}

export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly storageClassName?: string
    readonly nodeAffinity?: { readonly required?: { readonly nodeSelectorTerms: ReadonlyArray<NodeSelectorTerm> } }
    readonly csi?: { readonly driver: string }
    readonly local?: object
    readonly hostPath?: object
  }
}

export interface StorageClass extends KubeObject {
  readonly provisioner: string
  readonly volumeBindingMode?: string
  readonly allowedTopologies?: ReadonlyArray<{
    readonly matchLabelExpressions?: ReadonlyArray<{ readonly key: string; readonly values: ReadonlyArray<string> }>
  }>
}

/** What the storage drivers on a node say of it; it has the node's name. */
export interface CSINode extends KubeObject {
  readonly spec: {
    readonly drivers?: ReadonlyArray<{ readonly name: string; readonly allocatable?: { readonly count?: number } }>
  }
}

/** That a volume is attached to a node, or is to be. */
export interface VolumeAttachment extends KubeObject {
  readonly spec: {
    readonly attacher: string
    readonly nodeName: string
    readonly source: { readonly persistentVolumeName?: string }
  }
  readonly status?: { readonly attached?: boolean }
}

/** What selects pods by a map of labels: Service and ReplicationController. */
export interface MapSelecting extends KubeObject {
  readonly spec?: { readonly selector?: Readonly<Record<string, string>> }
}

export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string
    readonly leaseDurationSeconds?: number
    readonly acquireTime?: string
    readonly renewTime?: string
    readonly leaseTransitions?: number
  }
}

export interface Event extends KubeObject {
  readonly involvedObject: {
    readonly apiVersion?: string
    readonly kind?: string
    readonly name?: string
    readonly namespace?: string
    readonly uid?: string
  }
  readonly type: string
  readonly reason: string
  readonly message: string
  readonly source?: { readonly component?: string }
  readonly reportingComponent?: string
  readonly count?: number
  readonly firstTimestamp?: string
  readonly lastTimestamp?: string
}

/** A workload with a pod template and a replica count: Deployment and ReplicaSet. */
export interface Workload extends KubeObject {
  readonly spec: { readonly replicas?: number; readonly selector: LabelSelector; readonly template: PodTemplate }
  readonly status?: Readonly<Record<string, unknown>>
}

export interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>
}

export interface Secret extends KubeObject {
  readonly type?: string
  /** Values in base64. */
  readonly data?: Readonly<Record<string, string>>
}
