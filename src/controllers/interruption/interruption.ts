/**
 * `interruption`: what Linode announces for a machine's host empties the node before the host goes down, at its own pace
 * and with its replacement already on its way, instead of all at once afterwards.
 */
import { Clock, Duration, Effect } from "effect"
import { durationMillis } from "../../apis/durations.ts"
import { annotation } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { Interruption } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { timestamp } from "../../kube/timestamp.ts"
import { attemptEach } from "../../runtime/attemptEach.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { Settings } from "../../settings/settings.ts"
import { unavailableMillis } from "../node/patientDelete.ts"
import { nodesOfClaim } from "../nodeclaim/pairing.ts"
import { removeClaim } from "../nodeclaim/removeClaim.ts"
import { reschedulableOn } from "../nodeclaim/reschedulableOn.ts"

export interface Due {
  readonly claim: NodeClaim
  readonly interruption: Interruption
  /**
   * By when the node must be empty in spite of its pods, in milliseconds; undefined where they are waited for, or no longer
   * than the claim says anyway.
   */
  readonly deadline: number | undefined
}

/** When it is time to begin: the lead before, or earlier where the claim's pods were promised longer. */
const begins = ({ at }: Interruption, grace: number | undefined, leadMillis: number): number =>
  at === undefined ? Number.NEGATIVE_INFINITY : at - Math.max(leadMillis, grace ?? 0)

/** Annotations have no fractions of a second. */
const wholeSeconds = (millis: number): number => Math.floor(millis / 1000) * 1000

/**
 * Only where the claim has a termination grace period may its pods be ended: then by the time the host goes down, if the period
 * would last longer. A deadline that is not the period's own was chosen by somebody, and stays.
 */
const deadlineFor = ({ metadata, spec }: NodeClaim, { at }: Interruption, now: number): number | undefined => {
  const grace = durationMillis(spec.terminationGracePeriod)
  if (grace === undefined || at === undefined) return undefined
  const usual = wholeSeconds((metadata.deletionTimestamp === undefined ? now : Date.parse(metadata.deletionTimestamp)) + grace)
  const written = Date.parse(metadata.annotations?.[annotation.terminationTimestamp] ?? "")
  return at < usual && (Number.isNaN(written) || written === usual) ? at : undefined
}

/**
 * The claims to be taken away now, and those on their way out whose deadline comes too late; each for what comes first. Pure.
 */
export const dueNow = (
  interruptions: ReadonlyArray<Interruption>, claimsOf: (providerID: string) => ReadonlyArray<NodeClaim>, now: number, leadMillis: number
): ReadonlyArray<Due> => {
  const first = new Map<string, Due>()
  for (const interruption of interruptions.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))) {
    for (const claim of claimsOf(interruption.providerID)) {
      const { deletionTimestamp, name } = claim.metadata
      const deadline = deadlineFor(claim, interruption, now)
      const isDue = deletionTimestamp === undefined
        ? begins(interruption, durationMillis(claim.spec.terminationGracePeriod), leadMillis) <= now
        : deadline !== undefined
      if (isDue && !first.has(name)) first.set(name, { claim, interruption, deadline })
    }
  }
  return [...first.values()]
}

/** Looks as often as the settings say, until it is interrupted. */
export const interruption: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics | Recorder | Settings
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const kube = yield* Kube
  const recorder = yield* Recorder
  const { maintenanceInterval, maintenanceLead } = yield* Settings
  const leadMillis = Duration.toMillis(maintenanceLead)
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  const pods = caches.store(Pods)

  const annotate = ({ metadata: { name, uid } }: NodeClaim, annotations: Readonly<Record<string, string>>) =>
    kube.patch(NodeClaims, { name }, { metadata: { ...(uid === undefined ? {} : { uid }), annotations } }, { kind: "merge" })

  /** Which announcement it is for is on the claim before it goes: whoever comes next reads why. False when it is gone already. */
  const takeAway = Effect.fnUntraced(function*({ claim, interruption: { at, id, message } }: Due) {
    const { annotations, name } = claim.metadata
    if (annotations?.[annotation.interruption] !== id) yield* annotate(claim, { [annotation.interruption]: id })
    const affected = nodesOfClaim(claim, nodes)
    if (!(yield* removeClaim(claim, "scheduled_change", reschedulableOn(claim, pods).length))) return false
    const when = at === undefined ? "under way" : `at ${new Date(at).toISOString()}`
    yield* Effect.logInfo("replacing a node because of what Linode announced", {
      NodeClaim: { name }, Node: { name: claim.status?.nodeName }, announcement: id, message, when
    })
    for (const object of [claim, ...affected]) {
      yield* recorder.publish({
        object,
        type: "Warning",
        reason: "TerminatingOnInterruption",
        message: `${message}, ${when}`,
        dedupe: [object.metadata.uid ?? object.metadata.name, id]
      })
    }
    return true
  })

  /**
   * The deadline comes after the deletion, and where one was stopped in between the next look sets it. A claim that stayed
   * after all would keep it, and whatever deletes it later would end its pods by force.
   */
  const seeOff = Effect.fnUntraced(function*(due: Due) {
    const { claim, deadline } = due
    const isLeaving = claim.metadata.deletionTimestamp !== undefined || (yield* takeAway(due))
    if (!isLeaving || deadline === undefined) return
    yield* annotate(claim, { [annotation.terminationTimestamp]: timestamp(deadline) })
  }, Effect.catchIf((error) => isNotFound(error) || isConflict(error), () => Effect.void))

  return yield* runSingleton({
    name: "interruption",
    backoff: { base: "5 seconds", max: "2 minutes" },
    reconcile: Effect.gen(function*() {
      yield* caches.synced
      const announced = yield* cloud.interruptions
      const now = yield* Clock.currentTimeMillis
      const ours = (providerID: string) => claims.by(index.claimProviderID, providerID).filter(isManagedClaim)
      // One that fails does not keep the others from being emptied in time.
      yield* attemptEach(dueNow(announced, ours, now, leadMillis), seeOff)
      return requeueAfter(maintenanceInterval)
    }).pipe(Effect.catchIf((error) => error._tag === "CloudError" && error.reason._tag === "CloudUnavailable", (error) => Effect.as(
      Effect.logDebug("could not read what Linode announces", { error: error.message }),
      requeueAfter(Math.max(Duration.toMillis(maintenanceInterval), error._tag === "CloudError" ? unavailableMillis(error) : 0))
    )))
  })
})
