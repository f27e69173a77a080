/** Which resource of the API a call is about. The type parameter is the shape of its objects. */
import type {
  ConfigMap, CSINode, DaemonSet, Event, KubeObject, Lease, MapSelecting, Node, PersistentVolume, PersistentVolumeClaim, Pod,
  PodDisruptionBudget, PodTemplateObject, Secret, StorageClass, VolumeAttachment, Workload
} from "./objects.ts"

export interface Resource<A extends KubeObject = KubeObject> {
  /** `""` for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Never set: carries the type of the objects. */
  readonly _object?: A
}

export const resource = <A extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  scope: "Namespaced" | "Cluster"
): Resource<A> => {
  const slash = apiVersion.indexOf("/")
  return {
    group: slash < 0 ? "" : apiVersion.slice(0, slash),
    version: slash < 0 ? apiVersion : apiVersion.slice(slash + 1),
    kind,
    plural,
    namespaced: scope === "Namespaced"
  }
}

/** `group/version`, or the bare version in the core group: what an object's `apiVersion` says. */
export const apiVersion = (r: Resource<never> | Resource): string => r.group === "" ? r.version : `${r.group}/${r.version}`

/** The path of the collection, or of one object when a name is given. */
export const path = (r: Resource<never> | Resource, ref?: { readonly name?: string; readonly namespace?: string | undefined }): string => {
  const root = r.group === "" ? `/api/${r.version}` : `/apis/${r.group}/${r.version}`
  const scope = r.namespaced && ref?.namespace !== undefined ? `/namespaces/${encodeURIComponent(ref.namespace)}` : ""
  const name = ref?.name !== undefined ? `/${encodeURIComponent(ref.name)}` : ""
  return `${root}${scope}/${r.plural}${name}`
}

export const Pods = resource<Pod>("v1", "Pod", "pods", "Namespaced")
export const Nodes = resource<Node>("v1", "Node", "nodes", "Cluster")
export const PodTemplates = resource<PodTemplateObject>("v1", "PodTemplate", "podtemplates", "Namespaced")
export const Namespaces = resource<KubeObject>("v1", "Namespace", "namespaces", "Cluster")
export const Events = resource<Event>("v1", "Event", "events", "Namespaced")
export const DaemonSets = resource<DaemonSet>("apps/v1", "DaemonSet", "daemonsets", "Namespaced")
export const Deployments = resource<Workload>("apps/v1", "Deployment", "deployments", "Namespaced")
export const ReplicaSets = resource<Workload>("apps/v1", "ReplicaSet", "replicasets", "Namespaced")
export const StatefulSets = resource<Workload>("apps/v1", "StatefulSet", "statefulsets", "Namespaced")
export const ReplicationControllers = resource<MapSelecting>("v1", "ReplicationController", "replicationcontrollers", "Namespaced")
export const Services = resource<MapSelecting>("v1", "Service", "services", "Namespaced")
export const PersistentVolumeClaims = resource<PersistentVolumeClaim>(
  "v1", "PersistentVolumeClaim", "persistentvolumeclaims", "Namespaced"
)
export const PersistentVolumes = resource<PersistentVolume>("v1", "PersistentVolume", "persistentvolumes", "Cluster")
export const StorageClasses = resource<StorageClass>("storage.k8s.io/v1", "StorageClass", "storageclasses", "Cluster")
export const CSINodes = resource<CSINode>("storage.k8s.io/v1", "CSINode", "csinodes", "Cluster")
export const VolumeAttachments = resource<VolumeAttachment>("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", "Cluster")
export const PodDisruptionBudgets = resource<PodDisruptionBudget>("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "Namespaced")
export const ConfigMaps = resource<ConfigMap>("v1", "ConfigMap", "configmaps", "Namespaced")
export const Secrets = resource<Secret>("v1", "Secret", "secrets", "Namespaced")
export const Leases = resource<Lease>("coordination.k8s.io/v1", "Lease", "leases", "Namespaced")
export const CustomResourceDefinitions = resource<KubeObject>(
  "apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "Cluster"
)
