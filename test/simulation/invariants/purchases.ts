/**
 * Whenever a Linode is bought, there are no more of its type and pool key than claims that wanted one within the last two
 * minutes: those that have the key (which stands for the type too), and those without a node that may be of the type, to
 * which one may be on its way that was bought for another. What a request bought that came late, with its client gone, is
 * left out, and has to be given back within its grace.
 */
import { annotation, label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { SimulatedPool } from "../../../src/simulator/linode/world.ts"
import type { LinodeChange, MakeInvariant, World } from "../world.ts"
import { claimChanges, isDeleting, nodePoolOf, poolKeyOf } from "./claimBook.ts"

const lately = 120_000
/** The grace of what no claim owns, and the time in which its sweeper looks and LKE acts. Milliseconds. */
const grace = 240_000 + 240_000

const keyTag = "karpenter.k8s.linode/pool-hash="
const sentence = "karpenter-sentenced="

const keyOf = (tags: ReadonlyArray<string>): string | undefined => tags.find((tag) => tag.startsWith(keyTag))?.slice(keyTag.length)

const poolIdOf = ({ path }: LinodeChange): number => Number(/\/pools\/(\d+)/.exec(path)?.[1])

interface Wish {
  readonly key: string | undefined
  /** Of one that has no node yet. */
  readonly waiting: { readonly nodePool: string | undefined; readonly types: ReadonlyArray<string> | undefined } | undefined
  /** Infinity while it holds. */
  readonly until: number
}

const wishOf = (claim: NodeClaim): Wish => ({
  key: poolKeyOf(claim),
  waiting: isDeleting(claim) || claim.metadata.annotations?.[annotation.lkeNode] !== undefined ? undefined : {
    nodePool: nodePoolOf(claim),
    types: claim.spec.requirements.find(({ key, operator }) => key === label.instanceType && operator === "In")?.values
  },
  until: Infinity
})

const same = (a: Wish, b: Wish): boolean => a.key === b.key && (a.waiting === undefined) === (b.waiting === undefined)

const isFor = (wish: Wish, pool: Pick<SimulatedPool, "tags" | "type">): boolean => wish.key === keyOf(pool.tags) ||
  (wish.waiting !== undefined && pool.tags.includes(`${label.nodePool}=${wish.waiting.nodePool}`) &&
    wish.waiting.types?.includes(pool.type) !== false)

export const purchases: MakeInvariant = () => {
  /** By claim, what it wanted lately. */
  const wishes = new Map<string, Array<Wish>>()
  /** By pool, how many it was asked to have. */
  const counts = new Map<number, number>()
  /** By key: a pool of it, and how many came late. */
  const late = new Map<string, { readonly pool: SimulatedPool; readonly surplus: number }>()
  let calmSince: number | undefined

  const wantedOf = (pool: SimulatedPool, now: number): number => {
    let sum = 0
    for (const [uid, known] of wishes) {
      const recent = known.filter(({ until }) => until >= now - lately)
      if (recent.length === 0) wishes.delete(uid)
      else if (recent.length < known.length) wishes.set(uid, recent)
      if (recent.some((wish) => isFor(wish, pool))) sum++
    }
    return sum
  }

  /** Linodes of the key, those left out that nobody will get any more. */
  const paidOf = (world: World, key: string): number => world.ourPools().reduce((sum, { count, tags }) => {
    if (keyOf(tags) !== key || tags.includes(`${sentence}pool`)) return sum
    return sum + count - tags.filter((tag) => tag.startsWith(sentence)).length
  }, 0)

  const follow = (world: World): void => {
    for (const { after, at, before } of claimChanges(world)) {
      const uid = (after ?? before)?.metadata.uid ?? ""
      const known = wishes.get(uid) ?? []
      const last = known.at(-1)
      const next = after && wishOf(after)
      if (last !== undefined && next !== undefined && same(last, next)) continue
      if (last !== undefined) known[known.length - 1] = { ...last, until: at }
      if (next !== undefined) known.push(next)
      wishes.set(uid, known)
    }
  }

  const judge = (world: World, change: LinodeChange): string | undefined => {
    const { by, method, path, program } = change
    const grown = world.ourPools().filter((pool) => pool.count > (counts.get(pool.id) ?? 0))
    const lost = poolIdOf(change)
    for (const { count, id } of grown) counts.set(id, count)
    if (method === "DELETE" && world.cloud.pools.get(lost) === undefined) counts.delete(lost)
    for (const { count, id } of world.ourPools()) counts.set(id, count)
    if (by !== "controller" || change.status >= 400) return undefined
    for (const pool of grown) {
      const { tags, type } = pool
      const key = keyOf(tags)
      if (key === undefined) return `${program} bought ${type} for a pool without a key by ${method} ${path}`
      const [paid, wanted] = [paidOf(world, key), wantedOf(pool, world.now)]
      const surplus = paid - wanted
      if (surplus <= 0) late.delete(key)
      else if (change.late) late.set(key, { pool, surplus: Math.max(late.get(key)?.surplus ?? 0, surplus) })
      else if (surplus > (late.get(key)?.surplus ?? 0)) {
        return `${program} bought ${type} by ${method} ${path}: now ${paid} of key ${key} for ${wanted} claims`
      }
    }
    return undefined
  }

  /** Once nothing can come late any more. */
  const notGivenBack = (world: World): string | undefined => {
    if (!world.faultsOver) return undefined
    calmSince ??= world.now
    if (late.size === 0 || world.now - calmSince < grace) return undefined
    for (const [key, { pool }] of late) {
      const surplus = paidOf(world, key) - wantedOf(pool, world.now)
      if (surplus > 0) return `${surplus} Linodes of key ${key} came late, and were not given back within their grace`
    }
    late.clear()
    return undefined
  }

  return {
    name: "no more Linodes are bought than claims want",
    step: (world) => {
      if (world.changes.length > 0) follow(world)
      for (const change of world.linodeChanges) {
        const text = judge(world, change)
        if (text !== undefined) return text
      }
      return notGivenBack(world)
    }
  }
}
