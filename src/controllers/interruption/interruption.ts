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
  /** By when the node must be empty in spite of its pods, in milliseconds; undefined where they are waited for. */
  readonly deadline: number | undefined
}

/** When it is time to begin: the lead before, or earlier where the claim's pods were promised longer. */
const begins = ({ at }: Interruption, grace: number | undefined, leadMillis: number): number =>
  at === undefined ? Number.NEGATIVE_INFINITY : at - Math.max(leadMillis, grace ?? 0)

/**
 * The claims to be taken away now, each for what comes first. Only where the claim has a termination grace period may its
 * pods be ended: then by the time the host goes down, if the period would last longer. Pure.
 */
export const dueNow = (
  interruptions: ReadonlyArray<Interruption>, claimsOf: (providerID: string) => ReadonlyArray<NodeClaim>, now: number, leadMillis: number
): ReadonlyArray<Due> => {
  const first = new Map<string, Due>()
  for (const interruption of interruptions.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))) {
    for (const claim of claimsOf(interruption.providerID)) {
      const { deletionTimestamp, name } = claim.metadata
      const grace = durationMillis(claim.spec.terminationGracePeriod)
      if (first.has(name) || deletionTimestamp !== undefined || begins(interruption, grace, leadMillis) > now) continue
      const deadline = grace === undefined ? undefined : Math.max(now, Math.min(now + grace, interruption.at ?? now + grace))
      first.set(name, { claim, interruption, deadline })
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

  /** Which announcement it is for is on the claim before it goes: whoever comes next reads why, and finishes it. */
  const takeAway = Effect.fnUntraced(function*({ claim, deadline, interruption: { at, id, message } }: Due) {
    const { annotations = {}, name, uid } = claim.metadata
    const written = {
      ...(annotations[annotation.interruption] === id ? {} : { [annotation.interruption]: id }),
      ...(deadline === undefined || annotations[annotation.terminationTimestamp] !== undefined
        ? {}
        : { [annotation.terminationTimestamp]: `${new Date(deadline).toISOString().slice(0, 19)}Z` })
    }
    if (Object.keys(written).length > 0) {
      yield* kube.patch(NodeClaims, { name }, { metadata: { ...(uid === undefined ? {} : { uid }), annotations: written } }, { kind: "merge" })
    }
    const affected = nodesOfClaim(claim, nodes)
    if (!(yield* removeClaim(claim, "scheduled_change", reschedulableOn(claim, pods).length))) return
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
  }, Effect.catchIf((error) => isNotFound(error) || isConflict(error), () => Effect.void))

  return yield* runSingleton({
    name: "interruption",
    backoff: { base: "5 seconds", max: "2 minutes" },
    reconcile: Effect.gen(function*() {
      yield* caches.synced
      const announced = yield* cloud.interruptions
      const now = yield* Clock.currentTimeMillis
      const ours = (providerID: string) => claims.by(index.claimProviderID, providerID).filter(isManagedClaim)
      yield* Effect.forEach(dueNow(announced, ours, now, leadMillis), takeAway, { discard: true })
      return requeueAfter(maintenanceInterval)
    }).pipe(Effect.catchIf((error) => error._tag === "CloudError" && error.reason._tag === "CloudUnavailable", (error) => Effect.as(
      Effect.logDebug("could not read what Linode announces", { error: error.message }),
      requeueAfter(Math.max(Duration.toMillis(maintenanceInterval), error._tag === "CloudError" ? unavailableMillis(error) : 0))
    )))
  })
})
