/**
 * `nodepool.readiness` and `nodepool.validation` as one controller: both say in conditions whether a NodePool may be
 * bought for, and one writer needs one write (Karpenter's nodepool/readiness, nodepool/validation).
 */
import { Effect } from "effect"
import { conditionType, nodeClassConditions, nodePoolConditions } from "../../apis/conditions.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { problemsText, validateNodePool } from "../../apis/nodePoolValidation.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { done, onOther, onSelf, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { reportTransitions } from "../transitions.ts"
import { isoNow } from "../../runtime/isoNow.ts"

interface Unready {
  readonly reason: string
  readonly message: string
}

/** What keeps the pool's node class from being used. */
const classProblem = (name: string, nodeClass: LinodeNodeClass | undefined): Unready | undefined => {
  if (nodeClass === undefined) return { reason: "NodeClassNotFound", message: `LinodeNodeClass "${name}" not found on cluster` }
  if (nodeClass.metadata.deletionTimestamp !== undefined) {
    return { reason: "NodeClassTerminating", message: `LinodeNodeClass "${name}" is Terminating` }
  }
  const ready = nodeClassConditions.get(nodeClass, conditionType.ready)
  if (ready?.status === "True") return undefined
  if (ready?.status === "False") return { reason: ready.reason ?? "NodeClassNotReady", message: ready.message ?? "" }
  return { reason: "NodeClassReadinessUnknown", message: "Node Class Readiness Unknown" }
}

/** The pool with both conditions as they should be; the same object when they are. Pure. `now` is an ISO timestamp. */
export const judged = (pool: NodePool, nodeClass: LinodeNodeClass | undefined, now: string): NodePool => {
  const { nodeClassReady, validationSucceeded } = conditionType
  const problems = validateNodePool(pool)
  const validated = problems.length === 0
    ? nodePoolConditions.setTrue(pool, validationSucceeded, now)
    : nodePoolConditions.setFalse(pool, validationSucceeded, "NodePoolValidationFailed", problemsText(problems), now)
  const unready = classProblem(pool.spec.template.spec.nodeClassRef.name, nodeClass)
  return unready === undefined
    ? nodePoolConditions.setTrue(validated, nodeClassReady, now)
    : nodePoolConditions.setFalse(validated, nodeClassReady, unready.reason, unready.message, now)
}

/** Runs the controller until it is interrupted. */
export const nodePoolReadiness: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const pools = caches.store(NodePools)
  const classes = caches.store(LinodeNodeClasses)
  return yield* runController({
    name: "nodepool.readiness",
    kind: NodePools,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(pools, (change) => change.type === "applied"),
      onOther(classes, (change) => pools.by(index.nodeClass, change.object.metadata.name).map((pool) => pool.metadata))
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      // A class that is not in a half-filled cache is not missing.
      yield* caches.synced
      const pool = pools.get(ref)
      if (pool === undefined || !isManagedPool(pool)) return done
      const now = yield* isoNow
      const next = judged(pool, classes.get({ name: pool.spec.template.spec.nodeClassRef.name }), now)
      if (next === pool) return done
      yield* kube.patch(NodePools, { name: ref.name }, {
        metadata: { resourceVersion: pool.metadata.resourceVersion },
        status: { conditions: next.status?.conditions }
      }, { kind: "merge", subresource: "status" }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
      yield* reportTransitions(pool, next, ["ValidationSucceeded", "NodeClassReady", "Ready"])
      return done
    })
  })
})
