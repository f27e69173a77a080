/** NodeClaim v1: one machine that was asked for. Its spec never changes. */
import { Schema } from "effect"
import type { KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import {
  atMost100, expireAfter, NodeSelectorRequirement, relaxedConditions, requirementsDescription, requirementsSaid, Resources,
  startupTaints, type StatusOf, taints, terminationGracePeriod, WrittenQuantity
} from "./common.ts"
import type { KindDefinition } from "./crd.ts"
import { group, label } from "./labels.ts"
import { nodeClaimRules, nodeClassRefRules } from "./rules.ts"
import { optional, required, structural } from "./structural.ts"

export { NodeSelectorRequirement, Resources, TaintSchema } from "./common.ts"

export const NodeClassReference = Schema.Struct({
  group: required(
    Schema.String.check(Schema.isPattern(/^[^/]*$/u, { expected: "an API group without a version" })),
    "API group of the node class: karpenter.k8s.linode.",
    { rules: [nodeClassRefRules.group] }
  ),
  kind: required(Schema.String, "Kind of the node class: LinodeNodeClass.", { rules: [nodeClassRefRules.kind] }),
  name: required(Schema.String, "Name of the node class.", { rules: [nodeClassRefRules.name] })
})

export const NodeClaimSpec = Schema.Struct({
  taints,
  startupTaints,
  requirements: required(Schema.Array(NodeSelectorRequirement).check(atMost100), requirementsDescription, requirementsSaid),
  resources: optional(
    Schema.Struct({ requests: optional(Resources, "Sum of what the pods that the claim was made for request.") }),
    "What the node must have room for."
  ),
  nodeClassRef: required(NodeClassReference, "The LinodeNodeClass that says what the machine is made of."),
  terminationGracePeriod,
  expireAfter
}).annotate({
  description: "What kind of machine is wanted.",
  ...structural({ rules: [nodeClaimRules.immutable] })
})

const StatusResources = Schema.Record(Schema.String, WrittenQuantity)

export const NodeClaimStatusSchema = Schema.Struct({
  nodeName: optional(
    Schema.String,
    "Name of the Node. Set as soon as it is known, which in LKE mode is minutes before the node joins."
  ),
  providerID: optional(Schema.String, "Id of the machine: linode://<id>."),
  imageID: optional(Schema.String, "Image that the machine runs."),
  capacity: optional(StatusResources, "What the machine has in all."),
  allocatable: optional(StatusResources, "What of it pods can use."),
  conditions: relaxedConditions,
  lastPodEventTime: optional(
    Schema.String,
    "When a pod was last bound to the node or left it.",
    { format: "date-time" }
  )
}).annotate({ description: "What is known about the machine." })

export type NodeClaimStatus = StatusOf<typeof NodeClaimStatusSchema.Type>

export interface NodeClaim extends KubeObject {
  readonly spec: typeof NodeClaimSpec.Type
  readonly status?: NodeClaimStatus
}

export const NodeClaims = resource<NodeClaim>("karpenter.sh/v1", "NodeClaim", "nodeclaims", "Cluster")

const labelPath = (key: string): string => `.metadata.labels.${key.replaceAll(".", "\\.")}`

export const nodeClaimDefinition: KindDefinition = {
  group,
  kind: "NodeClaim",
  plural: "nodeclaims",
  versions: ["v1"],
  description: "NodeClaim is one machine that was asked for, from the request to its end.",
  spec: NodeClaimSpec,
  status: NodeClaimStatusSchema,
  columns: [
    { name: "Type", type: "string", jsonPath: labelPath(label.instanceType) },
    { name: "Capacity", type: "string", jsonPath: labelPath(label.capacityType) },
    { name: "Zone", type: "string", jsonPath: labelPath(label.zone) },
    { name: "Node", type: "string", jsonPath: ".status.nodeName" },
    { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    { name: "ImageID", type: "string", jsonPath: ".status.imageID", priority: 1 },
    { name: "ID", type: "string", jsonPath: ".status.providerID", priority: 1 },
    { name: "NodePool", type: "string", jsonPath: labelPath(label.nodePool), priority: 1 },
    { name: "NodeClass", type: "string", jsonPath: ".spec.nodeClassRef.name", priority: 1 },
    { name: "Drifted", type: "string", jsonPath: ".status.conditions[?(@.type==\"Drifted\")].status", priority: 1 }
  ]
}
