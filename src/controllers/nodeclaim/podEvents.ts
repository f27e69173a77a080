/**
 * `nodeclaim.podevents`: keeps on the claim when a pod last came to its node or left it (Karpenter's nodeclaim/podevents),
 * which is what consolidateAfter counts from.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
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

/** When the scheduler gave the pod its node, in milliseconds; undefined where the pod does not say. */
const boundAt = (pod: Pod): number | undefined => {
  const bound = pod.status?.conditions?.find(({ status, type }) => type === "PodScheduled" && status === "True")
  const millis = Date.parse(bound?.lastTransitionTime ?? "")
  return Number.isNaN(millis) ? undefined : millis
}

/**
 * Tells when something happened on a claim's node, in milliseconds. A pod that was there before this process began to watch
 * came when it says itself: taking it for new would put every consolidation off at each restart, and ignoring it would
 * forget what came while nobody watched.
 */
const onPodEvents = (
  pods: Store<Pod>,
  nodes: Store<Node>,
  claims: Store<NodeClaim>,
  happened: (claim: NodeClaim, at: number | "now") => void
): Trigger => ({
  attach: Effect.fnUntraced(function*(add: (ref: Ref) => void) {
    let replaying = true
    yield* pods.subscribe((change) => {
      if (!isPodEvent(change)) return
      const at = replaying ? boundAt(change.object) : "now"
      const node = at === undefined ? undefined : nodes.get({ name: change.object.spec.nodeName ?? "" })
      const claim = node === undefined ? undefined : claimOfNode(node, claims)
      if (claim === undefined || at === undefined) return
      happened(claim, at)
      add(claim.metadata)
    })
    replaying = false
  })
})

/** Runs until it is interrupted. */
export const nodeClaimPodEvents: Effect.Effect<never, never, Caches | Kube | Metrics> = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const claims = caches.store(NodeClaims)
  /** By the claim's name; what is not written yet. */
  const events = new Map<string, number>()
  const happened = (claim: NodeClaim, at: number | "now"): void => {
    const { name } = claim.metadata
    events.set(name, Math.max(at === "now" ? Number.POSITIVE_INFINITY : at, events.get(name) ?? 0))
  }
  yield* caches.synced
  return yield* runController({
    name: "nodeclaim.podevents",
    kind: NodeClaims,
    workers: 1,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onPodEvents(caches.store(Pods), caches.store(Nodes), claims, happened)],
    reconcile: Effect.fnUntraced(function*(ref) {
      const claim = claims.get(ref)
      const event = events.get(ref.name)
      if (claim === undefined || event === undefined) {
        events.delete(ref.name)
        return done
      }
      const at = Math.min(event, yield* Clock.currentTimeMillis)
      // Until the first event the claim counts from when its node became usable, which came after its first pods.
      const last = claim.status?.lastPodEventTime ??
        (Number.isFinite(event) ? nodeClaimConditions.get(claim, conditionType.initialized)?.lastTransitionTime : undefined)
      if (last === undefined || at - Date.parse(last) >= dedupeMillis) {
        yield* kube.patch(NodeClaims, { name: ref.name }, { status: { lastPodEventTime: new Date(at).toISOString() } }, {
          kind: "merge", subresource: "status"
        }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
      }
      if (events.get(ref.name) === event) events.delete(ref.name)
      return done
    })
  })
})
