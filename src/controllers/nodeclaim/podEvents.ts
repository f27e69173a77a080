/**
 * `nodeclaim.podevents`: keeps on the claim when a pod last came to its node or left it (core-lifecycle §4.5), which is
 * what consolidateAfter counts from.
 */
import { Clock, Effect } from "effect"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { isActive, isTerminal, isTerminating, ownedByDaemonSet } from "../../cluster/podPredicates.ts"
import { Caches } from "../../kube/caches.ts"
import type { Change, Store } from "../../kube/caches.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Node, Pod, Ref } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { done, runController } from "../../runtime/controller.ts"
import type { Trigger } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { claimOfNode } from "./pairing.ts"

/** Events closer together are one. Shorter than the pause before a disruption is validated, so that none escapes it. */
const dedupeMillis = 10_000

const isBound = (pod: Pod): boolean => (pod.spec.nodeName ?? "") !== ""

/** Whether the change is a pod that came to a node, ended there, or began to leave it. */
export const isPodEvent = (change: Change<Pod>): boolean => {
  const pod = change.object
  if (!isBound(pod) || ownedByDaemonSet(pod)) return false
  // One that was seen to leave before is no news when it is gone.
  if (change.type === "deleted") return isActive(pod)
  const { previous } = change
  if (previous === undefined || previous.metadata.uid !== pod.metadata.uid) return true
  return !isBound(previous) || (isTerminal(pod) && !isTerminal(previous)) || (isTerminating(pod) && !isTerminating(previous))
}

/**
 * Changes only: what was there before this process began to watch says nothing about when it came, and taking it for new
 * would put every consolidation off at each restart.
 */
const onPodEvents = (pods: Store<Pod>, nodes: Store<Node>, claims: Store<NodeClaim>): Trigger => ({
  attach: Effect.fnUntraced(function*(add: (ref: Ref) => void) {
    let replaying = true
    yield* pods.subscribe((change) => {
      if (replaying || !isPodEvent(change)) return
      const node = nodes.get({ name: change.object.spec.nodeName ?? "" })
      const claim = node === undefined ? undefined : claimOfNode(node, claims)
      if (claim !== undefined) add(claim.metadata)
    })
    replaying = false
  })
})

/** Runs until it is interrupted. */
export const nodeClaimPodEvents: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const claims = caches.store(NodeClaims)
  yield* caches.synced
  return yield* runController({
    name: "nodeclaim.podevents",
    kind: NodeClaims,
    workers: 1,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onPodEvents(caches.store(Pods), caches.store(Nodes), claims)],
    reconcile: Effect.fnUntraced(function*(ref) {
      const claim = claims.get(ref)
      if (claim === undefined) return done
      const now = yield* Clock.currentTimeMillis
      const last = claim.status?.lastPodEventTime
      if (last !== undefined && now - Date.parse(last) < dedupeMillis) return done
      yield* kube.patch(NodeClaims, { name: ref.name }, { status: { lastPodEventTime: new Date(now).toISOString() } }, {
        kind: "merge", subresource: "status"
      }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
      return done
    })
  })
})
