/** The CustomResourceDefinitions of this project, as objects. `crds/` and the chart karpenter-crd hold the same as YAML. */
import { capacityBufferDefinition } from "./capacityBuffer.ts"
import { type CustomResourceDefinition, customResourceDefinition, type KindDefinition } from "./crd.ts"
import { linodeNodeClassDefinition } from "./linodeNodeClass.ts"
import { nodeClaimDefinition } from "./nodeClaim.ts"
import { nodeOverlayDefinition } from "./nodeOverlay.ts"
import { nodePoolDefinition } from "./nodePool.ts"

/** The kinds that the CRDs are made from. */
export const definitions: ReadonlyArray<KindDefinition> =
  [capacityBufferDefinition, linodeNodeClassDefinition, nodeClaimDefinition, nodeOverlayDefinition, nodePoolDefinition]

export const crds: ReadonlyArray<CustomResourceDefinition> = definitions.map(customResourceDefinition)
