/**
 * Taking over what the Go provider bought: claims are bound to their nodes as if this program had made them, and nodes
 * that it forgot get a claim, so that they are used, emptied and given back like any other. Decisions, as values.
 */
import { nodePoolHash, nodePoolHashVersion } from "../../apis/hash.ts"
import { annotation, finalizer, label, sameTaint } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { Taint } from "../../kube/objects.ts"
import { apiVersion } from "../../kube/resources.ts"
import { grace } from "../requests.ts"
import type { Since } from "./garbage.ts"
import { isWaiting } from "./record.ts"
import type { ClaimRecord } from "./record.ts"
import { isOfNodePool } from "./tags.ts"
import { ownedNode, unclaimed } from "./view.ts"
import type { Leftover, View } from "./view.ts"

export interface Adoption {
  /** Claims whose node follows from their status only: it is to be written on them. */
  readonly bind: ReadonlyArray<{ readonly claim: ClaimRecord; readonly node: string }>
  /** Nodes that no claim has owned for the grace, and that none is waiting for. */
  readonly orphans: ReadonlyArray<Leftover>
}

export const decideAdoption = (view: View, since: Since): Adoption => ({
  bind: view.claims.flatMap((claim) => {
    const node = claim.foreign === undefined || claim.deleting ? undefined : ownedNode(view, claim)
    return node === undefined || view.find(node) === undefined ? [] : [{ claim, node }]
  }),
  orphans: unclaimed(view).filter(({ node, pool }) =>
    !view.heirs.has(node.id) && view.now - (since.get(node.id) ?? view.now) >= grace &&
    !view.claims.some((claim) => isWaiting(claim) && isOfNodePool(pool, claim.claim.metadata.labels?.[label.nodePool] ?? "")))
})

/** The claim of a node that has none. It counts as made from the NodePool as it is now; its name is the same each time. */
export const claimOfOrphan = ({ node, pool }: Leftover, nodePool: NodePool): NodeClaim => {
  const { name, uid = "" } = nodePool.metadata
  const { template } = nodePool.spec
  const { expireAfter, nodeClassRef, startupTaints = [], terminationGracePeriod } = template.spec
  const taints = (pool.taints ?? []).map(({ effect, key, value = "" }): Taint => ({ key, value, effect: effect as Taint["effect"] }))
    .filter((taint) => !startupTaints.some((startup) => sameTaint(startup, taint)))
  return {
    apiVersion: apiVersion(NodeClaims),
    kind: NodeClaims.kind,
    metadata: {
      name: `${name.slice(0, 200)}-${node.id}`,
      labels: { ...pool.labels, [label.nodePool]: name, [label.nodeClass]: nodeClassRef.name },
      annotations: {
        ...template.metadata?.annotations,
        [annotation.nodePoolHash]: nodePoolHash(template),
        [annotation.nodePoolHashVersion]: nodePoolHashVersion,
        [annotation.lkeNode]: node.id
      },
      finalizers: [finalizer.termination],
      ownerReferences: [{ apiVersion: apiVersion(NodePools), kind: NodePools.kind, name, uid, blockOwnerDeletion: true }]
    },
    spec: {
      ...(taints.length === 0 ? {} : { taints }),
      requirements: [{ key: label.instanceType, operator: "In", values: [pool.type] }],
      resources: { requests: {} },
      nodeClassRef,
      ...(terminationGracePeriod === undefined ? {} : { terminationGracePeriod }),
      ...(expireAfter === undefined ? {} : { expireAfter })
    }
  }
}
