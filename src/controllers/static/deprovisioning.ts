/**
 * `static.deprovisioning`: takes nodes away from NodePools that have more than `spec.replicas` (core-lifecycle §8.2).
 * Budgets are not asked, as the user asked for fewer nodes; the drain that follows honours pods and their budgets.
 */
import { Clock, Effect } from "effect"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { isTerminal } from "../../cluster/podPredicates.ts"
import { Caches, index } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import type { Pod } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { removeClaim } from "../nodeclaim/removeClaim.ts"
import { isStatic } from "./count.ts"
import { look } from "./look.ts"
import { surplus } from "./surplus.ts"
import type { Victim } from "./surplus.ts"

const lookEvery = "1 minute"

/** Runs the controller until it is interrupted. */
export const staticDeprovisioning: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const recorder = yield* Recorder
  const pools = caches.store(NodePools)
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  const pods = caches.store(Pods)

  const podsOn = ({ status }: NodeClaim): ReadonlyArray<Pod> =>
    status?.nodeName === undefined ? [] : pods.by(index.podNode, status.nodeName).filter((pod) => !isTerminal(pod))

  const take = Effect.fnUntraced(function*(pool: NodePool, { claim, pods: moving, why }: Victim) {
    const node = nodes.get({ name: claim.status?.nodeName ?? "" })
    yield* Effect.logInfo("deleting surplus nodeclaim", {
      NodePool: { name: pool.metadata.name }, NodeClaim: { name: claim.metadata.name }, replicas: pool.spec.replicas, reason: why
    })
    yield* removeClaim(claim, "overprovisioned", moving)
    for (const object of node === undefined ? [claim] : [node, claim]) {
      yield* recorder.publish({
        object,
        type: "Normal",
        reason: "DisruptionTerminating",
        message: `Disrupting ${object === node ? "Node" : "NodeClaim"}: Overprovisioned`,
        dedupe: [object.metadata.uid ?? object.metadata.name, "Overprovisioned"]
      })
    }
  })

  return yield* runController({
    name: "static.deprovisioning",
    kind: NodePools,
    workers: 10,
    backoff: { base: "1 second", max: "1 minute" },
    triggers: [
      onSelf(pools, (change) => change.type === "applied" && isStatic(change.object)),
      onOther(claims, (change) => change.type === "applied" && change.previous === undefined
        ? [{ name: change.object.metadata.labels?.[label.nodePool] ?? "" }]
        : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const pool = pools.get(ref)
      if (pool === undefined || !isStatic(pool) || pool.metadata.deletionTimestamp !== undefined) return done
      const now = yield* Clock.currentTimeMillis
      if (surplus(pool, claims.list(), podsOn, now).length === 0) return requeueAfter(lookEvery)
      // Deletions are seen by the watch only, so the caches may count claims that were taken a moment ago.
      const seen = yield* look(pool)
      if (seen === undefined) return done
      const victims = surplus(seen.pool, seen.claims, podsOn, now)
      yield* Effect.forEach(victims, (victim) => take(seen.pool, victim), { concurrency: 8, discard: true })
      return requeueAfter(lookEvery)
    })
  })
})
