/** NodePool v1: what kind of nodes may be bought, how many, and when they may be taken away. */
import { Schema } from "effect"
import type { KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import {
  atMost100, conditions, DurationOrNever, expireAfter, LabelValue, NodePoolRequirement, requirementsDescription,
  requirementsSaid, Resources, startupTaints, type StatusOf, taints, terminationGracePeriod, WrittenQuantity
} from "./common.ts"
import type { KindDefinition } from "./crd.ts"
import { group } from "./labels.ts"
import { NodeClassReference } from "./nodeClaim.ts"
import { labelRules, nodeClassRefRules, nodePoolRules } from "./rules.ts"
import { optional, required, structural } from "./structural.ts"

/** Why a node may be taken away, as budgets name it. */
export const disruptionReasons = ["Underutilized", "Empty", "Drifted"] as const
export type DisruptionReason = typeof disruptionReasons[number]

export const Budget = Schema.Struct({
  nodes: required(
    Schema.String.check(Schema.isPattern(
      /^((100|[0-9]{1,2})%|[0-9]+)$/u,
      { expected: "a number such as 5 or a percentage such as 10%" }
    )),
    "How many of the pool's nodes may be disrupted at a time: a number, or a percentage that rounds up.",
    { default: "10%" }
  ),
  reasons: optional(
    Schema.Array(Schema.Literals(disruptionReasons)).check(Schema.isMaxLength(50)),
    "The reasons that the budget limits. Absent: all of them.",
    { listType: "set" }
  ),
  schedule: optional(
    Schema.String.check(Schema.isPattern(
      /^(@(annually|yearly|monthly|weekly|daily|midnight|hourly)|\S+\s+\S+\s+\S+\s+\S+\s+\S+)$/u,
      { expected: "five cron fields, or one of @annually, @yearly, @monthly, @weekly, @daily, @midnight, @hourly" }
    )),
    "When the budget begins to apply, as cron in UTC. Goes with duration; without both the budget always applies."
  ),
  duration: optional(
    Schema.String.check(Schema.isPattern(
      /^(([0-9]+(h|m))|([0-9]+h[0-9]+m))(0s)?$/u, { expected: "whole hours and minutes such as 8h or 1h30m" }
    )),
    "How long the budget applies from each hit of the schedule: whole hours and minutes."
  )
})
export type Budget = typeof Budget.Type

const Disruption = Schema.Struct({
  consolidateAfter: optional(
    DurationOrNever,
    "How long a node must be left alone by pods that come and go before it is considered for consolidation, or Never.",
    { default: "0s" }
  ),
  consolidationPolicy: optional(
    Schema.Literals(["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"]),
    "Which nodes are considered for consolidation.",
    { default: "WhenEmptyOrUnderutilized" }
  ),
  budgets: optional(
    Schema.Array(Budget).check(Schema.isMaxLength(50)),
    "How many nodes may be disrupted at a time. The strictest budget that applies counts.",
    { listType: "atomic", default: [{ nodes: "10%" }], rules: [nodePoolRules.budgetWindow] }
  )
})

const TemplateMetadata = Schema.Struct({
  labels: optional(
    Schema.Record(Schema.String, LabelValue).check(Schema.isMaxProperties(100)),
    "Labels of the nodes.",
    { mapType: "atomic", rules: [labelRules.domain, labelRules.nodePool, labelRules.hostname] }
  ),
  annotations: optional(Schema.Record(Schema.String, Schema.String), "Annotations of the nodes.", { mapType: "granular" })
})

export const NodePoolTemplate = Schema.Struct({
  metadata: optional(TemplateMetadata, "Labels and annotations of the nodes."),
  spec: required(
    Schema.Struct({
      taints,
      startupTaints,
      requirements: required(Schema.Array(NodePoolRequirement).check(atMost100), requirementsDescription, requirementsSaid),
      nodeClassRef: required(
        NodeClassReference,
        "The LinodeNodeClass that says what the machines are made of.",
        { rules: [nodeClassRefRules.sameGroup, nodeClassRefRules.sameKind] }
      ),
      terminationGracePeriod,
      expireAfter
    }),
    "What the nodes are like."
  )
})

export const NodePoolSpec = Schema.Struct({
  template: required(NodePoolTemplate, "What the NodeClaims of this pool are made from."),
  /** The API server fills in all of it. */
  disruption: optional(
    Disruption,
    "When nodes may be taken away, and how many at a time.",
    { default: { consolidateAfter: "0s" } }
  ),
  limits: optional(Resources, "How much the pool's nodes may have together, by resource; `nodes` limits their number."),
  weight: optional(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
    "Pools of higher weight are tried first. Absent counts as 0.",
    { format: "int32" }
  ),
  replicas: optional(
    Schema.Int.check(Schema.isGreaterThanOrEqualTo(0)),
    "Alpha: keep this many nodes whatever the pods ask."
  )
}).annotate({
  description: "What kind of nodes may be bought, how many, and when they may be taken away.",
  ...structural({ rules: [nodePoolRules.replicasStay, nodePoolRules.staticLimits, nodePoolRules.staticWeight] })
})

export const NodePoolStatusSchema = Schema.Struct({
  resources: optional(Schema.Record(Schema.String, WrittenQuantity), "What the pool's nodes have together."),
  nodes: optional(Schema.Int, "How many nodes the pool has.", { default: 0 }),
  nodeClassObservedGeneration: optional(Schema.Int, "Generation of the node class that registrations were last counted for."),
  conditions
}).annotate({ description: "What the pool has now." })

export interface NodePool extends KubeObject {
  readonly spec: typeof NodePoolSpec.Type
  readonly status?: StatusOf<typeof NodePoolStatusSchema.Type>
}

export const NodePools = resource<NodePool>("karpenter.sh/v1", "NodePool", "nodepools", "Cluster")

export const nodePoolDefinition: KindDefinition = {
  group,
  kind: "NodePool",
  plural: "nodepools",
  versions: ["v1"],
  description: "NodePool says what kind of nodes may be bought for pending pods, how many, and when they may be taken away.",
  spec: NodePoolSpec,
  status: NodePoolStatusSchema,
  scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.nodes" },
  columns: [
    { name: "NodeClass", type: "string", jsonPath: ".spec.template.spec.nodeClassRef.name" },
    { name: "Nodes", type: "string", jsonPath: ".status.nodes" },
    { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    { name: "Weight", type: "integer", jsonPath: ".spec.weight", priority: 1 },
    { name: "CPU", type: "string", jsonPath: ".status.resources.cpu", priority: 1 },
    { name: "Memory", type: "string", jsonPath: ".status.resources.memory", priority: 1 }
  ]
}
