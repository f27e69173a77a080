/** What no claim owns: the decision, as values. */
import { oncePer } from "../../kube/oncePer.ts"
import type { Pool } from "../../linode/models.ts"
import { grace } from "../requests.ts"
import { isWaiting } from "./record.ts"
import { isSentenced, poolKeyOf, sentencedNodes } from "./tags.ts"
import { doubtOf, isKeptUnlisted, poolDoubts } from "./view.ts"
import type { View } from "./view.ts"

/** What has had no owner since when, by node id or `pool-<id>` for a pool without nodes. Milliseconds. */
export type Since = ReadonlyMap<string, number>

const emptyPool = (pool: Pool): string => `pool-${pool.id}`

/** Pools that this program made: nodes of the Go provider's get a claim instead (`adopt.ts`). */
const made = (view: View): ReadonlyArray<Pool> => view.ours.filter((pool) => poolKeyOf(pool) !== undefined)

const unowned = (view: View, pool: Pool): ReadonlyArray<string> =>
  pool.nodes.map((node) => node.id).filter((id) => !view.owners.has(id))

/** `since` brought up to date: whatever has an owner again, or is gone, starts from nothing next time. */
export const observeGarbage = (view: View, since: Since): Since => new Map(
  view.ours.flatMap((pool) => pool.nodes.length === 0 ? [emptyPool(pool)] : unowned(view, pool))
    .map((what) => [what, since.get(what) ?? view.now])
)

export interface GarbagePlan {
  readonly key: string
  readonly pool: Pool
  /**
   * `pool`: all of it. Else these nodes; those that `sentence` names are to be sentenced first, and the sentences of those
   * that `spare` names taken back: they came late, when claims had taken the nodes.
   */
  readonly doomed: "pool" | {
    readonly sentence: ReadonlyArray<string>
    readonly spare: ReadonlyArray<string>
    readonly nodes: ReadonlyArray<string>
  }
}

/** Keys of claims that may be about to take what has no owner, or for which a late change may be about to make more of it. */
const wantedKeys = oncePer((view: View): ReadonlySet<string | undefined> => new Set(
  view.claims.filter((claim) => isWaiting(claim) || doubtOf(view, claim) !== undefined).map(({ key }) => key)
))

const decidePool = (view: View, key: string, pool: Pool, since: Since): GarbagePlan | undefined => {
  const doubts = poolDoubts(view, pool)
  if (doubts.growing || doubts.tagging) return undefined
  // What a claim owns that is being deleted may have joined meanwhile: it goes by that claim's end, once its pods have left.
  const kept = isKeptUnlisted(view, pool)
  if (isSentenced(pool) && !kept && !pool.nodes.some((node) => view.owners.has(node.id))) return { key, pool, doomed: "pool" }
  const named = [...sentencedNodes(pool)].filter((id) => view.find(id) !== undefined)
  const sentenced = named.filter((id) => !view.owners.has(id))
  const spare = named.filter((id) => view.owners.get(id)?.some((owner) => !owner.deleting) === true)
  const wanted = wantedKeys(view).has(key)
  const due = (what: string): boolean => !wanted && view.now - (since.get(what) ?? view.now) >= grace
  const sentence = unowned(view, pool).filter((id) => !sentenced.includes(id) && due(id))
  const nodes = [...sentenced, ...sentence]
  const whole = pool.nodes.length === 0
    ? due(emptyPool(pool))
    : !wanted && nodes.length > 0 && pool.nodes.every((node) => nodes.includes(node.id))
  if (whole && !kept) return { key, pool, doomed: "pool" }
  // LKE keeps a pool's last node: it goes with the pool, once nobody waits for that.
  const nothing = nodes.length + spare.length === 0
  return nothing || nodes.length >= pool.count ? undefined : { key, pool, doomed: { sentence, spare, nodes } }
}

/** What is to be given back now. */
export const decideGarbage = (view: View, since: Since): ReadonlyArray<GarbagePlan> => made(view).flatMap((pool) => {
  const key = poolKeyOf(pool)
  return key === undefined ? [] : decidePool(view, key, pool, since) ?? []
})
