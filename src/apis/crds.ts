/** The CustomResourceDefinitions of this project, as objects. `crds/` and the chart karpenter-crd hold the same as YAML. */
import { type CustomResourceDefinition, customResourceDefinition } from "./crd.ts"
import { linodeNodeClassDefinition } from "./linodeNodeClass.ts"
import { nodeClaimDefinition } from "./nodeClaim.ts"
import { nodeOverlayDefinition } from "./nodeOverlay.ts"
import { nodePoolDefinition } from "./nodePool.ts"

export const crds: ReadonlyArray<CustomResourceDefinition> =
  [linodeNodeClassDefinition, nodeClaimDefinition, nodeOverlayDefinition, nodePoolDefinition].map(customResourceDefinition)
