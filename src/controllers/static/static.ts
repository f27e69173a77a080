import { Effect } from "effect"
import { Settings } from "../../settings/settings.ts"
import { staticDeprovisioning } from "./deprovisioning.ts"
import { staticCapacityOff } from "./gate.ts"
import { staticProvisioning } from "./provisioning.ts"

/** The controllers of NodePools with a fixed number of nodes, as the feature gate StaticCapacity says. */
export const staticCapacity = Effect.flatMap(Settings, ({ featureGates }) => featureGates.StaticCapacity
  ? Effect.all([staticProvisioning, staticDeprovisioning], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
  : staticCapacityOff)
