/**
 * Carries a decision out, and takes back what was left half done. The taint comes first, so that nothing new is placed on
 * the node; then the reason on the claim, then the claim's deletion, from where termination goes on.
 */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { disruptedTaint, sameTaint } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { DisruptionReason } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isReschedulable } from "../../cluster/podPredicates.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Condition, Node, Taint } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { countDisrupted } from "../disrupted.ts"
import { isoNow } from "../../runtime/isoNow.ts"

const hasTaint = (node: Node): boolean => (node.spec?.taints ?? []).some((taint) => sameTaint(taint, disruptedTaint))

/** Taints are a list: replaced as a whole, and only over the version that was read. */
const setTaints = Effect.fnUntraced(function*(node: Node, taints: ReadonlyArray<Taint>) {
  const kube = yield* Kube
  yield* kube.patch(Nodes, { name: node.metadata.name }, {
    metadata: { resourceVersion: node.metadata.resourceVersion },
    spec: { taints }
  }, { kind: "merge" })
})

const setConditions = Effect.fnUntraced(function*(before: NodeClaim, after: NodeClaim) {
  const kube = yield* Kube
  if (after === before) return
  yield* kube.patch(NodeClaims, { name: before.metadata.name }, {
    metadata: { resourceVersion: before.metadata.resourceVersion },
    status: { conditions: after.status?.conditions }
  }, { kind: "merge", subresource: "status" })
})

/** Reason and message of the condition are both the reason: what Karpenter's users and dashboards read. */
const marked = (claim: NodeClaim, reason: DisruptionReason, now: string): NodeClaim => {
  const others = (claim.status?.conditions ?? []).filter((condition) => condition.type !== conditionType.disruptionReason)
  const condition: Condition = {
    type: conditionType.disruptionReason,
    status: "True",
    reason,
    message: reason,
    lastTransitionTime: now,
    observedGeneration: claim.metadata.generation ?? 0
  }
  return { ...claim, status: { ...claim.status, conditions: [...others, condition] } }
}

/** Starts a node's deletion for a reason; it stays until it is drained. Fails where somebody else wrote in between. */
export const disrupt = Effect.fnUntraced(function*(state: StateNode, reason: DisruptionReason, consolidationPolicy: string) {
  const { claim, node } = state
  if (claim === undefined || node === undefined) return
  const kube = yield* Kube
  const recorder = yield* Recorder
  const now = yield* isoNow
  yield* Effect.logInfo("disrupting node(s)", {
    reason: reason.toLowerCase(),
    decision: "delete",
    Node: { name: node.metadata.name },
    NodeClaim: { name: claim.metadata.name },
    NodePool: { name: state.nodePool }
  })
  if (!hasTaint(node)) yield* setTaints(node, [...node.spec?.taints ?? [], disruptedTaint])
  yield* setConditions(claim, marked(claim, reason, now))
  const { name, uid } = claim.metadata
  yield* kube.delete(NodeClaims, { name }, uid === undefined ? {} : { uid }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  for (const object of [node, claim]) {
    const what = object === node ? "Node" : "NodeClaim"
    yield* recorder.publish({
      object,
      type: "Normal",
      reason: "DisruptionTerminating",
      message: `Disrupting ${what}: ${reason}`,
      dedupe: [object.metadata.uid ?? object.metadata.name, reason]
    })
  }
  const count = yield* countDisrupted
  count({ claim, reason: reason.toLowerCase() as Lowercase<DisruptionReason>, consolidationPolicy, pods: state.pods.filter(isReschedulable).length })
})

/**
 * Takes the taint and the reason off a machine that nobody deletes: what a stop between two steps of `disrupt` leaves
 * behind. The next pass decides anew. The server is asked first, since a deletion of ours may not be in the caches yet.
 */
export const heal = Effect.fnUntraced(function*(state: StateNode) {
  const { claim, node } = state
  if (claim === undefined || node === undefined || state.markedForDeletion) return
  if (!hasTaint(node) && nodeClaimConditions.get(claim, conditionType.disruptionReason) === undefined) return
  const kube = yield* Kube
  const fresh = yield* kube.get(NodeClaims, { name: claim.metadata.name }).pipe(
    Effect.catchIf(isNotFound, () => Effect.void)
  )
  if (!fresh || fresh.metadata.deletionTimestamp !== undefined) return
  if (hasTaint(node)) yield* setTaints(node, (node.spec?.taints ?? []).filter((taint) => !sameTaint(taint, disruptedTaint)))
  const now = yield* isoNow
  yield* setConditions(fresh, nodeClaimConditions.clear(fresh, conditionType.disruptionReason, now))
})
