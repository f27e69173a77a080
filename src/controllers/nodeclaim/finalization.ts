/**
 * A claim's end (Karpenter's lifecycle/controller.go): its node drains first, then its machine is given back, and only when
 * that is proven gone does the claim go. So nothing that Linode bills is ever without a claim.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { durationMillis } from "../../apis/durations.ts"
import { annotation, finalizer, sameTaint, unregisteredTaint } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { Store } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { timestamp } from "../../kube/timestamp.ts"
import { done, requeueAfter } from "../../runtime/controller.ts"
import { patchNode } from "../node/patchNode.ts"
import { patientDelete } from "../node/patientDelete.ts"
import { claimMetrics } from "./claimMetrics.ts"
import { disagree, nodesOfClaim } from "./pairing.ts"
import { registrationPatch } from "./registration.ts"
import { writeClaim, writeFinalizers } from "./writeClaim.ts"

/**
 * When the claim must be gone in spite of its pods; undefined when they are waited for, or when it is written already. What
 * is no time is not one that is written.
 */
const missingDeadline = (claim: NodeClaim): string | undefined => {
  const grace = durationMillis(claim.spec.terminationGracePeriod)
  const { annotations, deletionTimestamp } = claim.metadata
  const written = Date.parse(annotations?.[annotation.terminationTimestamp] ?? "")
  if (grace === undefined || deletionTimestamp === undefined || !Number.isNaN(written)) return undefined
  return timestamp(Date.parse(deletionTimestamp) + grace)
}

const writeDeadline = Effect.fnUntraced(function*(claim: NodeClaim, deadline: string) {
  const kube = yield* Kube
  const recorder = yield* Recorder
  const { name, resourceVersion } = claim.metadata
  const patch = { metadata: { resourceVersion, annotations: { [annotation.terminationTimestamp]: deadline } } }
  const written = yield* kube.patch(NodeClaims, { name }, patch, { kind: "merge" })
  yield* Effect.logInfo("annotated nodeclaim", { [annotation.terminationTimestamp]: deadline })
  yield* recorder.publish({
    object: claim,
    type: "Warning",
    reason: "TerminationGracePeriodExpiring",
    message: `All pods will be deleted by ${deadline}`,
    dedupe: [name]
  })
  return written
})

/**
 * A claim that is deleted before its status could say so learns here which node is its own, as that one may have joined, and
 * which machine: once the node is given back, nobody else tells whether the machine is still there.
 */
const sayNode = Effect.fnUntraced(function*(claim: NodeClaim, nodes: Store<Node>) {
  const cloud = yield* CloudProvider
  const nodeName = claim.status?.nodeName ?? cloud.nodeName(claim)
  if (nodeName === undefined) return claim
  const named = claim.status?.nodeName === undefined ? { ...claim, status: { ...claim.status, nodeName } } : claim
  const [node, other] = nodesOfClaim(named, nodes)
  const providerID = claim.status?.providerID ?? (other === undefined ? node?.spec?.providerID : undefined)
  const next = providerID === claim.status?.providerID ? named : { ...named, status: { ...named.status, providerID } }
  return next === claim ? claim : yield* writeClaim(claim, next as NodeClaim)
})

/**
 * Whether the node has to drain first. A Node that carries our finalizer was registered, whether or not the claim got to
 * say so; one that leaves without it goes with its instance.
 */
const isToDrain = (claim: NodeClaim, node: Node): boolean =>
  nodeClaimConditions.isTrue(claim, conditionType.registered) || (node.metadata.finalizers ?? []).includes(finalizer.termination)

/** Whether the taint that nodes are born with in instance mode has kept pods away until now. */
const isUntouched = (node: Node): boolean => (node.spec?.taints ?? []).some((taint) => sameTaint(taint, unregisteredTaint))

/**
 * A node that joined and that nobody has registered, since no controller was there or the claim was deleted at that moment. LKE's
 * nodes join without the taint that keeps pods away, so it may have pods: it is made ours, and drains as any other. One with
 * the taint keeps it, and goes after its machine.
 */
const takeIn = (claim: NodeClaim) => (node: Node) =>
  isToDrain(claim, node) || isUntouched(node) || node.metadata.deletionTimestamp !== undefined ||
    nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)
    ? Effect.succeed(node)
    : patchNode(node, (current) => registrationPatch(current, claim)).pipe(Effect.catchIf(isNotFound, () => Effect.succeed(node)))

/** Asked before the machine goes for good: a cache that is behind may not know that the node has joined. */
const joinedUnseen = Effect.fnUntraced(function*(claim: NodeClaim) {
  const kube = yield* Kube
  const name = claim.status?.nodeName
  if (name === undefined || nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)) return []
  const node = yield* kube.get(Nodes, { name }).pipe(
    Effect.map((found): Node | undefined => found),
    Effect.catchIf(isNotFound, () => Effect.undefined)
  )
  return node === undefined || disagree(claim, node) ? [] : [yield* takeIn(claim)(node)].filter((one) => isToDrain(claim, one))
})

const removeNode = Effect.fnUntraced(function*({ metadata: { name, uid } }: Node) {
  const kube = yield* Kube
  yield* kube.delete(Nodes, { name }, uid === undefined ? {} : { uid }).pipe(
    Effect.catchIf((error) => isNotFound(error) || isConflict(error), () => Effect.void)
  )
})

/** One look at a claim that is being deleted. */
export const finalize = Effect.fnUntraced(function*(found: NodeClaim, nodes: Store<Node>, claims: Store<NodeClaim>) {
  const cloud = yield* CloudProvider
  const metrics = yield* claimMetrics
  const finalizers = found.metadata.finalizers ?? []
  if (!finalizers.includes(finalizer.termination)) return done

  const deadline = missingDeadline(found)
  const claim = yield* sayNode(deadline === undefined ? found : yield* writeDeadline(found, deadline), nodes)

  const joined = yield* Effect.forEach(nodesOfClaim(claim, nodes), takeIn(claim))
  const known = joined.filter((node) => isToDrain(claim, node))
  const draining = known.length > 0 ? known : yield* joinedUnseen(claim)
  for (const node of draining) {
    if (node.metadata.deletionTimestamp === undefined) yield* removeNode(node)
  }
  // The end of the node brings us back; what the cache does not know of, it cannot tell the end of.
  if (draining.length > 0) return known.length > 0 ? done : requeueAfter("1 second")

  // Asked also where nothing is known of a machine: a call for it may still be under way.
  const deletion = yield* patientDelete(cloud.delete(claim))
  // The provider may have written a note of its own on the claim.
  const latest = claims.get(claim.metadata)
  const current = latest?.metadata.uid === claim.metadata.uid ? latest ?? claim : claim
  const now = yield* Clock.currentTimeMillis
  if (deletion.is === "wait") return requeueAfter(deletion.afterMillis)
  if (deletion.is === "terminating") {
    const iso = new Date(now).toISOString()
    yield* writeClaim(current, nodeClaimConditions.setTrue(current, conditionType.instanceTerminating, iso))
    return requeueAfter(deletion.afterMillis)
  }
  // Not every cluster has a cloud controller manager that would: k3s's own takes every Node for a machine.
  yield* Effect.forEach(joined.filter(isUntouched), removeNode, { discard: true })
  yield* writeFinalizers(current, (current.metadata.finalizers ?? []).filter((one) => one !== finalizer.termination))
  yield* Effect.logInfo("deleted nodeclaim", {
    NodePool: claim.metadata.ownerReferences?.[0]?.name,
    Node: { name: claim.status?.nodeName },
    "provider-id": claim.status?.providerID
  })
  const began = nodeClaimConditions.get(claim, conditionType.instanceTerminating)?.lastTransitionTime
  if (began !== undefined) metrics.instanceGone(claim, (now - Date.parse(began)) / 1000)
  metrics.claimGone(claim, (now - Date.parse(claim.metadata.deletionTimestamp ?? "")) / 1000)
  return done
})
