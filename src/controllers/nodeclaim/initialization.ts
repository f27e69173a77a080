/** The third stage: the Node can take the pods it was made for (Karpenter's lifecycle/initialization.go). */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { isEphemeralTaint, label, sameTaint } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { toNumber } from "../../cluster/amounts.ts"
import type { Store } from "../../kube/caches.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Node } from "../../kube/objects.ts"
import { describeTaint } from "../../scheduling/taints.ts"
import { isReady } from "../node/isReady.ts"
import { patchNode } from "../node/patchNode.ts"
import { pairingOf } from "./pairing.ts"

export interface Obstacle {
  readonly reason: "NodeNotFound" | "NodeNotReady" | "StartupTaintsExist" | "KnownEphemeralTaintsExist" | "ResourceNotRegistered"
  readonly message: string
}

/** The first thing that keeps the Node from being used; undefined when nothing does. */
export const obstacleOf = (claim: NodeClaim, node: Node | undefined): Obstacle | undefined => {
  if (node === undefined) return { reason: "NodeNotFound", message: "Node not registered with cluster" }
  if (!isReady(node)) return { reason: "NodeNotReady", message: "Node status is NotReady" }
  const taints = node.spec?.taints ?? []
  const startup = (claim.spec.startupTaints ?? []).find((wanted) => taints.some((taint) => sameTaint(taint, wanted)))
  if (startup !== undefined) {
    return { reason: "StartupTaintsExist", message: `StartupTaint "${describeTaint(startup)}" still exists` }
  }
  const ephemeral = taints.find(isEphemeralTaint)
  if (ephemeral !== undefined) {
    return { reason: "KnownEphemeralTaintsExist", message: `KnownEphemeralTaint "${describeTaint(ephemeral)}" still exists` }
  }
  const missing = Object.entries(claim.spec.resources?.requests ?? {}).find(([resource, quantity]) =>
    toNumber(quantity) !== 0 && toNumber(node.status?.allocatable?.[resource]) === 0)
  return missing === undefined
    ? undefined
    : { reason: "ResourceNotRegistered", message: `Resource "${missing[0]}" was requested but not registered` }
}

/** Undefined when the Node went in the meantime. */
const mark = (node: Node) => patchNode(node, ({ metadata: { labels } }) =>
  labels?.[label.initialized] === "true" ? undefined : { metadata: { labels: { [label.initialized]: "true" } } }
).pipe(Effect.catchIf(isNotFound, () => Effect.void))

/** Of a machine whose Node was made again: registered anew, and not said to be usable. */
const isNew = ({ metadata: { deletionTimestamp, labels } }: Node): boolean =>
  deletionTimestamp === undefined && labels?.[label.registered] === "true" && labels[label.initialized] !== "true"

/** The claim after this stage; it stays as it is until it is registered. */
export const initialize = Effect.fnUntraced(function*(claim: NodeClaim, nodes: Store<Node>, now: string) {
  if (!nodeClaimConditions.isTrue(claim, conditionType.registered)) return claim
  const pairing = pairingOf(claim, nodes)
  const node = pairing.found === "one" ? pairing.node : undefined
  if (nodeClaimConditions.isTrue(claim, conditionType.initialized)) {
    if (node !== undefined && isNew(node) && obstacleOf(claim, node) === undefined) yield* mark(node)
    return nodeClaimConditions.setTrue(claim, conditionType.initialized, now)
  }
  const obstacle = obstacleOf(claim, node)
  if (node === undefined || obstacle !== undefined) {
    const { message, reason } = obstacle ?? { reason: "NodeNotFound", message: "" }
    return nodeClaimConditions.setUnknown(claim, conditionType.initialized, reason, message, now)
  }
  const usable = yield* mark(node)
  return usable === undefined ? claim : nodeClaimConditions.setTrue(claim, conditionType.initialized, now)
})
