/**
 * The two directions in which claims and machines can lose each other. `nodeclaim.garbagecollection` takes claims away whose
 * machine vanished (Karpenter's nodeclaim/garbagecollection) or was shut down for good; `instance.garbagecollection` has the
 * provider give back machines that no claim owns.
 */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { CloudError } from "../../cloud/cloudProvider.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import type { Store } from "../../kube/caches.ts"
import type { Kube } from "../../kube/kube.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { attemptEach } from "../../runtime/attemptEach.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { isReady } from "../node/isReady.ts"
import { unavailableMillis } from "../node/patientDelete.ts"
import { nodesOfClaim } from "./pairing.ts"
import { removeClaim } from "./removeClaim.ts"
import { reschedulableOn } from "./reschedulableOn.ts"

const atOnce = 20

/**
 * Only registered claims: the others have their own time limits. A node that is Ready has a machine, whatever Linode
 * says, so it is not even asked.
 */
const isSuspect = (claim: NodeClaim, nodes: Store<Node>): boolean =>
  isManagedClaim(claim) && claim.metadata.deletionTimestamp === undefined &&
  nodeClaimConditions.isTrue(claim, conditionType.registered) &&
  !nodesOfClaim(claim, nodes).some(isReady)

/** An answer that Linode owes is no error: the next look asks again. */
const unanswered = (error: CloudError): boolean => error.reason._tag === "CloudUnavailable"

/** Looks every two minutes, until it is interrupted. */
export const nodeClaimGarbageCollection: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics
> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  const pods = caches.store(Pods)

  const collect = Effect.fnUntraced(function*(claim: NodeClaim) {
    const state = yield* cloud.exists(claim)
    if (state === "present") return
    const what = state === "stopped" ? "a machine that is shut down" : "no cloudprovider representation"
    yield* Effect.logInfo(`garbage collecting nodeclaim with ${what}`, {
      NodeClaim: { name: claim.metadata.name },
      Node: { name: claim.status?.nodeName },
      "provider-id": claim.status?.providerID
    })
    yield* removeClaim(claim, "garbage_collected", reschedulableOn(claim, pods).length)
  })

  return yield* runSingleton({
    name: "nodeclaim.garbagecollection",
    backoff: { base: "5 seconds", max: "2 minutes" },
    reconcile: Effect.gen(function*() {
      yield* caches.synced
      const suspects = claims.list().filter((claim) => isSuspect(claim, nodes))
      // One that fails does not keep the others from being looked at.
      yield* attemptEach(suspects, (claim) => collect(claim).pipe(
        Effect.catchTag("CloudError", (error) => unanswered(error)
          ? Effect.logDebug("could not ask Linode for a machine", { error: error.message })
          : Effect.fail(error))
      ), { concurrency: atOnce })
      return requeueAfter("2 minutes")
    })
  })
})

/** One pass of the provider every half minute, until it is interrupted. */
export const instanceGarbageCollection: Effect.Effect<never, never, Caches | CloudProvider | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  return yield* runSingleton({
    name: "instance.garbagecollection",
    backoff: { base: "5 seconds", max: "2 minutes" },
    reconcile: caches.synced.pipe(
      Effect.andThen(cloud.collectGarbage),
      Effect.as(requeueAfter("30 seconds")),
      Effect.catchIf(unanswered, (error) => Effect.as(
        Effect.logDebug("could not look for machines without a claim", { error: error.message }),
        requeueAfter(Math.max(30_000, unavailableMillis(error)))
      ))
    )
  })
})
