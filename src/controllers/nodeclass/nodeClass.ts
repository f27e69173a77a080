/**
 * `nodeclass`: says in a LinodeNodeClass's status whether nodes can be made of it, and which image it names; keeps it while
 * there are any (the Linode provider's nodeclass).
 */
import { Effect } from "effect"
import { conditionType, nodeClassConditions } from "../../apis/conditions.ts"
import { finalizer } from "../../apis/labels.ts"
import { LinodeNodeClasses } from "../../apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../apis/linodeNodeClass.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { NodeClassImage, NodeClassVerdict } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches, index } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { reportTransitions } from "../transitions.ts"
import { some } from "../some.ts"
import { isoNow } from "../../runtime/isoNow.ts"

/** What Linode says may change without the object: the versions it offers, the cluster's tier. */
const recheckValid = requeueAfter("10 minutes")
const recheckInvalid = requeueAfter("1 minute")
const recheckTermination = requeueAfter("10 minutes")

const sameImage = (a: NodeClassImage, b: NodeClassImage | undefined): boolean =>
  a.id === b?.id && a.label === b.label && (a.deprecated ?? false) === (b.deprecated ?? false)

const withImages = (nodeClass: LinodeNodeClass, images: ReadonlyArray<NodeClassImage>): LinodeNodeClass => {
  const known = nodeClass.status?.linodeImages ?? []
  const same = known.length === images.length && images.every((image, i) => sameImage(image, known[i]))
  return same ? nodeClass : { ...nodeClass, status: { ...nodeClass.status, linodeImages: images } }
}

/** The class with its status as it should be; the same object when it is. Pure. `now` is an ISO timestamp. */
export const judged = (nodeClass: LinodeNodeClass, { images, issues }: NodeClassVerdict, now: string): LinodeNodeClass => {
  const [first] = issues
  const resolved = withImages(nodeClass, images)
  if (first === undefined) return nodeClassConditions.setTrue(resolved, conditionType.validationSucceeded, now)
  const message = issues.map((issue) => `${issue.field}: ${issue.message}`).join("; ")
  return nodeClassConditions.setFalse(resolved, conditionType.validationSucceeded, first.reason, message, now)
}

/** Runs the controller until it is interrupted. */
export const nodeClassController: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics | Recorder
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const kube = yield* Kube
  const recorder = yield* Recorder
  const classes = caches.store(LinodeNodeClasses)
  const claims = caches.store(NodeClaims)

  /** Replaces the finalizers; a list is only replaced as a whole, so not over somebody else's change. */
  const setFinalizers = (nodeClass: LinodeNodeClass, finalizers: ReadonlyArray<string>) =>
    kube.patch(LinodeNodeClasses, { name: nodeClass.metadata.name }, {
      metadata: { resourceVersion: nodeClass.metadata.resourceVersion, finalizers }
    }, { kind: "merge" })

  const terminate = Effect.fnUntraced(function*(nodeClass: LinodeNodeClass) {
    const finalizers = nodeClass.metadata.finalizers ?? []
    if (!finalizers.includes(finalizer.nodeClass)) return done
    const using = claims.by(index.nodeClass, nodeClass.metadata.name).filter(isManagedClaim)
    if (using.length > 0) {
      yield* recorder.publish({
        object: nodeClass,
        type: "Normal",
        reason: "WaitingOnNodeClaimTermination",
        message: `Waiting on NodeClaim termination for ${some(using.map((claim) => claim.metadata.name).toSorted(), 5)}`,
        dedupe: [nodeClass.metadata.uid ?? nodeClass.metadata.name]
      })
      return recheckTermination
    }
    yield* setFinalizers(nodeClass, finalizers.filter((one) => one !== finalizer.nodeClass)).pipe(
      Effect.catchIf(isNotFound, () => Effect.void)
    )
    return done
  })

  return yield* runController({
    name: "nodeclass",
    kind: LinodeNodeClasses,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(classes, (change) => change.type === "applied"),
      onOther(claims, (change) => change.type === "deleted" ? [{ name: change.object.spec.nodeClassRef.name }] : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const found = classes.get(ref)
      if (found === undefined) return done
      if (found.metadata.deletionTimestamp !== undefined) return yield* terminate(found)

      const finalizers = found.metadata.finalizers ?? []
      const nodeClass = finalizers.includes(finalizer.nodeClass)
        ? found
        : yield* setFinalizers(found, [...finalizers, finalizer.nodeClass])
      const verdict = yield* cloud.validate(nodeClass)
      const now = yield* isoNow
      const next = judged(nodeClass, verdict, now)
      if (next !== nodeClass) {
        yield* kube.patch(LinodeNodeClasses, { name: ref.name }, {
          metadata: { resourceVersion: nodeClass.metadata.resourceVersion },
          // What a class names no more is taken away.
          status: { conditions: next.status?.conditions, linodeImages: verdict.images.length === 0 ? null : verdict.images }
        }, { kind: "merge", subresource: "status" }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
        yield* reportTransitions(nodeClass, next, ["ValidationSucceeded", "Ready"])
      }
      return verdict.issues.length === 0 ? recheckValid : recheckInvalid
    })
  })
})
