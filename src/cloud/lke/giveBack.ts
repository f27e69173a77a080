/** What is to be done to give the machines of deleted claims back: the decision, as a value. */
import type { Pool } from "../../linode/models.ts"
import { isWaiting } from "./record.ts"
import type { ClaimRecord } from "./record.ts"
import { isSentenced, sentencedNodes } from "./tags.ts"
import { doubtOf, isFresh, isKeptUnlisted, isMissing, mayHold, ownedNode, poolDoubts } from "./view.ts"
import type { View } from "./view.ts"

export interface GiveBackPlan {
  /** Another claim owns the node: there is nothing to give back. */
  readonly gone: ReadonlyArray<ClaimRecord>
  /** The claim names a node of a pool that is not Karpenter's: there is nothing to give back either. */
  readonly theirs: ReadonlyArray<ClaimRecord>
  /** No node in a complete list and no change in doubt. The machine is gone once its instance is. */
  readonly unlisted: ReadonlyArray<ClaimRecord>
  /** Something is under way that must end first. */
  readonly wait: ReadonlyArray<{ readonly claim: ClaimRecord; readonly why: string }>
  /** Nodes to delete one by one. */
  readonly nodes: ReadonlyArray<{ readonly claim: ClaimRecord; readonly pool: Pool; readonly node: string }>
  /** Pools to sentence and delete as a whole. */
  readonly pools: ReadonlyArray<Pool>
}

type Verdict =
  | { readonly is: "gone" | "theirs" | "unlisted" | "pool" }
  | { readonly is: "wait"; readonly why: string }
  | { readonly is: "node"; readonly pool: Pool; readonly node: string }

/** Whether a node of the pool is owned by a claim that lives, or by one that is not done with it. */
const isInUse = (view: View, pool: Pool, claims: ReadonlyArray<ClaimRecord>): boolean =>
  pool.nodes.some((node) => (view.owners.get(node.id) ?? []).some((owner) => !claims.includes(owner)))

const judge = (view: View, claims: ReadonlyArray<ClaimRecord>, claim: ClaimRecord): Verdict => {
  const doubt = doubtOf(view, claim)
  if (doubt !== undefined && doubt.change !== "delete") {
    return { is: "wait", why: "a change sent for it may still be carried out" }
  }
  const node = ownedNode(view, claim)
  if (node === undefined) return { is: "unlisted" }
  const found = view.find(node)
  if (found === undefined) {
    if (claim.intent?.change === "bound" && isFresh(view, claim)) return { is: "wait", why: "the list may be older than it" }
    return isMissing(view, node) ? { is: "unlisted" } : { is: "wait", why: "its pool's nodes are not all listed yet" }
  }
  if (!mayHold(view, claim, found.pool)) return { is: "theirs" }
  if ((view.owners.get(node) ?? []).some((owner) => !owner.deleting)) return { is: "gone" }
  const doubts = poolDoubts(view, found.pool)
  if (doubts.tagging) return { is: "wait", why: "tags of its pool may still be written" }
  // A sentence that was carried out late may meet a pool that is in use again, or still: its nodes go one by one.
  if (isSentenced(found.pool) && !isInUse(view, found.pool, claims) && !isKeptUnlisted(view, found.pool)) return { is: "pool" }
  if (doubts.growing) return { is: "wait", why: "its pool may still grow" }
  return { is: "node", pool: found.pool, node }
}

/** Whether some claim still waits for a node of the pool that is paid for and not listed yet. */
const isAwaited = (view: View, pool: Pool, key: string): boolean =>
  pool.count > pool.nodes.length && view.claims.some((claim) => isWaiting(claim) && claim.key === key)

/** A pool of which nothing would stay goes as a whole: LKE keeps a pool's last node. */
export const decideGiveBack = (view: View, key: string, claims: ReadonlyArray<ClaimRecord>): GiveBackPlan => {
  const verdicts = claims.map((claim) => ({ claim, verdict: judge(view, claims, claim) }))
  const nodes = verdicts.flatMap(({ claim, verdict }) =>
    verdict.is === "node" ? [{ claim, pool: verdict.pool, node: verdict.node }] : [])
  const doomed = new Set(nodes.map(({ node }) => node))
  const emptied = [...new Set(nodes.map(({ pool }) => pool))].filter((pool) => {
    const sentenced = sentencedNodes(pool)
    // A sentence that came late, for a node that a claim had taken meanwhile, is never carried out.
    const goes = (node: string): boolean => doomed.has(node) || (sentenced.has(node) && !view.owners.has(node))
    return pool.nodes.every(({ id }) => goes(id)) && !isAwaited(view, pool, key)
  })
  // LKE keeps a pool's last node, which goes with the pool: it stays until it is known what became of those that are not listed.
  const kept = emptied.filter((pool) => isKeptUnlisted(view, pool))
  const whole = emptied.filter((pool) => !kept.includes(pool))
  const stuck = nodes.filter(({ pool }) => kept.includes(pool) && pool.count <= pool.nodes.length)
  const sentenced = verdicts.flatMap(({ claim, verdict }) => {
    const node = verdict.is === "pool" ? ownedNode(view, claim) : undefined
    return node === undefined ? [] : view.find(node)?.pool ?? []
  })
  return {
    gone: verdicts.flatMap(({ claim, verdict }) => verdict.is === "gone" ? [claim] : []),
    theirs: verdicts.flatMap(({ claim, verdict }) => verdict.is === "theirs" ? [claim] : []),
    unlisted: verdicts.flatMap(({ claim, verdict }) => verdict.is === "unlisted" ? [claim] : []),
    wait: [
      ...verdicts.flatMap(({ claim, verdict }) => verdict.is === "wait" ? [{ claim, why: verdict.why }] : []),
      ...stuck.map(({ claim }) => ({ claim, why: "a claim owns a node of its pool that is not listed" }))
    ],
    nodes: nodes.filter((node) => !whole.includes(node.pool) && !stuck.includes(node)),
    pools: [...new Set([...whole, ...sentenced])]
  }
}
