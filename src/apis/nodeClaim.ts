/** NodeClaim v1: one machine that was asked for. Its spec never changes. */
import { Schema } from "effect"
import type { Condition, KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"

export const NodeSelectorRequirement = Schema.Struct({
  key: Schema.String,
  operator: Schema.Literals(["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]),
  values: Schema.optionalKey(Schema.Array(Schema.String)),
  minValues: Schema.optionalKey(Schema.Int)
})

export const TaintSchema = Schema.Struct({
  key: Schema.String,
  value: Schema.optionalKey(Schema.String),
  effect: Schema.Literals(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
  timeAdded: Schema.optionalKey(Schema.String)
})

export const NodeClassReference = Schema.Struct({ group: Schema.String, kind: Schema.String, name: Schema.String })

export const Resources = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite]))

export const NodeClaimSpec = Schema.Struct({
  taints: Schema.optionalKey(Schema.Array(TaintSchema)),
  startupTaints: Schema.optionalKey(Schema.Array(TaintSchema)),
  requirements: Schema.Array(NodeSelectorRequirement),
  resources: Schema.optionalKey(Schema.Struct({ requests: Schema.optionalKey(Resources) })),
  nodeClassRef: NodeClassReference,
  terminationGracePeriod: Schema.optionalKey(Schema.String),
  /** A duration or `Never`; the API server fills in `720h`. */
  expireAfter: Schema.optionalKey(Schema.String)
})

export interface NodeClaimStatus {
  /** The node's name. Set as soon as it is known, which in LKE mode is minutes before the node joins. */
  readonly nodeName?: string
  readonly providerID?: string
  readonly imageID?: string
  readonly capacity?: Readonly<Record<string, string>>
  readonly allocatable?: Readonly<Record<string, string>>
  readonly conditions?: ReadonlyArray<Condition>
  readonly lastPodEventTime?: string
}

export interface NodeClaim extends KubeObject {
  readonly spec: typeof NodeClaimSpec.Type
  readonly status?: NodeClaimStatus
}

export const NodeClaims = resource<NodeClaim>("karpenter.sh/v1", "NodeClaim", "nodeclaims", "Cluster")
