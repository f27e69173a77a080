/** What a pass over one key's claims and pools is to do: the decision, as a value. */
import type { Pool } from "../../linode/models.ts"
import { byAge, isWaiting } from "./record.ts"
import type { ClaimRecord } from "./record.ts"
import { isSentenced, poolKeyOf, sentencedNodes } from "./tags.ts"
import { doubtOf, isFresh, isMissing, isOutdated, poolDoubts, poolsOfKey, unlistedNodes } from "./view.ts"
import type { View } from "./view.ts"

export interface Asked {
  readonly key: string
  /** Names of the claims that want a node of this key now, beside those that already wait for one. */
  readonly names: ReadonlySet<string>
  /** False when only what is there may be given out. */
  readonly mayGrow: boolean
  /** Whether nodes of a pool of the Go provider are such as these claims want. */
  readonly inherits?: (pool: Pool) => boolean
  /** The most nodes that a pool may have. */
  readonly most: number
}

export type Change =
  | { readonly change: "grow"; readonly pool: Pool; readonly claims: ReadonlyArray<ClaimRecord> }
  | { readonly change: "new"; readonly claims: ReadonlyArray<ClaimRecord> }

export interface GrowPlan {
  /** To be done first, and everything read anew: these claims have lost their node. */
  readonly unbind: ReadonlyArray<{ readonly claim: ClaimRecord; readonly why: "lost" | "shared" }>
  /** With `settled`, the claim's intent is over and goes with the same write. */
  readonly bind: ReadonlyArray<{ readonly claim: ClaimRecord; readonly node: string; readonly settled: boolean }>
  /** At most one. */
  readonly change: Change | undefined
  /** Claims for which a change is in doubt, or whose node is bought and not listed yet. */
  readonly wait: ReadonlyArray<ClaimRecord>
  /** Claims that got nothing in this round. */
  readonly left: ReadonlyArray<ClaimRecord>
}

/** Claims that no longer own their node: it is gone from a complete list, or an older claim owns it too. */
type Unbinding = GrowPlan["unbind"][number]

const unbinding = (view: View, key: string) => view.claims.flatMap((claim): ReadonlyArray<Unbinding> => {
  if (claim.node === undefined || claim.deleting || claim.key !== key) return []
  const rivals = (view.owners.get(claim.node) ?? []).filter((owner) => !owner.deleting)
  if (rivals.some((rival) => rival !== claim && byAge(rival, claim) < 0)) return [{ claim, why: "shared" }]
  const lost = !claim.registered && !isFresh(view, claim) && isMissing(view, claim.node)
  return lost ? [{ claim, why: "lost" }] : []
})

/** Nodes of the pool that are paid for and not listed yet, those that a claim owns already left out. */
const onTheWay = (view: View, pool: Pool): number =>
  Math.max(0, pool.count - pool.nodes.length - unlistedNodes(view, pool).length)

const freeNodes = (view: View, pools: ReadonlyArray<Pool>): ReadonlyArray<string> => pools
  .flatMap((pool) => {
    const sentenced = sentencedNodes(pool)
    return pool.nodes.filter(({ id }) => !view.owners.has(id) && !view.heirs.has(id) && !sentenced.has(id))
  })
  // A node that is ready serves its pods at once.
  .toSorted((a, b) => Number(b.status === "ready") - Number(a.status === "ready") || (a.id < b.id ? -1 : 1))
  .map((node) => node.id)

/**
 * The pool that may grow now: the largest, so that there are few. The count is sent as a whole, so none grows by a list that is
 * older than its nodes: LKE would take some of them away.
 */
const growing = (view: View, pools: ReadonlyArray<Pool>, most: number): Pool | undefined => pools
  .filter((pool) => {
    const doubts = poolDoubts(view, pool)
    return !doubts.growing && !doubts.deleting && pool.count < most && !isOutdated(view, pool)
  })
  .toSorted((a, b) => b.count - a.count || a.id - b.id)[0]

/**
 * Free nodes go to the claims that wait, then nodes on their way are counted off, then one change buys what is missing.
 * A claim with a change in doubt is not bought for again; it takes a node only after all others have. Pools of the Go
 * provider never grow; what it bought for claims that are still without a node goes to them.
 */
export const decideGrow = (view: View, asked: Asked): GrowPlan => {
  const unbind = unbinding(view, asked.key)
  if (unbind.length > 0) return { unbind, bind: [], change: undefined, wait: [], left: [] }

  const wanted = view.claims.filter((claim) => isWaiting(claim) && (claim.key === asked.key || asked.names.has(claim.name)))
  // What is in doubt under another key is settled there.
  const elsewhere = wanted.filter((claim) => claim.key !== asked.key && doubtOf(view, claim) !== undefined)
  const heirs = [...view.heirs].filter(([, claim]) => wanted.includes(claim))
  const inherited = heirs.map(([, claim]) => claim)
  const here = wanted.filter((claim) => !elsewhere.includes(claim) && !inherited.includes(claim)).toSorted(byAge)
  const doubtful = here.filter((claim) => doubtOf(view, claim) !== undefined)
  const certain = here.filter((claim) => !doubtful.includes(claim))

  const own = poolsOfKey(view, asked.key).filter((pool) => !isSentenced(pool))
  const old = view.ours.filter((pool) => poolKeyOf(pool) === undefined && !isSentenced(pool) && asked.inherits?.(pool) === true)
  const pools = [...own, ...old]
  const free = freeNodes(view, pools)
  const queue = [...certain, ...doubtful]
  const bind = [
    ...heirs.map(([node, claim]) => ({ claim, node, settled: true })),
    ...queue.slice(0, free.length).map((claim, i) => ({ claim, node: free[i]!, settled: !doubtful.includes(claim) }))
  ]
  const unserved = certain.slice(free.length)
  const coming = pools.reduce((sum, pool) => sum + onTheWay(view, pool), 0)
  const missing = unserved.slice(coming)
  const wait = [...elsewhere, ...unserved.slice(0, coming), ...doubtful.slice(Math.max(0, free.length - certain.length))]

  const nothing: GrowPlan = { unbind, bind, change: undefined, wait, left: missing }
  if (missing.length === 0 || !asked.mayGrow) return nothing
  const pool = growing(view, own, asked.most)
  // The next list will know better: a new pool for one old list would be one too many.
  if (pool === undefined && own.some((one) => isOutdated(view, one))) return nothing
  const claims = missing.slice(0, pool === undefined ? asked.most : asked.most - pool.count)
  const change: Change = pool === undefined ? { change: "new", claims } : { change: "grow", pool, claims }
  return { unbind, bind, change, wait, left: missing.slice(claims.length) }
}
