/**
 * `nodeclaim.disruption`: marks claims that drifted, and claims whose node has been left alone for long enough
 * (Karpenter's nodeclaim/disruption). Whether such a node is then taken away is decided elsewhere.
 */
import { Clock, Effect, Result } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, onOther, onSelf, requeueAfter, runController, sooner } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { reportTransitions } from "../transitions.ts"
import { consolidatable } from "./consolidatable.ts"
import { driftOf, isUnsold } from "./drift.ts"
import { settled, writeClaim } from "./writeClaim.ts"

const minute = 60_000
/** Drift comes also from where nothing changes in the cluster, such as Linode's price list. */
const lookAgain = requeueAfter(5 * minute)
/** A type that was bought a moment ago is sold. */
const youngest = 60 * minute
/** How long the answer that a type is sold holds. */
const soldFor = 30 * minute

/** Runs until it is interrupted. */
export const nodeClaimDisruption: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics | Recorder
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const claims = caches.store(NodeClaims)
  const pools = caches.store(NodePools)
  /** When a claim's type was last found to be sold, by the claim's name: only the pace of asking depends on it. */
  const soldAt = new Map<string, { readonly uid: string | undefined; readonly at: number }>()

  const unsold = Effect.fnUntraced(function*(claim: NodeClaim, pool: NodePool, now: number) {
    const { creationTimestamp, name, uid } = claim.metadata
    const known = soldAt.get(name)
    if (now - Date.parse(creationTimestamp ?? "") < youngest) return false
    if (known?.uid === uid && known !== undefined && now - known.at < soldFor) return false
    const found = isUnsold(claim, yield* cloud.instanceTypes(pool))
    if (!found) soldAt.set(name, { uid, at: now })
    return found
  })

  /** Undefined when the node is what it should be. */
  const reasonFor = Effect.fnUntraced(function*(claim: NodeClaim, pool: NodePool, now: number) {
    return driftOf(claim, pool) ??
      ((yield* unsold(claim, pool, now)) ? "InstanceTypeNotFound" as const : yield* cloud.drifted(claim))
  })

  const drift = Effect.fnUntraced(function*(claim: NodeClaim, pool: NodePool, now: number) {
    const iso = new Date(now).toISOString()
    const clear = nodeClaimConditions.clear(claim, conditionType.drifted, iso)
    if (!nodeClaimConditions.isTrue(claim, conditionType.launched)) return { claim: clear, result: done }
    const reason = yield* reasonFor(claim, pool, now)
    return {
      claim: reason === undefined ? clear : nodeClaimConditions.setTrueBecause(claim, conditionType.drifted, reason, iso),
      result: lookAgain
    }
  })

  const settle = (claim: NodeClaim, pool: NodePool, now: number) => {
    // The nodes of a static pool are never consolidated.
    if (pool.spec.replicas !== undefined) return { claim, result: done }
    const iso = new Date(now).toISOString()
    const decision = consolidatable(claim, pool, now)
    return {
      claim: decision.action === "mark"
        ? nodeClaimConditions.setTrue(claim, conditionType.consolidatable, iso)
        : nodeClaimConditions.clear(claim, conditionType.consolidatable, iso),
      result: decision.action === "clear" && decision.reason === "TooSoon" ? requeueAfter(decision.afterMillis) : done
    }
  }

  const mark = Effect.fnUntraced(function*(claim: NodeClaim, pool: NodePool) {
    const now = yield* Clock.currentTimeMillis
    const drifted = yield* Effect.result(drift(claim, pool, now))
    // Where the cloud could not say, what was known before stays.
    const known = Result.isSuccess(drifted) ? drifted.success : { claim, result: done }
    const { claim: next, result } = settle(known.claim, pool, now)
    yield* writeClaim(claim, next)
    yield* reportTransitions(claim, next, ["Drifted"])
    if (Result.isFailure(drifted)) return yield* drifted.failure
    return sooner(known.result, result)
  })

  return yield* runController({
    name: "nodeclaim.disruption",
    kind: NodeClaims,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(claims),
      onOther(pools, (change) => claims.by(index.claimNodePool, change.object.metadata.name).map((claim) => claim.metadata)),
      onOther(caches.store(LinodeNodeClasses), (change) =>
        claims.by(index.nodeClass, change.object.metadata.name).map((claim) => claim.metadata))
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const claim = claims.get(ref)
      if (claim === undefined) soldAt.delete(ref.name)
      if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || !isManagedClaim(claim)) return done
      const pool = pools.get({ name: claim.metadata.labels?.[label.nodePool] ?? "" })
      return pool === undefined ? done : yield* settled(mark(claim, pool))
    })
  })
})
