/** Karpenter's feature gates: which there are, what they are unless somebody says otherwise, and how they are written. */
import { Result } from "effect"
import { booleans } from "./kinds.ts"
import type { Kind } from "./kinds.ts"

export interface FeatureGates {
  /** Nodes that stay broken are replaced. */
  readonly NodeRepair: boolean
  /** NodeOverlays change prices and capacity of instance types. */
  readonly NodeOverlay: boolean
  /** NodePools with `spec.replicas` keep so many nodes. */
  readonly StaticCapacity: boolean
  /** CapacityBuffers keep room for pods that are not there yet. */
  readonly CapacityBuffer: boolean
  /** Offerings that are paid for already come first. Linode has none. */
  readonly ReservedCapacity: boolean
  /** Never on: Linode has no spot instances. */
  readonly SpotToSpotConsolidation: boolean
}

/** Karpenter's. */
export const defaultFeatureGates: FeatureGates = {
  NodeRepair: false,
  NodeOverlay: false,
  StaticCapacity: false,
  CapacityBuffer: false,
  ReservedCapacity: true,
  SpotToSpotConsolidation: false
}

const isGate = (name: string): name is keyof FeatureGates => Object.hasOwn(defaultFeatureGates, name)

/** `Name=bool,Name=bool`. Gates that are not named keep their defaults; names that nobody knows are ignored, as in Karpenter. */
export const featureGates: Kind<FeatureGates> = {
  expected: "Name=true|false, comma separated; SpotToSpotConsolidation can only be false, as Linode has no spot instances",
  parse: (given) => {
    const gates: { -readonly [Name in keyof FeatureGates]: boolean } = { ...defaultFeatureGates }
    for (const part of given.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
      const [name, value, ...rest] = part.split("=").map((each) => each.trim())
      const on = value === undefined ? undefined : booleans[value]
      if (name === undefined || name === "" || on === undefined || rest.length > 0) return Result.fail(undefined)
      if (isGate(name)) gates[name] = on
    }
    return gates.SpotToSpotConsolidation ? Result.fail(undefined) : Result.succeed(gates)
  }
}
