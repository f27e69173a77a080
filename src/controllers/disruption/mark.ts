/**
 * How a decision shows on a node before anything is lost: a taint, so that nothing new is placed on it, and on its claim the
 * reason why it goes. Both can be taken back.
 */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { disruptedTaint, sameTaint } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { DisruptionReason } from "../../apis/nodePool.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import type { Condition, Node, Taint } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { isoNow } from "../../runtime/isoNow.ts"

const hasTaint = (node: Node): boolean => (node.spec?.taints ?? []).some((taint) => sameTaint(taint, disruptedTaint))
const withTaint = (node: Node): ReadonlyArray<Taint> => [...node.spec?.taints ?? [], disruptedTaint]
const withoutTaint = (node: Node): ReadonlyArray<Taint> =>
  (node.spec?.taints ?? []).filter((taint) => !sameTaint(taint, disruptedTaint))

const tries = 3

/**
 * Taints are a list: replaced as a whole, and only over the version that was read. Kubelets and others write Nodes all the time, so
 * the server is asked first, and whoever wrote in between is read and built upon.
 */
const setTaint = Effect.fnUntraced(function*({ metadata: { name, uid } }: Node, wanted: boolean) {
  const kube = yield* Kube
  const write = Effect.gen(function*() {
    const node = yield* kube.get(Nodes, { name })
    if (node.metadata.uid !== uid || hasTaint(node) === wanted) return
    yield* kube.patch(Nodes, { name }, {
      metadata: { resourceVersion: node.metadata.resourceVersion },
      spec: { taints: wanted ? withTaint(node) : withoutTaint(node) }
    }, { kind: "merge" })
  })
  yield* write.pipe(Effect.retry({ times: tries, while: isConflict }))
})

const setConditions = Effect.fnUntraced(function*(before: NodeClaim, after: NodeClaim) {
  const kube = yield* Kube
  if (after === before) return before
  return yield* kube.patch(NodeClaims, { name: before.metadata.name }, {
    metadata: { resourceVersion: before.metadata.resourceVersion },
    status: { conditions: after.status?.conditions }
  }, { kind: "merge", subresource: "status" })
})

/** Reason and message of the condition are both the reason: what Karpenter's users and dashboards read. */
const withReason = (claim: NodeClaim, reason: DisruptionReason, now: string): NodeClaim => {
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

/** The taint comes first. `at` is an ISO timestamp. Fails where somebody else wrote the claim in between. */
export const mark = Effect.fnUntraced(function*(node: Node, claim: NodeClaim, reason: DisruptionReason, at: string) {
  yield* setTaint(node, true)
  yield* setConditions(claim, withReason(claim, reason, at))
})

/** Whether anything would be taken back. */
export const isMarked = (node: Node, claim: NodeClaim): boolean =>
  hasTaint(node) || nodeClaimConditions.get(claim, conditionType.disruptionReason) !== undefined

/**
 * Takes the taint and the reason back, unless the claim is being deleted. The server is asked, since a deletion of ours may
 * not be in the caches yet.
 */
export const unmark = Effect.fnUntraced(function*(node: Node | undefined, claim: NodeClaim) {
  const kube = yield* Kube
  const fresh = yield* kube.get(NodeClaims, { name: claim.metadata.name }).pipe(
    Effect.catchIf(isNotFound, () => Effect.void)
  )
  if (!fresh || fresh.metadata.uid !== claim.metadata.uid || fresh.metadata.deletionTimestamp !== undefined) return
  if (node !== undefined) yield* setTaint(node, false).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  yield* setConditions(fresh, nodeClaimConditions.clear(fresh, conditionType.disruptionReason, yield* isoNow))
})
