/**
 * `nodepool.registrationhealth`: begins the count of a NodePool's registrations anew when the pool or its class was edited,
 * and takes it up again after a restart (Karpenter's nodepool/registrationhealth). The outcomes themselves come from
 * `nodeclaim.lifecycle`.
 */
import { Effect } from "effect"
import { conditionType, nodePoolConditions } from "../../apis/conditions.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { done, onOther, onSelf, runController } from "../../runtime/controller.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { Registrations, writeHealth } from "./registrations.ts"
import type { Outcome } from "./registrations.ts"

const type = conditionType.nodeRegistrationHealthy

/** Whether what was counted was about another pool or class than the present ones. */
const isOutdated = (pool: NodePool, classGeneration: number): boolean => {
  const condition = nodePoolConditions.get(pool, type)
  return condition === undefined || condition.observedGeneration !== (pool.metadata.generation ?? 0) ||
    pool.status?.nodeClassObservedGeneration !== classGeneration
}

/** What a new process goes by. */
const seed = (pool: NodePool): ReadonlyArray<Outcome> =>
  nodePoolConditions.isTrue(pool, type) ? ["registered"] : nodePoolConditions.isFalse(pool, type) ? ["failed", "failed"] : []

/** Runs the controller until it is interrupted. */
export const nodePoolRegistrationHealth: Effect.Effect<
  never, never, Caches | Kube | Metrics | Recorder | Registrations
> = Effect.gen(function*() {
  const caches = yield* Caches
  const registrations = yield* Registrations
  const pools = caches.store(NodePools)
  const classes = caches.store(LinodeNodeClasses)
  return yield* runController({
    name: "nodepool.registrationhealth",
    kind: NodePools,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(pools),
      onOther(classes, (change) => pools.by(index.nodeClass, change.object.metadata.name).map((pool) => pool.metadata))
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const pool = pools.get(ref)
      if (pool === undefined) registrations.forget(ref.name)
      if (pool === undefined || pool.metadata.deletionTimestamp !== undefined || !isManagedPool(pool)) return done
      const nodeClass = classes.get({ name: pool.spec.template.spec.nodeClassRef.name })
      if (nodeClass === undefined) return done
      const generation = nodeClass.metadata.generation ?? 0
      if (!isOutdated(pool, generation)) {
        if (registrations.of(pool).length === 0) registrations.set(pool, seed(pool))
        return done
      }
      const unknown = nodePoolConditions.setUnknown(
        pool, type, "AwaitingReconciliation", "object is awaiting reconciliation", yield* isoNow
      )
      yield* writeHealth(pool, { ...unknown, status: { ...unknown.status, nodeClassObservedGeneration: generation } }).pipe(
        Effect.catchIf(isNotFound, () => Effect.void)
      )
      registrations.set(pool, [])
      return done
    })
  })
})
