/**
 * Which Node is the machine of which NodeClaim. A claim knows its node by name, minutes before it joins, and by provider
 * ID once Linode has said it. Only plain lookups in the caches.
 */
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { index } from "../../kube/caches.ts"
import type { Store } from "../../kube/caches.ts"
import type { Node } from "../../kube/objects.ts"

/** Both sides say which instance it is, and they disagree. */
export const disagree = (claim: NodeClaim, node: Node): boolean => {
  const wanted = claim.status?.providerID
  const found = node.spec?.providerID
  return wanted !== undefined && found !== undefined && wanted !== found
}

/** Every Node that is the claim's machine: one, none while it has not joined, more when something is wrong. */
export const nodesOfClaim = (claim: NodeClaim, nodes: Store<Node>): ReadonlyArray<Node> => {
  const { nodeName, providerID } = claim.status ?? {}
  const byID = providerID === undefined ? [] : nodes.by(index.nodeProviderID, providerID)
  const byName = nodeName === undefined ? undefined : nodes.get({ name: nodeName })
  return byName === undefined || disagree(claim, byName) || byID.includes(byName) ? byID : [...byID, byName]
}

export type Pairing =
  | { readonly found: "none" }
  | { readonly found: "one"; readonly node: Node }
  /** There are several, or the one of that name is another machine. */
  | { readonly found: "conflict"; readonly message: string }

export const pairingOf = (claim: NodeClaim, nodes: Store<Node>): Pairing => {
  const [first, ...others] = nodesOfClaim(claim, nodes)
  if (first !== undefined && others.length > 0) {
    const names = [first, ...others].map((node) => node.metadata.name).toSorted().join(", ")
    return { found: "conflict", message: `Invariant violated, matched multiple nodes: ${names}` }
  }
  if (first !== undefined) return { found: "one", node: first }
  const namesake = claim.status?.nodeName === undefined ? undefined : nodes.get({ name: claim.status.nodeName })
  if (namesake === undefined) return { found: "none" }
  return {
    found: "conflict",
    message: `Node ${namesake.metadata.name} is ${namesake.spec?.providerID ?? ""}, not ${claim.status?.providerID ?? ""}`
  }
}

/** Every managed claim whose machine the Node may be, also where the two do not agree on the instance: for triggers. */
export const claimsNaming = (node: Node, claims: Store<NodeClaim>): ReadonlyArray<NodeClaim> => {
  const providerID = node.spec?.providerID
  const byID = providerID === undefined ? [] : claims.by(index.claimProviderID, providerID)
  const byName = claims.by(index.claimNodeName, node.metadata.name)
  return [...byID, ...byName.filter((claim) => !byID.includes(claim))].filter(isManagedClaim)
}

/** The claim whose machine the Node is; the Node's owner where several say so, none where that does not decide it. */
export const claimOfNode = (node: Node, claims: Store<NodeClaim>): NodeClaim | undefined => {
  const candidates = claimsNaming(node, claims).filter((claim) => !disagree(claim, node))
  if (candidates.length <= 1) return candidates[0]
  const owners = new Set((node.metadata.ownerReferences ?? []).map((owner) => owner.uid))
  const owning = candidates.filter((claim) => owners.has(claim.metadata.uid ?? ""))
  return owning.length === 1 ? owning[0] : undefined
}
