/** NodeOverlay v1alpha1: corrects the price or the capacity of instance types. */
import { Schema } from "effect"
import type { KubeObject } from "../kube/objects.ts"
import { resource } from "../kube/resources.ts"
import { atMost100, conditions, OverlayRequirement, requirementsDescription, Resources, type StatusOf } from "./common.ts"
import type { KindDefinition } from "./crd.ts"
import { group } from "./labels.ts"
import { nodeOverlayRules, requirementRules } from "./rules.ts"
import { optional, required, structural } from "./structural.ts"

export const NodeOverlaySpec = Schema.Struct({
  requirements: required(Schema.Array(OverlayRequirement).check(atMost100), requirementsDescription, {
    listType: "atomic",
    rules: [requirementRules.values, requirementRules.valuesOfNotIn, requirementRules.number]
  }),
  price: optional(
    Schema.String.check(Schema.isPattern(/^[0-9]+(\.[0-9]+)?$/u, { expected: "a non-negative decimal" })),
    "The hourly price that takes the place of the listed one."
  ),
  priceAdjustment: optional(
    Schema.String.check(Schema.isPattern(
      /^([+-]([0-9]*\.)?[0-9]+|\+([0-9]*\.)?[0-9]+%|-[0-9]{1,2}(\.[0-9]+)?%|-100%)$/u,
      { expected: "a signed amount such as +0.5 or a signed percentage such as -10%, down to -100%" }
    )),
    "What is added to the listed price, as an amount or a percentage."
  ),
  capacity: optional(
    Resources,
    "Resources that the instance types have besides those of Kubernetes.",
    { rules: [nodeOverlayRules.capacity] }
  ),
  weight: optional(
    Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10000 })),
    "Of several overlays the one of highest weight counts, then the one that comes last in the alphabet. Absent counts as 0.",
    { format: "int32" }
  )
}).annotate({
  description: "Which instance types are corrected, and how.",
  ...structural({ rules: [nodeOverlayRules.onePrice] })
})

export const NodeOverlayStatusSchema = Schema.Struct({ conditions }).annotate({ description: "Whether the overlay is in force." })

export interface NodeOverlay extends KubeObject {
  readonly spec: typeof NodeOverlaySpec.Type
  readonly status?: StatusOf<typeof NodeOverlayStatusSchema.Type>
}

export const NodeOverlays = resource<NodeOverlay>("karpenter.sh/v1alpha1", "NodeOverlay", "nodeoverlays", "Cluster")

export const nodeOverlayDefinition: KindDefinition = {
  group,
  kind: "NodeOverlay",
  plural: "nodeoverlays",
  shortNames: ["overlays"],
  versions: ["v1alpha1"],
  description: "NodeOverlay corrects the price or the capacity that instance types are planned with.",
  spec: NodeOverlaySpec,
  status: NodeOverlayStatusSchema,
  columns: [
    { name: "Ready", type: "string", jsonPath: ".status.conditions[?(@.type==\"Ready\")].status" },
    { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
    { name: "Weight", type: "integer", jsonPath: ".spec.weight", priority: 1 }
  ]
}
