/** Claims and pools seen together at one moment: who owns which node, and which changes may still be under way. */
import type { Pool, PoolNode } from "../../linode/models.ts"
import type { ClaimRecord, Intent } from "./record.ts"
import { requestLifetime } from "./record.ts"
import { isOurs, nonceOf, poolKeyOf, sentencedNodes } from "./tags.ts"

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

export const makeView = (
  cluster: ClusterId,
  now: number,
  claims: ReadonlyArray<ClaimRecord>,
  pools: ReadonlyArray<Pool>
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
    cluster, now, claims, pools, owners,
    ours: pools.filter((pool) => isOurs(pool, cluster.name)),
    find: (node) => nodes.get(node)
  }
}

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
  }
}

/** The change that was sent for the claim, while it is not seen and may still be carried out. */
export const doubtOf = (view: View, claim: ClaimRecord): Intent | undefined => {
  const { intent } = claim
  if (intent === undefined || isSeen(view, intent)) return undefined
  return view.now - (Date.parse(intent.at) || 0) < requestLifetime ? intent : undefined
}

/** Changes of a pool's count that may still be carried out: none other is sent to it meanwhile. */
export const poolDoubts = (view: View, pool: Pool): { readonly growing: boolean; readonly deleting: boolean } => {
  const doubts = view.claims.flatMap((claim) => doubtOf(view, claim) ?? [])
    .filter((intent) => intent.change !== "new" && intent.pool === pool.id)
  const sentenced = sentencedNodes(pool)
  return {
    growing: doubts.some((intent) => intent.change === "grow"),
    deleting: doubts.some((intent) => intent.change === "delete") || pool.nodes.some((node) => sentenced.has(node.id))
  }
}

/** The pools of a key: any of them may hold a claim's node. */
export const poolsOfKey = (view: View, key: string): ReadonlyArray<Pool> =>
  view.ours.filter((pool) => poolKeyOf(pool) === key)

/** What a lock is about: changes of one key's pools never overlap. A pool of the Go provider stands for itself. */
export const lockOf = (pool: Pool): string => poolKeyOf(pool) ?? `pool-${pool.id}`
