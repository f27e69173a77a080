/**
 * CapacityBuffer v1beta1 of autoscaling.x-k8s.io: room that is kept free for pods that are not there yet. The kind is
 * Kubernetes' own, shared with its Cluster Autoscaler.
 */
import { Schema } from "effect"
import type { Condition, KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import { conditions, Resources, type StatusOf } from "./common.ts"
import type { KindDefinition } from "./crd.ts"
import { capacityBufferRules } from "./rules.ts"
import { optional, required, structural } from "./structural.ts"

/** The only strategy there is: nodes that run, and have the room. */
export const activeCapacity = "buffer.x-k8s.io/active-capacity"

const Name = Schema.String.check(Schema.isMinLength(1))
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))
const PodTemplateReference = Schema.Struct({ name: required(Name, "Name of the PodTemplate, in the buffer's namespace.") })

export const CapacityBufferSpec = Schema.Struct({
  provisioningStrategy: optional(
    Schema.String,
    "How the room is kept. Other strategies than active capacity are left to other controllers.",
    { default: activeCapacity }
  ),
  podTemplateRef: optional(PodTemplateReference, "The PodTemplate whose pods shall find room."),
  scalableRef: optional(
    Schema.Struct({
      apiGroup: optional(Schema.String, "API group of the workload: apps."),
      kind: required(Name, "Deployment, StatefulSet or ReplicaSet."),
      name: required(Name, "Name of the workload, in the buffer's namespace.")
    }),
    "The workload whose pods shall find room."
  ),
  replicas: optional(Count, "How many pods shall find room.", { format: "int32" }),
  percentage: optional(
    Count,
    "How many pods shall find room, in per cent of the workload's own. The larger of replicas and percentage counts.",
    { format: "int32" }
  ),
  limits: optional(
    Resources,
    "How much the pods may request together. Without replicas and percentage it says how many there are."
  )
}).annotate({
  description: "For how many pods of which kind room is kept free.",
  ...structural({ rules: [capacityBufferRules.templateNeedsNumber, capacityBufferRules.oneReference] })
})

export const CapacityBufferStatusSchema = Schema.Struct({
  podTemplateRef: optional(PodTemplateReference, "The PodTemplate that is used."),
  replicas: optional(Count, "For how many pods room is kept.", { format: "int32" }),
  podTemplateGeneration: optional(Schema.Int, "Generation of the PodTemplate that is used."),
  provisioningStrategy: optional(Schema.String, "How the room is kept."),
  conditions
}).annotate({ description: "What is kept now." })

export interface CapacityBuffer extends KubeObject {
  readonly spec: typeof CapacityBufferSpec.Type
  readonly status?: StatusOf<typeof CapacityBufferStatusSchema.Type>
}

export const CapacityBuffers = resource<CapacityBuffer>(
  "autoscaling.x-k8s.io/v1beta1", "CapacityBuffer", "capacitybuffers", "Namespaced"
)

/** Unlike Karpenter's own kinds a buffer has no condition that sums up the others. */
export const withCondition = (
  buffer: CapacityBuffer,
  { message, reason, status, type }: Required<Pick<Condition, "type" | "status" | "reason" | "message">>,
  now: string
): CapacityBuffer => {
  const all = buffer.status?.conditions ?? []
  const known = all.find((condition) => condition.type === type)
  const observedGeneration = buffer.metadata.generation ?? 0
  const isSame = known?.status === status && known.reason === reason && known.message === message &&
    known.observedGeneration === observedGeneration
  if (isSame) return buffer
  const lastTransitionTime = known?.status === status ? known.lastTransitionTime ?? now : now
  const next: Condition = { type, status, reason, message, lastTransitionTime, observedGeneration }
  const conditions = known === undefined ? [...all, next] : all.map((condition) => condition === known ? next : condition)
  return { ...buffer, status: { ...buffer.status, conditions } }
}

export const capacityBufferDefinition: KindDefinition = {
  group: "autoscaling.x-k8s.io",
  kind: "CapacityBuffer",
  plural: "capacitybuffers",
  namespaced: true,
  shortNames: ["cb"],
  categories: [],
  versions: ["v1beta1"],
  description: "CapacityBuffer keeps room free on nodes for pods that are not there yet.",
  spec: CapacityBufferSpec,
  status: CapacityBufferStatusSchema,
  columns: [
    { name: "Strategy", type: "string", jsonPath: ".status.provisioningStrategy" },
    { name: "PodTemplate", type: "string", jsonPath: ".status.podTemplateRef.name" },
    { name: "Replicas", type: "integer", jsonPath: ".status.replicas" },
    { name: "ConditionsType", type: "string", jsonPath: ".status.conditions[*].type" },
    { name: "ConditionsStatus", type: "string", jsonPath: ".status.conditions[*].status" },
    { name: "ConditionsReason", type: "string", jsonPath: ".status.conditions[*].reason" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }
  ]
}
