/** Where the feature gate StaticCapacity is off, a NodePool with `spec.replicas` says why it gets no nodes. */
import { Effect } from "effect"
import { conditionType, nodePoolConditions } from "../../apis/conditions.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, onSelf, runController } from "../../runtime/controller.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { isStatic } from "./count.ts"
import { writePoolConditions } from "./poolConditions.ts"

const message = "spec.replicas keeps no nodes while the feature gate StaticCapacity is off: start the controller with " +
  "--feature-gates StaticCapacity=true, or use a NodePool without replicas"

/** Runs the controller until it is interrupted. */
export const staticCapacityOff: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const pools = (yield* Caches).store(NodePools)
  return yield* runController({
    name: "static.gate",
    kind: NodePools,
    workers: 1,
    backoff: { base: "1 second", max: "1 minute" },
    triggers: [onSelf(pools, (change) => change.type === "applied" && isStatic(change.object))],
    reconcile: Effect.fnUntraced(function*({ name }) {
      const pool = pools.get({ name })
      if (pool === undefined || !isStatic(pool) || pool.metadata.deletionTimestamp !== undefined) return done
      const { staticCapacity } = conditionType
      yield* writePoolConditions(
        pool, nodePoolConditions.setFalse(pool, staticCapacity, "FeatureGateDisabled", message, yield* isoNow)
      )
      return done
    })
  })
})
