/** Kubernetes' own kinds, as far as this project and its tests use them. */
import { resource } from "../resources.ts"
import type { FieldError } from "./failure.ts"
import { at, isObject } from "./json.ts"
import type { Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import { completePod, validatePod } from "./pods.ts"

const noErrors = (): ReadonlyArray<FieldError> => []

const builtin = (
  apiVersion: string,
  kind: string,
  plural: string,
  scope: "Namespaced" | "Cluster",
  rules: Partial<Kind> = {}
): Kind => {
  const { group, version, namespaced } = resource(apiVersion, kind, plural, scope)
  return {
    group, kind, plural, namespaced,
    versions: [version],
    storageVersion: version,
    custom: false,
    status: false,
    statusOnCreate: "dropped",
    generation: false,
    unconditionalUpdate: true,
    graceful: false,
    name: "subdomain",
    fields: [],
    complete: (object) => object,
    validate: noErrors,
    ...rules
  }
}

const completeNamespace = (object: Stored): Stored => ({
  ...object,
  spec: { finalizers: ["kubernetes"], ...(isObject(object["spec"]) ? object["spec"] : {}) },
  status: isObject(object["status"]) ? object["status"] : { phase: "Active" }
})

const requireSelector = (object: Stored): ReadonlyArray<FieldError> =>
  isObject(at(object, "spec", "selector")) ? [] : [{ field: "spec.selector", message: "Required value" }]

const completeReplicas = (object: Stored): Stored =>
  at(object, "spec", "replicas") !== undefined
    ? object
    : { ...object, spec: { ...(isObject(object["spec"]) ? object["spec"] : {}), replicas: 1 } }

const workload: Partial<Kind> = { status: true, generation: true, validate: requireSelector }
const scaled: Partial<Kind> = {
  ...workload,
  complete: completeReplicas,
  scale: { spec: ["spec", "replicas"], status: ["status", "replicas"] }
}

export const builtins: ReadonlyArray<Kind> = [
  builtin("v1", "Pod", "pods", "Namespaced", {
    status: true,
    generation: true,
    graceful: true,
    fields: [
      "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
      "status.podIP", "status.nominatedNodeName"
    ],
    complete: completePod,
    validate: validatePod
  }),
  // A kubelet registers its node together with its status.
  builtin("v1", "Node", "nodes", "Cluster", { status: true, statusOnCreate: "kept", fields: ["spec.unschedulable"] }),
  builtin("v1", "Namespace", "namespaces", "Cluster", {
    status: true, name: "label", fields: ["status.phase"], complete: completeNamespace
  }),
  builtin("v1", "Event", "events", "Namespaced", {
    fields: [
      "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid", "involvedObject.apiVersion",
      "involvedObject.resourceVersion", "involvedObject.fieldPath", "reason", "reportingComponent", "source", "type"
    ]
  }),
  builtin("v1", "ConfigMap", "configmaps", "Namespaced"),
  builtin("v1", "Secret", "secrets", "Namespaced", { fields: ["type"] }),
  builtin("v1", "ServiceAccount", "serviceaccounts", "Namespaced"),
  builtin("v1", "Service", "services", "Namespaced", { status: true, name: "label" }),
  builtin("v1", "ReplicationController", "replicationcontrollers", "Namespaced", {
    status: true, generation: true, complete: completeReplicas
  }),
  builtin("v1", "PodTemplate", "podtemplates", "Namespaced", { generation: true }),
  builtin("v1", "PersistentVolume", "persistentvolumes", "Cluster", { status: true }),
  builtin("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "Namespaced", { status: true }),
  builtin("apps/v1", "DaemonSet", "daemonsets", "Namespaced", workload),
  builtin("apps/v1", "Deployment", "deployments", "Namespaced", scaled),
  builtin("apps/v1", "ReplicaSet", "replicasets", "Namespaced", { ...scaled, fields: ["status.replicas"] }),
  builtin("apps/v1", "StatefulSet", "statefulsets", "Namespaced", scaled),
  builtin("batch/v1", "Job", "jobs", "Namespaced", { status: true, generation: true, fields: ["status.successful"] }),
  builtin("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "Namespaced", {
    status: true, generation: true, unconditionalUpdate: false
  }),
  builtin("coordination.k8s.io/v1", "Lease", "leases", "Namespaced", { unconditionalUpdate: false }),
  builtin("scheduling.k8s.io/v1", "PriorityClass", "priorityclasses", "Cluster"),
  builtin("storage.k8s.io/v1", "StorageClass", "storageclasses", "Cluster"),
  builtin("storage.k8s.io/v1", "CSINode", "csinodes", "Cluster"),
  builtin("storage.k8s.io/v1", "VolumeAttachment", "volumeattachments", "Cluster", { status: true }),
  builtin("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "Cluster", {
    status: true, generation: true, unconditionalUpdate: false
  })
]
