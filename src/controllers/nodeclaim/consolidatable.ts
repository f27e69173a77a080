/**
 * `nodeclaim.disruption`: marks claims whose node has been left alone for as long as their NodePool's consolidateAfter
 * says (core-lifecycle §4.6). Whether such a node is then taken away is decided elsewhere.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { parseDuration } from "../../apis/durations.ts"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { settled, writeClaim } from "./writeClaim.ts"

export type ConsolidatableDecision =
  | { readonly action: "mark" }
  | { readonly action: "clear"; readonly reason: "Never" | "NotInitialized" }
  /** Pods came or went not long ago. */
  | { readonly action: "clear"; readonly reason: "TooSoon"; readonly afterMillis: number }

/** A pod that came or went counts; before the first one, the moment in which the node became usable. */
const quietSince = (claim: NodeClaim): number =>
  Date.parse(claim.status?.lastPodEventTime ??
    nodeClaimConditions.get(claim, conditionType.initialized)?.lastTransitionTime ?? "")

export const consolidatable = (claim: NodeClaim, pool: NodePool, nowMillis: number): ConsolidatableDecision => {
  const after = parseDuration(pool.spec.disruption?.consolidateAfter ?? "0s")
  if (after === "Never" || after === undefined) return { action: "clear", reason: "Never" }
  if (!nodeClaimConditions.isTrue(claim, conditionType.initialized)) return { action: "clear", reason: "NotInitialized" }
  const left = quietSince(claim) + after - nowMillis
  return after > 0 && left > 0 ? { action: "clear", reason: "TooSoon", afterMillis: left } : { action: "mark" }
}

/** Runs until it is interrupted. */
export const nodeClaimDisruption: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const claims = caches.store(NodeClaims)
  const pools = caches.store(NodePools)

  const mark = Effect.fnUntraced(function*(claim: NodeClaim, pool: NodePool) {
    const now = yield* Clock.currentTimeMillis
    const iso = new Date(now).toISOString()
    const decision = consolidatable(claim, pool, now)
    yield* writeClaim(claim, decision.action === "mark"
      ? nodeClaimConditions.setTrue(claim, conditionType.consolidatable, iso)
      : nodeClaimConditions.clear(claim, conditionType.consolidatable, iso))
    return decision.action === "clear" && decision.reason === "TooSoon" ? requeueAfter(decision.afterMillis) : done
  })

  return yield* runController({
    name: "nodeclaim.disruption",
    kind: NodeClaims,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(claims, (change) => change.type === "applied"),
      onOther(pools, (change) => claims.by(index.claimNodePool, change.object.metadata.name).map((claim) => claim.metadata))
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const claim = claims.get(ref)
      if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || !isManagedClaim(claim)) return done
      const pool = pools.get({ name: claim.metadata.labels?.[label.nodePool] ?? "" })
      // The nodes of a static pool are never consolidated.
      if (pool === undefined || pool.spec.replicas !== undefined) return done
      return yield* settled(mark(claim, pool))
    })
  })
})
