/** NodePool v1: what kind of nodes may be bought, how many, and when they may be taken away. */
import { Schema } from "effect"
import type { Condition, KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import { NodeClassReference, NodeSelectorRequirement, Resources, TaintSchema } from "./nodeClaim.ts"

export const Budget = Schema.Struct({
  nodes: Schema.String,
  reasons: Schema.optionalKey(Schema.Array(Schema.Literals(["Underutilized", "Empty", "Drifted"]))),
  schedule: Schema.optionalKey(Schema.String),
  duration: Schema.optionalKey(Schema.String)
})
export type Budget = typeof Budget.Type

export const NodePoolSpec = Schema.Struct({
  template: Schema.Struct({
    metadata: Schema.optionalKey(Schema.Struct({
      labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
      annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
    })),
    spec: Schema.Struct({
      taints: Schema.optionalKey(Schema.Array(TaintSchema)),
      startupTaints: Schema.optionalKey(Schema.Array(TaintSchema)),
      requirements: Schema.Array(NodeSelectorRequirement),
      nodeClassRef: NodeClassReference,
      terminationGracePeriod: Schema.optionalKey(Schema.String),
      expireAfter: Schema.optionalKey(Schema.String)
    })
  }),
  /** The API server fills in all of it. */
  disruption: Schema.optionalKey(Schema.Struct({
    consolidateAfter: Schema.optionalKey(Schema.String),
    consolidationPolicy: Schema.optionalKey(Schema.Literals(["WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"])),
    budgets: Schema.optionalKey(Schema.Array(Budget))
  })),
  limits: Schema.optionalKey(Resources),
  weight: Schema.optionalKey(Schema.Int),
  replicas: Schema.optionalKey(Schema.Int)
})

export interface NodePool extends KubeObject {
  readonly spec: typeof NodePoolSpec.Type
  readonly status?: {
    readonly resources?: Readonly<Record<string, string>>
    readonly nodes?: number
    readonly nodeClassObservedGeneration?: number
    readonly conditions?: ReadonlyArray<Condition>
  }
}

export const NodePools = resource<NodePool>("karpenter.sh/v1", "NodePool", "nodepools", "Cluster")
