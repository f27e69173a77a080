/**
 * How a static NodePool gets no more claims than it may have, whoever writes them: a claim has the name of a place,
 * `<pool>-<number>`, and the API server gives a name once. A request whose reply was lost, one that is carried out late, and
 * that of another leader all ask for the same places, and the places are as many as the limit. Pure.
 */
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { claimsOf, countOf, limitOf } from "./count.ts"

export type Provisioning =
  | { readonly action: "keep" }
  /** More nodes are wanted, and the limit allows none. */
  | { readonly action: "wait"; readonly reason: "LimitsExceeded"; readonly limit: number; readonly wanted: number }
  | { readonly action: "create"; readonly names: ReadonlyArray<string> }

const nameOf = (pool: NodePool, place: number): string => `${pool.metadata.name}-${place}`

/** The first free places. Claims of other names take up room too, those of other pools only the name. */
const freeNames = (pool: NodePool, all: ReadonlyArray<NodeClaim>, most: number): ReadonlyArray<string> => {
  const limit = limitOf(pool)
  const taken = new Set(all.map((claim) => claim.metadata.name))
  const own = claimsOf(pool, all)
  const ours = new Set(own.map((claim) => claim.metadata.name))
  const placeOf = (name: string): number => {
    const rest = name.slice(pool.metadata.name.length + 1)
    return /^(?:0|[1-9]\d*)$/u.test(rest) && name === nameOf(pool, Number(rest)) ? Number(rest) : Number.POSITIVE_INFINITY
  }
  const elsewhere = own.filter((claim) => placeOf(claim.metadata.name) >= limit).length
  const names: Array<string> = []
  let places = limit - elsewhere
  for (let place = 0; place < places && names.length < most; place++) {
    const name = nameOf(pool, place)
    if (!taken.has(name)) names.push(name)
    else if (!ours.has(name)) places++
  }
  return names
}

/** Names for claims beyond those that the pool is to have, `most` of them and no more than its limit leaves. */
export const freePlaces = (pool: NodePool, all: ReadonlyArray<NodeClaim>, most: number): ReadonlyArray<string> => {
  const left = limitOf(pool) - claimsOf(pool, all).length
  return left <= 0 ? [] : freeNames(pool, all, Math.min(most, left))
}

/** What the pool lacks; `all` are the claims of all pools. */
export const provisioning = (pool: NodePool, all: ReadonlyArray<NodeClaim>): Provisioning => {
  const replicas = pool.spec.replicas ?? 0
  const { active, deleting, pending } = countOf(claimsOf(pool, all))
  if (active.length + pending.length >= replicas) return { action: "keep" }
  const wanted = replicas - active.length
  const limit = limitOf(pool)
  const granted = Math.min(wanted, limit - active.length - deleting.length - pending.length)
  const names = freeNames(pool, all, granted)
  return granted <= 0 || names.length === 0
    ? { action: "wait", reason: "LimitsExceeded", limit, wanted }
    : { action: "create", names }
}
