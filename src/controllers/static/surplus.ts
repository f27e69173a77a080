/** Which nodes of a static NodePool go when it has more than it should (Karpenter's static/deprovisioning). Pure. */
import { annotation } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { evictionCost, lifetimeRemaining } from "../../cluster/evictionCost.ts"
import { doNotDisrupt, isActive, isReschedulable, ownedByDaemonSet, ownedByNode } from "../../cluster/podPredicates.ts"
import type { Pod } from "../../kube/objects.ts"
import { claimsOf, countOf } from "./count.ts"

export interface Victim {
  readonly claim: NodeClaim
  /** How many of its pods need another place. */
  readonly pods: number
  readonly why: "Unlaunched" | "Empty" | "Cheapest"
}

export interface Surplus {
  readonly victims: ReadonlyArray<Victim>
  /** Claims that were to go, and stay: more nodes are wanted again, or another one went. */
  readonly spared: ReadonlyArray<NodeClaim>
}

interface Judged extends Victim {
  /** Lower goes first; compared number by number. */
  readonly rank: ReadonlyArray<number>
  readonly born: string
}

/** Whether a deletion of it may be under way. */
export const isSurplus = ({ metadata }: NodeClaim): boolean => metadata.annotations?.[annotation.surplus] !== undefined

const judge = (claim: NodeClaim, pods: ReadonlyArray<Pod>, nowMillis: number): Judged => {
  const moving = pods.filter(isReschedulable)
  const held = pods.some((pod) => isActive(pod) && doNotDisrupt(pod, nowMillis).active)
  const cost = moving.reduce((total, pod) => total + evictionCost(pod), 0) * lifetimeRemaining(claim, nowMillis)
  const common = { claim, pods: moving.length, born: claim.metadata.creationTimestamp ?? "" }
  const first = isSurplus(claim) ? 0 : 1
  if (claim.status?.providerID === undefined) return { ...common, why: "Unlaunched", rank: [first, 0, 0, 0] }
  const isEmpty = !held && pods.every((pod) => !isActive(pod) || ownedByDaemonSet(pod) || ownedByNode(pod))
  return isEmpty
    ? { ...common, why: "Empty", rank: [first, 1, 0, 0] }
    : { ...common, why: "Cheapest", rank: [first, 2, held ? 1 : 0, cost] }
}

/** The youngest first where nothing else tells them apart, then by name. */
const compare = (a: Judged, b: Judged): number => {
  for (const [i, rank] of a.rank.entries()) {
    const difference = rank - b.rank[i]!
    if (difference !== 0) return difference
  }
  return a.born === b.born ? (a.claim.metadata.name < b.claim.metadata.name ? -1 : 1) : a.born > b.born ? -1 : 1
}

/**
 * Those go first that were to go already, since a deletion that got no answer may be carried out yet. Then claims that never
 * got a machine, then empty nodes, then those whose pods cost least to move; a node with a pod that must not be disrupted
 * comes last. `all` are the claims of all pools, `podsOn` gives the pods on a claim's node that have not ended.
 */
export const surplus = (
  pool: NodePool,
  all: ReadonlyArray<NodeClaim>,
  podsOn: (claim: NodeClaim) => ReadonlyArray<Pod>,
  nowMillis: number
): Surplus => {
  const { active } = countOf(claimsOf(pool, all))
  const many = active.length - (pool.spec.replicas ?? active.length)
  if (many <= 0) return { victims: [], spared: active.filter(isSurplus) }
  const ranked = active.map((claim) => judge(claim, podsOn(claim), nowMillis)).toSorted(compare)
  return {
    victims: ranked.slice(0, many).map(({ claim, pods, why }) => ({ claim, pods, why })),
    spared: ranked.slice(many).map(({ claim }) => claim).filter(isSurplus)
  }
}
