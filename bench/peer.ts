/**
 * Problems as bench/karpenter reads them, and how they turn into the scheduler's own and back. The rival sees a cluster:
 * Kubernetes' objects in full, pods that run among those that wait.
 */
import type {
  DaemonSet, ExistingNode, InstanceType, Labels, Namespace, NodePool, Offering, PersistentVolume, PersistentVolumeClaim, Pod,
  PodAffinity, PodAffinityTerm, Problem, Requirement, Resources, StorageClass, Taint
} from "../src/scheduling/index.ts"
import { subtractResources } from "../src/scheduling/index.ts"

const typeLabel = "node.kubernetes.io/instance-type"
const hostnameLabel = "kubernetes.io/hostname"
const nodePoolLabel = "karpenter.sh/nodepool"
const initializedLabel = "karpenter.sh/initialized"

export interface PeerOffering extends Omit<Offering, "reservationId"> {
  readonly requirements?: ReadonlyArray<Requirement>
}

export interface PeerInstanceType extends Omit<InstanceType, "offerings" | "volumeLimits"> {
  readonly offerings: ReadonlyArray<PeerOffering>
}

export interface PeerNode {
  readonly metadata: { readonly name: string; readonly labels?: Labels }
  readonly spec?: { readonly taints?: ReadonlyArray<Taint> }
  readonly status?: { readonly capacity?: Resources; readonly allocatable?: Resources }
}

interface Kind<Name extends string> {
  readonly apiVersion: string
  readonly kind: Name
}

interface CSINode {
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly drivers: ReadonlyArray<{
      readonly name: string
      readonly nodeID: string
      readonly topologyKeys: ReadonlyArray<string> | null
      readonly allocatable?: { readonly count?: number }
    }>
  }
}

export type PeerObject =
  | Kind<"PersistentVolumeClaim"> & PersistentVolumeClaim
  | Kind<"PersistentVolume"> & PersistentVolume
  | Kind<"StorageClass"> & StorageClass
  | Kind<"Namespace"> & Namespace
  | Kind<"CSINode"> & CSINode

export interface PeerProblem {
  readonly options?: {
    readonly preferencePolicy?: "Respect" | "Ignore"
    readonly minValuesPolicy?: "Strict" | "BestEffort"
    readonly concurrency?: number
  }
  readonly wellKnownLabels?: ReadonlyArray<string>
  readonly reservationIdLabel?: string
  readonly instanceTypes: ReadonlyArray<PeerInstanceType>
  readonly nodePoolInstanceTypes?: { readonly [nodePool: string]: ReadonlyArray<string> }
  readonly nodePools: ReadonlyArray<NodePool>
  readonly pods: ReadonlyArray<Pod>
  readonly nodes?: ReadonlyArray<PeerNode>
  readonly daemonSets?: ReadonlyArray<DaemonSet>
  readonly objects?: ReadonlyArray<PeerObject>
  readonly meta?: { readonly [key: string]: unknown }
}

/** The same question for our scheduler. Nodes of a known instance type get its resources, as the rival gives them. */
export const problemOf = (peer: PeerProblem): Problem => {
  const types = peer.instanceTypes.map((type) => typeFrom(type, peer.reservationIdLabel))
  const byName = new Map(types.map((type) => [type.name, type]))
  const poolTypes = (pool: string): ReadonlyArray<InstanceType> => {
    const names = peer.nodePoolInstanceTypes?.[pool]
    return names === undefined ? types : types.filter(({ name }) => names.includes(name))
  }
  const running = new Map<string, Array<Pod>>()
  for (const pod of peer.pods) {
    const { nodeName } = pod.spec
    if (nodeName !== undefined) running.set(nodeName, [...running.get(nodeName) ?? [], named(pod)])
  }
  const objects = peer.objects ?? []
  const csiNodes = new Map(objects.flatMap((object) => object.kind === "CSINode" ? [[object.metadata.name, object]] : []))
  return {
    version: 1,
    pods: peer.pods.filter((pod) => pod.spec.nodeName === undefined).map(named),
    nodePools: peer.nodePools.map(withRequirements),
    instanceTypes: Object.fromEntries(peer.nodePools.map(({ metadata: { name } }) => [name, poolTypes(name)])),
    nodes: (peer.nodes ?? []).map((node) => {
      const { name } = node.metadata
      return nodeFrom(node, byName, running.get(name) ?? [], csiNodes.get(name))
    }),
    daemonSets: peer.daemonSets ?? [],
    ...(peer.wellKnownLabels === undefined ? {} : { wellKnownLabels: peer.wellKnownLabels }),
    ...(peer.reservationIdLabel === undefined ? {} : { reservationIdLabel: peer.reservationIdLabel }),
    persistentVolumeClaims: objects.filter((object) => object.kind === "PersistentVolumeClaim"),
    persistentVolumes: objects.filter((object) => object.kind === "PersistentVolume"),
    storageClasses: objects.filter((object) => object.kind === "StorageClass"),
    namespaces: objects.filter((object) => object.kind === "Namespace"),
    options: {
      ...(peer.options?.preferencePolicy === undefined ? {} : { preferencePolicy: peer.options.preferencePolicy }),
      ...(peer.options?.minValuesPolicy === undefined ? {} : { minValuesPolicy: peer.options.minValuesPolicy })
    }
  }
}

/** Namespace and UID as the rival sets them where they are missing: pods of one size queue by UID. */
const named = (pod: Pod): Pod => {
  const { namespace = "default", uid = `${namespace}/${pod.metadata.name}` } = pod.metadata
  return { ...pod, metadata: { ...pod.metadata, namespace, uid } }
}

/** JSON of a NodePool may lack what is empty. */
const withRequirements = (pool: NodePool): NodePool => {
  const template = pool.spec.template as Partial<NodePool["spec"]["template"]> | undefined
  const spec = { ...template?.spec, requirements: template?.spec?.requirements ?? [] }
  return { ...pool, spec: { ...pool.spec, template: { ...template, spec } } }
}

const typeFrom = ({ offerings, ...type }: PeerInstanceType, reservationIdLabel: string | undefined): InstanceType => ({
  ...type,
  offerings: offerings.map(({ requirements = [], ...offering }) => {
    const reservationId = requirements.find(({ key }) => key === reservationIdLabel)?.values?.[0]
    return reservationId === undefined ? offering : { ...offering, reservationId }
  })
})

const nodeFrom = (
  { metadata: { labels = {}, name }, spec, status }: PeerNode,
  types: ReadonlyMap<string, InstanceType>,
  pods: ReadonlyArray<Pod>,
  csi: CSINode | undefined
): ExistingNode => {
  const type = types.get(labels[typeLabel] ?? "")
  const capacity = status?.capacity ?? type?.capacity ?? {}
  const allocatable = status?.allocatable ??
    (status?.capacity === undefined && type?.overhead !== undefined ? subtractResources(type.capacity, type.overhead) : capacity)
  const nodePool = labels[nodePoolLabel]
  const counted = csi?.spec.drivers.flatMap(({ allocatable: limit, name: driver }) =>
    limit?.count === undefined ? [] : [[driver, limit.count]])
  return {
    name,
    ...(nodePool === undefined ? {} : { nodePool }),
    labels: { [hostnameLabel]: name, ...labels },
    taints: spec?.taints ?? [],
    capacity,
    allocatable,
    initialized: labels[initializedLabel] !== "false",
    pods,
    ...(counted === undefined ? {} : { volumeLimits: Object.fromEntries(counted) })
  }
}

/**
 * A problem of ours as the rival reads it. The rival knows no attach limits of instance types, no default spread and no node
 * price; of types that share a name in several NodePools it takes one, so they have to be equal.
 */
export const peerOf = (problem: Problem): PeerProblem => {
  const types = new Map(Object.values(problem.instanceTypes).flat().map((type) => [type.name, type]))
  const { maxInstanceTypes: _, nodePrice: __, assert: ___, ...options } = problem.options ?? {}
  return {
    options,
    wellKnownLabels: problem.wellKnownLabels ?? [],
    ...(problem.reservationIdLabel === undefined ? {} : { reservationIdLabel: problem.reservationIdLabel }),
    instanceTypes: [...types.values()].map((type) => peerType(type, problem.reservationIdLabel)),
    nodePoolInstanceTypes: Object.fromEntries(
      Object.entries(problem.instanceTypes).map(([pool, list]) => [pool, list.map(({ name }) => name)])
    ),
    nodePools: problem.nodePools,
    pods: [
      ...problem.pods.map(admitted),
      ...problem.nodes.flatMap(({ name: nodeName, pods }) =>
        pods.map(admitted).map((pod) => ({ ...pod, spec: { ...pod.spec, nodeName } })))
    ],
    nodes: problem.nodes.map(({ allocatable, capacity, initialized, labels, name, nodePool, taints }) => ({
      metadata: {
        name,
        labels: {
          ...labels,
          ...(nodePool === undefined ? {} : { [nodePoolLabel]: nodePool }),
          ...(nodePool === undefined || initialized ? {} : { [initializedLabel]: "false" })
        }
      },
      spec: { taints },
      status: { capacity, allocatable }
    })),
    daemonSets: problem.daemonSets,
    objects: objectsOf(problem)
  }
}

/** The API server adds what `matchLabelKeys` of pod affinity select to the selector when a pod is made: the rival relies on it. */
const admitted = (pod: Pod): Pod => {
  const { affinity } = pod.spec
  if (affinity?.podAffinity === undefined && affinity?.podAntiAffinity === undefined) return pod
  return {
    ...pod,
    spec: {
      ...pod.spec,
      affinity: {
        ...affinity,
        ...(affinity.podAffinity === undefined ? {} : { podAffinity: admittedTerms(affinity.podAffinity, pod) }),
        ...(affinity.podAntiAffinity === undefined ? {} : { podAntiAffinity: admittedTerms(affinity.podAntiAffinity, pod) })
      }
    }
  }
}

const admittedTerms = (affinity: PodAffinity, pod: Pod): PodAffinity => ({
  ...(affinity.requiredDuringSchedulingIgnoredDuringExecution === undefined ? {} : {
    requiredDuringSchedulingIgnoredDuringExecution: affinity.requiredDuringSchedulingIgnoredDuringExecution
      .map((term) => admittedTerm(term, pod))
  }),
  ...(affinity.preferredDuringSchedulingIgnoredDuringExecution === undefined ? {} : {
    preferredDuringSchedulingIgnoredDuringExecution: affinity.preferredDuringSchedulingIgnoredDuringExecution
      .map((wish) => ({ ...wish, podAffinityTerm: admittedTerm(wish.podAffinityTerm, pod) }))
  })
})

const admittedTerm = (term: PodAffinityTerm, { metadata: { labels = {} } }: Pod): PodAffinityTerm => {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term
  const expressions = [["In", matchLabelKeys] as const, ["NotIn", mismatchLabelKeys] as const].flatMap(([operator, keys]) =>
    keys.flatMap((key) => labels[key] === undefined ? [] : [{ key, operator, values: [labels[key]] }]))
  return labelSelector === undefined || expressions.length === 0 ? term : {
    ...term, labelSelector: { ...labelSelector, matchExpressions: [...labelSelector.matchExpressions ?? [], ...expressions] }
  }
}

const peerType = (from: InstanceType, reservationIdLabel: string | undefined): PeerInstanceType => {
  const { offerings, volumeLimits: _, ...type } = from
  return {
    ...type,
    offerings: offerings.map(({ reservationId, ...offering }) => reservationId === undefined || reservationIdLabel === undefined
      ? offering
      : { ...offering, requirements: [{ key: reservationIdLabel, operator: "In", values: [reservationId] }] })
  }
}

const core = "v1"
const storage = "storage.k8s.io/v1"

const objectsOf = (problem: Problem): ReadonlyArray<PeerObject> => [
  ...(problem.persistentVolumeClaims ?? [])
    .map((object) => ({ apiVersion: core, kind: "PersistentVolumeClaim", ...object }) as const),
  ...(problem.persistentVolumes ?? []).map((object) => ({ apiVersion: core, kind: "PersistentVolume", ...object }) as const),
  ...(problem.storageClasses ?? []).map((object) => ({ apiVersion: storage, kind: "StorageClass", ...object }) as const),
  ...(problem.namespaces ?? []).map((object) => ({ apiVersion: core, kind: "Namespace", ...object }) as const),
  ...problem.nodes.flatMap(({ name, volumeLimits }) => volumeLimits === undefined ? [] : [{
    apiVersion: storage,
    kind: "CSINode",
    metadata: { name },
    spec: {
      drivers: Object.entries(volumeLimits).map(([driver, count]) => ({
        name: driver, nodeID: name, topologyKeys: null, allocatable: { count }
      }))
    }
  } as const])
]
