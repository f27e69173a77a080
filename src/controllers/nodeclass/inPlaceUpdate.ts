/**
 * `nodeclass.inplaceupdate`: when the tags of a LinodeNodeClass change, so do those of what was made of it; no node is
 * replaced for a tag (the Linode provider's nodeclass/inplaceupdate).
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClassConditions } from "../../apis/conditions.ts"
import { annotation } from "../../apis/labels.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { unavailableMillis } from "../node/patientDelete.ts"

/** Machines that come one after the other are written to together. Milliseconds. */
const pace = 10_000

const hasMachine = (claim: NodeClaim): boolean =>
  isManagedClaim(claim) && claim.metadata.deletionTimestamp === undefined && claim.status?.providerID !== undefined

/** A claim that has got its machine, or another one. */
const isNews = (change: Change<NodeClaim>): boolean => change.type === "applied" && hasMachine(change.object) &&
  change.previous?.status?.providerID !== change.object.status?.providerID

/** What there is to be written, and on what: while it is the same there is nothing to do. */
const fingerprint = (nodeClass: LinodeNodeClass, claims: ReadonlyArray<NodeClaim>): string => JSON.stringify([
  (nodeClass.spec.tags ?? []).toSorted(),
  claims.map(({ metadata, status }) => `${metadata.uid} ${status?.providerID}`).toSorted()
])

/** Runs the controller until it is interrupted. */
export const nodeClassInPlaceUpdate: Effect.Effect<never, never, Caches | CloudProvider | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const classes = caches.store(LinodeNodeClasses)
  const claims = caches.store(NodeClaims)
  /** What was written last, and when something was tried last, by the class's uid: a new process looks at all once. */
  const written = new Map<string, string>()
  const tried = new Map<string, number>()

  return yield* runController({
    name: "nodeclass.inplaceupdate",
    kind: LinodeNodeClasses,
    workers: 10,
    backoff: { base: "1 second", max: "1 minute" },
    triggers: [
      onSelf(classes, (change) => change.type === "applied"),
      onOther(claims, (change) => isNews(change) ? [{ name: change.object.spec.nodeClassRef.name }] : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const nodeClass = classes.get(ref)
      const uid = nodeClass?.metadata.uid ?? ref.name
      if (nodeClass === undefined || nodeClass.metadata.deletionTimestamp !== undefined) return done
      if (nodeClassConditions.isFalse(nodeClass, conditionType.validationSucceeded)) return done
      const mine = claims.by(index.nodeClass, ref.name).filter(hasMachine)
      const tagged = mine.some((claim) => claim.metadata.annotations?.[annotation.lastAppliedUserTags] !== undefined)
      if (mine.length === 0 || ((nodeClass.spec.tags ?? []).length === 0 && !tagged)) return done
      const wanted = fingerprint(nodeClass, mine)
      if (written.get(uid) === wanted) return done

      const now = yield* Clock.currentTimeMillis
      const next = (tried.get(uid) ?? Number.NEGATIVE_INFINITY) + pace
      if (now < next) return requeueAfter(next - now)
      tried.set(uid, now)
      return yield* cloud.retag(nodeClass).pipe(
        Effect.map(() => {
          written.set(uid, wanted)
          return done
        }),
        Effect.catchIf((error) => error.reason._tag === "CloudUnavailable", (error) => Effect.as(
          Effect.logDebug("could not write tags", { error: error.message }),
          requeueAfter(Math.max(pace, unavailableMillis(error)))
        ))
      )
    })
  })
})
