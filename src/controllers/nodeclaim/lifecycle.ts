/**
 * `nodeclaim.lifecycle`: takes a NodeClaim from its creation to a usable node, gives it up where that fails, and sees it to
 * its end (Karpenter's nodeclaim/lifecycle). The stages run in one pass, in order, each on what the one before made of the
 * claim.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { finalizer, label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { CloudError } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { Nodes } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController, sooner } from "../../runtime/controller.ts"
import type { Result } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { recordOutcome } from "../nodepool/registrations.ts"
import type { Registrations } from "../nodepool/registrations.ts"
import { reportTransitions } from "../transitions.ts"
import { claimMetrics } from "./claimMetrics.ts"
import { finalize } from "./finalization.ts"
import { initialize } from "./initialization.ts"
import { askEvery, launched, refusalOf, unlaunched } from "./launch.ts"
import { livenessOf } from "./liveness.ts"
import { claimsNaming } from "./pairing.ts"
import { register } from "./registration.ts"
import { giveUpClaim } from "./removeClaim.ts"
import { settled, writeClaim, writeFinalizers } from "./writeClaim.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { monotonicMillis } from "../../runtime/monotonicMillis.ts"

export type LifecycleServices = Caches | CloudProvider | Kube | Metrics | Recorder | Registrations

/** Claims in the middle of a launch wait for Linode, and those that ask together share its calls: nobody should queue. */
const workers = 1000

/** Everything but what this controller writes itself: its own writes are no news to it. */
const isNews = (change: Change<NodeClaim>): boolean => {
  if (change.type === "deleted") return false
  const { object: { metadata }, previous } = change
  return previous === undefined || previous.metadata.uid !== metadata.uid ||
    previous.metadata.deletionTimestamp !== metadata.deletionTimestamp ||
    previous.metadata.generation !== metadata.generation ||
    previous.metadata.finalizers?.length !== metadata.finalizers?.length
}

interface Step {
  /** As it was read, and is to be written over. */
  readonly before: NodeClaim
  readonly claim: NodeClaim
  readonly result: Result
  /** To be reported, and retried with back-off, once everything else has been written. */
  readonly failure?: CloudError
}

const became = (before: NodeClaim, after: NodeClaim, type: string): boolean =>
  !nodeClaimConditions.isTrue(before, type) && nodeClaimConditions.isTrue(after, type)

/** Says what the pass achieved, in the log and as events on the claim. */
const announce = Effect.fnUntraced(function*(before: NodeClaim, after: NodeClaim) {
  yield* reportTransitions(before, after, ["Launched", "Registered", "Initialized", "Ready"])
  const { labels } = after.metadata
  const status = after.status ?? {}
  if (became(before, after, conditionType.launched)) {
    yield* Effect.logInfo("launched nodeclaim", {
      "provider-id": status.providerID,
      Node: { name: status.nodeName },
      "instance-type": labels?.[label.instanceType],
      zone: labels?.[label.zone],
      "capacity-type": labels?.[label.capacityType],
      allocatable: status.allocatable
    })
  }
  if (became(before, after, conditionType.registered)) {
    const metrics = yield* claimMetrics
    metrics.nodeCreated(after)
    yield* Effect.logInfo("registered nodeclaim", { "provider-id": status.providerID, Node: { name: status.nodeName } })
  }
  if (became(before, after, conditionType.initialized)) {
    yield* Effect.logInfo("initialized nodeclaim", {
      "provider-id": status.providerID,
      Node: { name: status.nodeName },
      allocatable: status.allocatable
    })
  }
})

/** Runs the controller until it is interrupted. */
export const nodeClaimLifecycle: Effect.Effect<never, never, LifecycleServices> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const recorder = yield* Recorder
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  /** When the cloud was last asked about a claim, by uid, in `monotonicMillis`: nothing but the pace depends on it. */
  const asked = new Map<string, number>()

  /** Undefined when the claim is given up, or went in the meantime. */
  const launch = Effect.fnUntraced(function*(claim: NodeClaim) {
    const uid = claim.metadata.uid ?? ""
    const pace = askEvery(claim)
    if (pace === undefined) {
      asked.delete(uid)
      const refreshed = nodeClaimConditions.setTrue(claim, conditionType.launched, yield* isoNow)
      return { before: claim, claim: refreshed, result: done } satisfies Step
    }
    const now = yield* monotonicMillis
    const due = (asked.get(uid) ?? Number.NEGATIVE_INFINITY) + pace
    if (now < due) return { before: claim, claim, result: requeueAfter(due - now) } satisfies Step
    asked.set(uid, now)
    const answer = yield* Effect.result(cloud.create(claim))
    const iso = yield* isoNow
    // The provider writes notes of its own on the claim while it works.
    const current = claims.get(claim.metadata)
    if (current?.metadata.uid !== uid || current.metadata.deletionTimestamp !== undefined) return undefined
    if (answer._tag === "Success") {
      const next = launched(current, answer.success, iso)
      const again = askEvery(next)
      return { before: current, claim: next, result: again === undefined ? done : requeueAfter(again) } satisfies Step
    }
    const refusal = refusalOf(current, answer.failure)
    const told = refusal.action === "delete" ? current : unlaunched(current, refusal, iso)
    switch (refusal.action) {
      case "delete": {
        yield* Effect.logError("failed launching nodeclaim", { error: refusal.message, reason: refusal.reason })
        if (refusal.reason === "insufficient_capacity") {
          yield* recorder.publish({
            object: current,
            type: "Warning",
            reason: "InsufficientCapacityError",
            message: `NodeClaim ${current.metadata.name} event: ${refusal.message}`,
            dedupe: [uid]
          })
        }
        yield* giveUpClaim(current, refusal.reason)
        return undefined
      }
      case "wait":
        yield* Effect.logDebug("could not launch nodeclaim yet", { error: refusal.message })
        return { before: current, claim: told, result: requeueAfter(refusal.afterMillis) } satisfies Step
      case "fail":
        return { before: current, claim: told, result: done, failure: answer.failure } satisfies Step
    }
  })

  const live = Effect.fnUntraced(function*(found: NodeClaim) {
    const finalizers = found.metadata.finalizers ?? []
    // Nothing is bought for a claim that could vanish without giving it back.
    const claim = finalizers.includes(finalizer.termination)
      ? found
      : yield* writeFinalizers(found, [...finalizers, finalizer.termination])
    const step: Step | undefined = yield* launch(claim)
    if (step === undefined) return done
    const registered = yield* register(step.claim, nodes, yield* isoNow)
    const after = yield* initialize(registered, nodes, yield* isoNow)
    const written = yield* writeClaim(step.before, after)
    yield* announce(step.before, after)
    if (became(step.before, after, conditionType.registered)) yield* recordOutcome(after, "registered")

    const liveness = livenessOf(after, yield* Clock.currentTimeMillis)
    if (liveness.action === "delete") {
      yield* Effect.logInfo("deleting nodeclaim", { reason: liveness.reason, message: liveness.message })
      yield* recordOutcome(after, "failed")
      yield* giveUpClaim({ ...after, metadata: written.metadata }, liveness.reason)
      return done
    }
    if (step.failure !== undefined) return yield* step.failure
    return liveness.action === "wait" ? sooner(step.result, requeueAfter(liveness.afterMillis)) : step.result
  })

  return yield* runController({
    name: "nodeclaim.lifecycle",
    kind: NodeClaims,
    workers,
    backoff: { base: "1 second", max: "1 minute" },
    triggers: [
      onSelf(claims, isNews),
      onOther(nodes, (change) => claimsNaming(change.object, claims).map((claim) => claim.metadata))
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      // A node that is missing from half-filled caches is not missing.
      yield* caches.synced
      const claim = claims.get(ref)
      if (claim === undefined || !isManagedClaim(claim)) return done
      if (claim.metadata.deletionTimestamp === undefined) return yield* settled(live(claim))
      asked.delete(claim.metadata.uid ?? "")
      return yield* settled(finalize(claim, nodes, claims))
    })
  })
})
