/**
 * `nodepool.account`: where Linode refuses the account itself (its limit is reached, its token is wrong), every NodePool and
 * every NodeClaim that waits says so in Linode's words. With a token that is refused a NodePool is not ready, and its pods wait; with
 * an account that is full pods are planned for as before.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions, nodePoolConditions } from "../../apis/conditions.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { AccountTrouble } from "../../cloud/cloudProvider.ts"
import { isManagedClaim, isManagedPool } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import type { Condition } from "../../kube/objects.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { reportTransitions } from "../transitions.ts"

/** A process that has just started has not been refused anything yet: that says nothing. Milliseconds. */
const firstWord = 60_000

const { accountReady, launched } = conditionType

/** The pool saying what is wrong with the account, or no more; the same object where nothing changes. Pure. */
export const judged = (pool: NodePool, trouble: AccountTrouble | undefined, now: string): NodePool => {
  if (trouble !== undefined) return nodePoolConditions.setFalse(pool, accountReady, trouble.reason, trouble.message, now)
  return nodePoolConditions.get(pool, accountReady) === undefined ? pool : nodePoolConditions.setTrue(pool, accountReady, now)
}

/** Why the claim is not launched, where that is the account's fault. */
const fault = (claim: NodeClaim) => {
  const condition = nodeClaimConditions.get(claim, launched)
  return condition?.status === "Unknown" && (condition.reason === "AccountLimitReached" || condition.reason === "LinodeAuthFailed")
    ? condition
    : undefined
}

interface Faulted {
  readonly claim: NodeClaim
  readonly condition: Condition
}

const faulted = oncePer((claims: ReadonlyArray<NodeClaim>): ReadonlyArray<Faulted> => claims.flatMap((claim) => {
  const condition = fault(claim)
  return condition === undefined || !isManagedClaim(claim) ? [] : [{ claim, condition }]
}))

/** Looks every ten seconds, until it is interrupted. Asks Linode nothing. */
export const nodePoolAccount: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics | Recorder
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const kube = yield* Kube
  const recorder = yield* Recorder
  const started = yield* Clock.currentTimeMillis

  const report = Effect.fnUntraced(function*(pool: NodePool, trouble: AccountTrouble | undefined, now: number) {
    const next = judged(pool, trouble, new Date(now).toISOString())
    if (next === pool) return
    yield* kube.patch(NodePools, { name: pool.metadata.name }, {
      metadata: { resourceVersion: pool.metadata.resourceVersion },
      status: { conditions: next.status?.conditions }
    }, { kind: "merge", subresource: "status" })
    yield* reportTransitions(pool, next, ["AccountReady", "Ready"])
    // Somebody else wrote first, or it is gone: the next look will do.
  }, Effect.catchIf((error) => isNotFound(error) || isConflict(error), () => Effect.void))

  const tell = ({ claim, condition }: Faulted) => {
    const about = {
      object: claim, type: "Warning", message: condition.message ?? "",
      dedupe: [claim.metadata.uid ?? claim.metadata.name], dedupeFor: "10 minutes"
    } as const
    return condition.reason === "AccountLimitReached"
      ? recorder.publish({ ...about, reason: "AccountLimitReached" })
      : recorder.publish({ ...about, reason: "LinodeAuthFailed" })
  }

  return yield* runSingleton({
    name: "nodepool.account",
    backoff: { base: "1 second", max: "1 minute" },
    reconcile: Effect.gen(function*() {
      yield* caches.synced
      const trouble = yield* cloud.accountTrouble
      const now = yield* Clock.currentTimeMillis
      if (trouble !== undefined || now - started >= firstWord) {
        const pools = caches.store(NodePools).list().filter(isManagedPool)
        yield* Effect.forEach(pools, (pool) => report(pool, trouble, now), { discard: true })
      }
      yield* Effect.forEach(faulted(caches.store(NodeClaims).list()), tell, { discard: true })
      return requeueAfter("10 seconds")
    })
  })
})
