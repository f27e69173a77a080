/** `nodeclaim.expiration`: a node lives for as long as its own claim says, and not longer (Karpenter's nodeclaim/expiration). */
import { Clock, Effect } from "effect"
import { durationMillis } from "../../apis/durations.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import type { Kube } from "../../kube/kube.ts"
import { Pods } from "../../kube/resources.ts"
import { done, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { removeClaim } from "./removeClaim.ts"
import { reschedulableOn } from "./reschedulableOn.ts"

/** When the claim is over, in milliseconds; undefined when it has no end. */
export const expiryOf = (claim: NodeClaim): number | undefined => {
  const lifetime = durationMillis(claim.spec.expireAfter)
  return lifetime === undefined ? undefined : Date.parse(claim.metadata.creationTimestamp ?? "") + lifetime
}

/**
 * Runs until it is interrupted. No budget and no do-not-disrupt keeps a claim from expiring; the drain that follows
 * honours them until the claim's terminationGracePeriod.
 */
export const nodeClaimExpiration: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const claims = caches.store(NodeClaims)
  const pods = caches.store(Pods)
  return yield* runController({
    name: "nodeclaim.expiration",
    kind: NodeClaims,
    workers: 1,
    backoff: { base: "100 millis", max: "1 minute" },
    // The spec of a claim never changes.
    triggers: [onSelf(claims, (change) => change.type === "applied" && change.previous === undefined)],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const claim = claims.get(ref)
      if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || !isManagedClaim(claim)) return done
      const expiry = expiryOf(claim)
      if (expiry === undefined) return done
      const left = expiry - (yield* Clock.currentTimeMillis)
      if (left > 0) return requeueAfter(left)
      yield* Effect.logInfo("deleting expired nodeclaim", { expireAfter: claim.spec.expireAfter })
      yield* removeClaim(claim, "expired", reschedulableOn(claim, pods).length)
      return done
    })
  })
})
