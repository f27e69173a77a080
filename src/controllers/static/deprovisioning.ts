/**
 * `static.deprovisioning`: takes nodes away from NodePools that have more than `spec.replicas` (Karpenter's
 * static/deprovisioning). Budgets are not asked, as the user asked for fewer nodes; the drain that follows honours pods and
 * their budgets.
 *
 * A claim says that it is too many before it is deleted, and is deleted only as it was then. Where it is not too many any more
 * it says so no longer: a deletion of it that is carried out late deletes nothing.
 */
import { Clock, Effect } from "effect"
import { annotation, label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { isTerminal } from "../../cluster/podPredicates.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import type { Pod } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { countDisrupted } from "../disrupted.ts"
import { deleteUnchanged } from "../nodeclaim/removeClaim.ts"
import { settled } from "../nodeclaim/writeClaim.ts"
import { isStatic } from "./count.ts"
import { look } from "./look.ts"
import { isSurplus, surplus } from "./surplus.ts"
import type { Victim } from "./surplus.ts"

const lookEvery = "1 minute"
/** Claims that are written at a time. */
const atOnce = 8

/**
 * Says on the claim that it is too many, or takes that back. Fails with Conflict when the claim has changed since it was read.
 */
const say = Effect.fnUntraced(function*({ metadata: { name, resourceVersion } }: NodeClaim, isTooMany: boolean) {
  const annotations = { [annotation.surplus]: isTooMany ? "true" : null }
  return yield* Kube.use((kube) => kube.patch(NodeClaims, { name }, { metadata: { resourceVersion, annotations } }, { kind: "merge" }))
})

/** One that was not there, or begins to go. */
const changesNumber = (change: Change<NodeClaim>): boolean => change.type === "applied" && (change.previous === undefined ||
  (change.object.metadata.deletionTimestamp !== undefined && change.previous.metadata.deletionTimestamp === undefined))

/** Runs the controller until it is interrupted. */
export const staticDeprovisioning: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const recorder = yield* Recorder
  const pools = caches.store(NodePools)
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  const pods = caches.store(Pods)
  const count = yield* countDisrupted

  const podsOn = ({ status }: NodeClaim): ReadonlyArray<Pod> =>
    status?.nodeName === undefined ? [] : pods.by(index.podNode, status.nodeName).filter((pod) => !isTerminal(pod))

  const take = Effect.fnUntraced(function*(pool: NodePool, { claim, pods: moving, why }: Victim) {
    const node = nodes.get({ name: claim.status?.nodeName ?? "" })
    yield* Effect.logInfo("deleting surplus nodeclaim", {
      NodePool: { name: pool.metadata.name }, NodeClaim: { name: claim.metadata.name }, replicas: pool.spec.replicas, reason: why
    })
    const noted = isSurplus(claim) ? claim : yield* say(claim, true)
    if (!(yield* deleteUnchanged(noted))) return
    count({ claim, reason: "overprovisioned", pods: moving })
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

  const act = Effect.fnUntraced(function*(known: NodePool, now: number) {
    // Deletions are seen by the watch only, so the caches may count claims that were taken a moment ago.
    const seen = yield* look(known)
    if (seen === undefined) return done
    const { pool } = seen
    const { spared, victims } = surplus(pool, seen.claims, podsOn, now)
    yield* Effect.forEach(spared, (claim) => say(claim, false), { concurrency: atOnce, discard: true })
    yield* Effect.forEach(victims, (victim) => take(pool, victim), { concurrency: atOnce, discard: true })
    return requeueAfter(lookEvery)
  })

  return yield* runController({
    name: "static.deprovisioning",
    kind: NodePools,
    workers: 10,
    backoff: { base: "1 second", max: "1 minute" },
    triggers: [
      onSelf(pools, (change) => change.type === "applied" && isStatic(change.object)),
      onOther(claims, (change) => changesNumber(change) ? [{ name: change.object.metadata.labels?.[label.nodePool] ?? "" }] : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const pool = pools.get(ref)
      if (pool === undefined || !isStatic(pool) || pool.metadata.deletionTimestamp !== undefined) return done
      const now = yield* Clock.currentTimeMillis
      const known = surplus(pool, claims.list(), podsOn, now)
      if (known.victims.length + known.spared.length === 0) return requeueAfter(lookEvery)
      return yield* settled(act(pool, now))
    })
  })
})
