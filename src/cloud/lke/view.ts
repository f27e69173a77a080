/** Claims and pools seen together at one moment: who owns which node, and which changes may still be under way. */
import { label } from "../../apis/labels.ts"
import { oncePer } from "../../kube/oncePer.ts"
import type { Pool, PoolNode } from "../../linode/models.ts"
import { requestLifetime } from "../requests.ts"
import { claimTag } from "../tags.ts"
import { isWaiting } from "./record.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { isOurs, isSentenced, nonceOf, poolKeyOf, sentencedNodes } from "./tags.ts"

export interface ClusterId {
  readonly id: number
  readonly name: string
}

export interface View {
  readonly cluster: ClusterId
  /** Milliseconds. */
  readonly now: number
  /** Every NodeClaim of the cluster. */
  readonly claims: ReadonlyArray<ClaimRecord>
  /** Every pool of the cluster, ours or not. */
  readonly pools: ReadonlyArray<Pool>
  /** The pools that carry Karpenter's tags for this cluster. */
  readonly ours: ReadonlyArray<Pool>
  /** The claims that a node belongs to: one, were it not for two processes that fought. */
  readonly owners: ReadonlyMap<string, ReadonlyArray<ClaimRecord>>
  /** Nodes that the Go provider had given to a claim without getting to say so on the claim. */
  readonly heirs: ReadonlyMap<string, ClaimRecord>
  readonly find: (node: string) => { readonly pool: Pool; readonly node: PoolNode } | undefined
}

/** The name that LKE gives the Kubernetes node. */
export const nodeNameOf = (cluster: number, node: string): string => `lke${cluster}-${node}`

/** The LKE node's id in a Kubernetes node's name. */
const nodeIdIn = (cluster: number, name: string | undefined): string | undefined => {
  const prefix = nodeNameOf(cluster, "")
  return name?.startsWith(prefix) === true ? name.slice(prefix.length) : undefined
}

/** An LKE node's id begins with its pool's. */
export const poolIdOf = (node: string): number => Number(node.slice(0, Math.max(0, node.lastIndexOf("-"))))

/** Claim tags of Linodes, by node: see `heirs.ts`. */
export type ClaimTags = ReadonlyMap<string, string>

const heirsOf = (claims: ReadonlyArray<ClaimRecord>, tags: ClaimTags): ReadonlyMap<string, ClaimRecord> => {
  const heirs = new Map<string, ClaimRecord>()
  if (tags.size === 0) return heirs
  const waiting = new Map(claims.filter((claim) => isWaiting(claim) && claim.intent === undefined)
    .map((claim) => [claimTag(claim.name), claim]))
  for (const [node, tag] of [...tags].toSorted(([a], [b]) => a < b ? -1 : 1)) {
    const heir = waiting.get(tag)
    if (heir !== undefined) heirs.set(node, heir)
    // The Go provider may have given it two; the other one stays over.
    waiting.delete(tag)
  }
  return heirs
}

/** `tags`: of nodes that no claim owns, as far as they were asked for. */
export const makeView = (
  cluster: ClusterId,
  now: number,
  claims: ReadonlyArray<ClaimRecord>,
  pools: ReadonlyArray<Pool>,
  tags: ClaimTags = new Map()
): View => {
  const nodes = new Map(pools.flatMap((pool) => pool.nodes.map((node) => [node.id, { pool, node }] as const)))
  const byInstance = new Map([...nodes.values()].flatMap(({ node }) =>
    node.instance_id === null ? [] : [[node.instance_id, node.id] as const]))
  const owners = new Map<string, Array<ClaimRecord>>()
  for (const claim of claims) {
    const node = claim.node ?? nodeIdIn(cluster.id, claim.foreign?.nodeName) ?? byInstance.get(claim.foreign?.instance ?? -1)
    if (node === undefined) continue
    const known = owners.get(node)
    if (known === undefined) owners.set(node, [claim])
    else known.push(claim)
  }
  return {
    cluster, now, claims, pools, owners, heirs: heirsOf(claims, tags),
    ours: pools.filter((pool) => isOurs(pool, cluster.name)),
    find: (node) => nodes.get(node)
  }
}

/** The view with these pools in the place of those listed; undefined for one that is gone. */
export const withPools = (view: View, current: ReadonlyMap<number, Pool | undefined>): View => ({
  ...makeView(view.cluster, view.now, view.claims, view.pools.flatMap((pool) => current.has(pool.id) ? current.get(pool.id) ?? [] : [pool])),
  heirs: view.heirs
})

/** The id of the node that the claim owns, whether its annotation or its status says so. */
export const ownedNode = (view: View, claim: ClaimRecord): string | undefined => {
  if (claim.node !== undefined || claim.foreign === undefined) return claim.node
  for (const [node, owners] of view.owners) if (owners.includes(claim)) return node
  return undefined
}

/** Whether a complete list says that the node is no more. False while its pool still lacks nodes it will have. */
export const isMissing = (view: View, node: string): boolean => {
  if (view.find(node) !== undefined) return false
  const pool = view.pools.find((candidate) => candidate.id === poolIdOf(node))
  return pool === undefined || pool.nodes.length >= pool.count
}

/** A list may be older than a node that a claim was given so lately. Milliseconds. */
export const trustLists = 60_000

/** Whether a list that lacks the claim's node may be older than it. One that has joined is older than any list. */
export const isFresh = ({ now }: View, { createdAt, intent, registered }: ClaimRecord): boolean => {
  const bound = intent?.change === "bound" ? Date.parse(intent.at) || 0 : 0
  return !registered && now - Math.max(createdAt, bound) < trustLists
}

const unlistedByPool = oncePer((view: View) =>
  Map.groupBy([...view.owners].filter(([node]) => view.find(node) === undefined), ([node]) => poolIdOf(node)))

/** Nodes of the pool that its list lacks, and the claims that own them. */
export const unlistedNodes = (view: View, pool: Pool) => unlistedByPool(view).get(pool.id) ?? []

/** Whether a claim that lives owns a node of the pool that its list lacks, and that does not count as lost. */
export const isKeptUnlisted = (view: View, pool: Pool): boolean => unlistedNodes(view, pool).some(([node, owners]) =>
  owners.some((owner) => !owner.deleting && (owner.registered || isFresh(view, owner) || !isMissing(view, node))))

/** Whether the list is older than nodes of the pool that claims own. What it says of the count is not true any more. */
export const isOutdated = (view: View, pool: Pool): boolean => unlistedNodes(view, pool)
  .filter(([, owners]) => owners.some((owner) => !owner.deleting && isFresh(view, owner))).length > pool.count - pool.nodes.length

/**
 * Whether the pool may hold the claim's node: it carries our tags, or, where somebody took them off, the label of the claim's
 * NodePool. All others are the user's own, whatever a claim says.
 */
export const mayHold = (view: View, claim: ClaimRecord, pool: Pool): boolean => {
  const nodePool = claim.claim.metadata.labels?.[label.nodePool]
  return view.ours.includes(pool) || (nodePool !== undefined && pool.labels?.[label.nodePool] === nodePool)
}

const isSeen = (view: View, intent: Intent): boolean => {
  switch (intent.change) {
    case "new":
      return view.pools.some((pool) => nonceOf(pool) === intent.nonce)
    case "grow": {
      const pool = view.pools.find((candidate) => candidate.id === intent.pool)
      return pool === undefined || pool.count > intent.from
    }
    case "delete":
      return view.find(intent.node) === undefined
    case "bound":
      return true
  }
}

/** The change that was sent for the claim, while it is not seen and may still be carried out. */
export const doubtOf = (view: View, claim: ClaimRecord): Intent | undefined => {
  const { intent } = claim
  if (intent === undefined || view.now - (Date.parse(intent.at) || 0) >= requestLifetime) return undefined
  return isSeen(view, intent) ? undefined : intent
}

/** How long tags that were sent may be written: they are recorded a little before they are sent. Milliseconds. */
export const taggingLifetime = requestLifetime

export interface PoolDoubts {
  /** Changes of its count that may still be carried out: none other is sent to it meanwhile. */
  readonly growing: boolean
  readonly deleting: boolean
  /** Tags that may still be written over those that it has: no sentence is relied upon meanwhile. */
  readonly tagging: boolean
}

/** Ids of the pools that claims leave in doubt. */
const doubtful = oncePer((view: View) => {
  const doubts = view.claims.flatMap((claim) => doubtOf(view, claim) ?? [])
  const tagged = view.claims.filter(({ tagging }) => tagging !== undefined && view.now - tagging < taggingLifetime)
  const changing = (change: "grow" | "delete"): ReadonlySet<number> =>
    new Set(doubts.flatMap((intent) => intent.change === change ? [intent.pool] : []))
  return {
    tagging: new Set(tagged.flatMap(({ node }) => node === undefined ? [] : [poolIdOf(node)])),
    growing: changing("grow"),
    deleting: changing("delete")
  }
})

export const poolDoubts = (view: View, pool: Pool): PoolDoubts => {
  const { deleting, growing, tagging } = doubtful(view)
  const sentenced = sentencedNodes(pool)
  return {
    tagging: tagging.has(pool.id),
    growing: growing.has(pool.id),
    // Not a sentence that came late, for a node that a claim had taken meanwhile.
    deleting: deleting.has(pool.id) || pool.nodes.some((node) => sentenced.has(node.id) && !view.owners.has(node.id))
  }
}

export interface Leftover {
  readonly pool: Pool
  readonly node: PoolNode
}

/** Nodes of the Go provider's pools that no claim says it owns. */
export const unclaimed = (view: View): ReadonlyArray<Leftover> => view.ours
  .filter((pool) => poolKeyOf(pool) === undefined && !isSentenced(pool))
  .flatMap((pool) => {
    const sentenced = sentencedNodes(pool)
    return pool.nodes.filter((node) => !view.owners.has(node.id) && !sentenced.has(node.id)).map((node) => ({ pool, node }))
  })

/** The pools of a key: any of them may hold a claim's node. */
export const poolsOfKey = (view: View, key: string): ReadonlyArray<Pool> =>
  view.ours.filter((pool) => poolKeyOf(pool) === key)

/** What a lock is about: changes of one key's pools never overlap. A pool of the Go provider stands for itself. */
export const lockOf = (pool: Pool): string => poolKeyOf(pool) ?? `pool-${pool.id}`
