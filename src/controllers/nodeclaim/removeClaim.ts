/** Takes a claim away for a reason of ours. From there its finalization goes on. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import { countDisrupted } from "../disrupted.ts"
import type { DisruptedReason } from "../disrupted.ts"

/** Starts the deletion of this very claim, never of a later one of its name. False when it is gone already. */
export const deleteClaim = Effect.fnUntraced(function*({ metadata: { name, uid } }: NodeClaim) {
  const kube = yield* Kube
  return yield* kube.delete(NodeClaims, { name }, uid === undefined ? {} : { uid }).pipe(
    Effect.as(true),
    Effect.catchIf((error) => isNotFound(error) || isConflict(error), () => Effect.succeed(false))
  )
})

/** Deletes the claim and counts it. `pods` are those on its node that need another place. False when it is gone already. */
export const removeClaim = Effect.fnUntraced(function*(claim: NodeClaim, reason: DisruptedReason, pods?: number) {
  const count = yield* countDisrupted
  const removed = yield* deleteClaim(claim)
  if (removed) count({ claim, reason, pods })
  return removed
})

/**
 * Starts the deletion of the claim as it is. False when it is gone already. Fails with Conflict when it has changed since it
 * was read.
 */
export const deleteUnchanged = Effect.fnUntraced(function*({ metadata: { name, resourceVersion, uid } }: NodeClaim) {
  const kube = yield* Kube
  const exact = { ...(uid === undefined ? {} : { uid }), ...(resourceVersion === undefined ? {} : { resourceVersion }) }
  return yield* kube.delete(NodeClaims, { name }, exact).pipe(
    Effect.as(true),
    Effect.catchIf(isNotFound, () => Effect.succeed(false))
  )
})

/**
 * Deletes a claim for what it has not become, and counts it. Fails with Conflict when the claim has changed since it was
 * read: a cache that is behind may not know yet that its node is there.
 */
export const giveUpClaim = Effect.fnUntraced(function*(claim: NodeClaim, reason: DisruptedReason) {
  const count = yield* countDisrupted
  const removed = yield* deleteUnchanged(claim)
  if (removed) count({ claim, reason, pods: undefined })
})
