/**
 * The second stage: the claim's Node has joined (Karpenter's lifecycle/registration.go). It is recognised by its name,
 * known since launch, at its first watch event, and put right in one write.
 *
 * Karpenter warns when a node joins without the taint `karpenter.sh/unregistered`. In instance mode nodes are born with it, and
 * it is taken off here. LKE's nodes never carry it: LKE lets nobody say what a node is born with, and puts a pool's taints on
 * nodes only after they have joined. A warning about every node would tell nobody anything, so there is none.
 */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation, finalizer, label, sameTaint, unregisteredTaint } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Store } from "../../kube/caches.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Node, OwnerReference, Taint } from "../../kube/objects.ts"
import { apiVersion } from "../../kube/resources.ts"
import { patchNode } from "../node/patchNode.ts"
import { pairingOf } from "./pairing.ts"

type Strings = Readonly<Record<string, string>>

const differences = (known: Strings | undefined, wanted: Strings): Strings =>
  Object.fromEntries(Object.entries(wanted).filter(([key, value]) => known?.[key] !== value))

/** Adds the taints that are not there; those that are keep their values. */
const merged = (taints: ReadonlyArray<Taint>, more: ReadonlyArray<Taint>): ReadonlyArray<Taint> =>
  more.reduce((all, taint) => all.some((known) => sameTaint(known, taint)) ? all : [...all, taint], taints)

const ownerOf = (claim: NodeClaim): OwnerReference => ({
  apiVersion: apiVersion(NodeClaims),
  kind: NodeClaims.kind,
  name: claim.metadata.name,
  uid: claim.metadata.uid ?? "",
  blockOwnerDeletion: true
})

const isOwnedBy = (node: Node, claim: NodeClaim): boolean =>
  (node.metadata.ownerReferences ?? []).some((owner) => owner.uid === claim.metadata.uid)

/**
 * What makes the Node the claim's: finalizer, owner, labels, annotations, taints and the registered label, as one merge
 * patch; undefined when it is all there. Taints are given once only: what removes a startup taint later is not undone.
 */
export const registrationPatch = (node: Node, claim: NodeClaim): object | undefined => {
  const { annotations, finalizers = [], labels, ownerReferences = [] } = node.metadata
  const owned = isOwnedBy(node, claim)
  const registered = owned && labels?.[label.registered] === "true"
  const before = node.spec?.taints ?? []
  const given = registered || labels?.[label.doNotSyncTaints] === "true"
    ? before
    : merged(before, [...claim.spec.taints ?? [], ...claim.spec.startupTaints ?? []])
  const taints = given.filter((taint) => !sameTaint(taint, unregisteredTaint))
  // Notes of calls under way are about the claim only.
  const {
    [annotation.lkeIntent]: _lke, [annotation.instanceIntent]: _instance, [annotation.surplus]: _surplus, ...copied
  } = claim.metadata.annotations ?? {}
  const newLabels = differences(labels, { ...claim.metadata.labels, [label.registered]: "true" })
  const newAnnotations = differences(annotations, copied)
  const retainted = taints.length !== before.length || taints.some((taint, i) => taint !== before[i])
  const metadata = {
    ...(Object.keys(newLabels).length > 0 && { labels: newLabels }),
    ...(Object.keys(newAnnotations).length > 0 && { annotations: newAnnotations }),
    ...(!finalizers.includes(finalizer.termination) && { finalizers: [...finalizers, finalizer.termination] }),
    ...(!owned && { ownerReferences: [...ownerReferences, ownerOf(claim)] })
  }
  if (Object.keys(metadata).length === 0 && !retainted) return undefined
  return { metadata, ...(retainted && { spec: { taints } }) }
}

/** A Node that is on its way out without our finalizer can't be given one any more. */
const isLeaving = (node: Node): boolean =>
  node.metadata.deletionTimestamp !== undefined && !(node.metadata.finalizers ?? []).includes(finalizer.termination)

const waiting = (claim: NodeClaim, now: string): NodeClaim =>
  nodeClaimConditions.setUnknown(claim, conditionType.registered, "NodeNotFound", "Node not registered with cluster", now)

/** What the Node says and the claim did not know. */
const withNode = (claim: NodeClaim, node: Node): NodeClaim => {
  const providerID = claim.status?.providerID ?? node.spec?.providerID
  if (claim.status?.nodeName === node.metadata.name && claim.status.providerID === providerID) return claim
  return {
    ...claim,
    status: { ...claim.status, nodeName: node.metadata.name, ...(providerID === undefined ? {} : { providerID }) }
  }
}

/** A kubelet makes its Node again when somebody removed it past our finalizer; that one knows nothing of us. */
const isNew = (node: Node): boolean => node.metadata.labels?.[label.registered] !== "true" && !isLeaving(node)

/**
 * The claim after this stage. A registered claim stays registered, also with a new Node for its machine; one that met another
 * machine under its node's name, or several of its own, recovers as soon as there is exactly one.
 */
export const register = Effect.fnUntraced(function*(claim: NodeClaim, nodes: Store<Node>, now: string) {
  const pairing = pairingOf(claim, nodes)
  if (nodeClaimConditions.isTrue(claim, conditionType.registered)) {
    const known = pairing.found === "one" ? withNode(claim, pairing.node) : claim
    if (pairing.found === "one" && isNew(pairing.node)) {
      yield* patchNode(pairing.node, (node) => registrationPatch(node, claim)).pipe(Effect.catchIf(isNotFound, () => Effect.void))
    }
    return nodeClaimConditions.setTrue(known, conditionType.registered, now)
  }
  if (pairing.found === "conflict") {
    return nodeClaimConditions.setFalse(claim, conditionType.registered, "MultipleNodesFound", pairing.message, now)
  }
  if (pairing.found === "none" || isLeaving(pairing.node)) return waiting(claim, now)
  const joined = yield* patchNode(pairing.node, (node) => registrationPatch(node, claim)).pipe(
    Effect.catchIf(isNotFound, () => Effect.void)
  )
  if (joined === undefined) return waiting(claim, now)
  return nodeClaimConditions.setTrue(withNode(claim, joined), conditionType.registered, now)
})
