/**
 * A NodePool's limits are respected: when one of its claims is created or learns what its Linode has, the pool's claims that
 * stay have together no more than the limits allowed at some moment since shortly before the claim was made.
 */
import { conditionType } from "../../../src/apis/conditions.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { ResourceList } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import { toNumber } from "../../../src/cluster/amounts.ts"
import type { MakeInvariant, World } from "../world.ts"
import { ClaimBook, isDeleting, isTrue, nodePoolOf } from "./claimBook.ts"
import { History } from "./history.ts"

/** From reading the pool to creating the claim: a request that gets no answer takes half a minute. Milliseconds. */
const slack = 60_000

type Limits = NonNullable<NodePool["spec"]["limits"]>

const excess = (has: ReadonlyMap<string, number>, limits: Limits | undefined): string | undefined => {
  for (const [name, limit] of Object.entries(limits ?? {})) {
    const used = has.get(name) ?? 0
    if (used > toNumber(limit) + 1e-6) return `${used} ${name} of ${limit}`
  }
  return undefined
}

/** One that is to go for a reason of ours has its replacement beside it for a while, and so has one whose Node somebody deleted. */
const stays = (world: World, claim: NodeClaim): boolean => {
  if (isDeleting(claim) || isTrue(claim, conditionType.disruptionReason)) return false
  const name = claim.status?.nodeName
  const node = name === undefined ? undefined : world.get(Nodes, { name })
  return node === undefined || !isDeleting(node)
}

/** `nodes` is how many; other resources are counted once a claim's Linode is known. */
const totalOf = (claims: ReadonlyArray<NodeClaim>): ReadonlyMap<string, number> => {
  const sum = new Map([["nodes", claims.length]])
  for (const { status } of claims) {
    const capacity: ResourceList = status?.capacity ?? {}
    for (const [name, quantity] of Object.entries(capacity)) sum.set(name, (sum.get(name) ?? 0) + toNumber(quantity))
  }
  return sum
}

export const limits: MakeInvariant = () => {
  const book = new ClaimBook()
  const allowed = new History<Limits | undefined>()
  const judge = (world: World, pool: string, born: number): string | undefined => {
    const claims = [...book.claims.values()].filter((claim) => nodePoolOf(claim) === pool && stays(world, claim))
    const total = totalOf(claims)
    let text: string | undefined
    for (const each of allowed.since(pool, born - slack)) {
      text = excess(total, each)
      if (text === undefined) return undefined
    }
    return text
  }
  return {
    name: "limits are respected",
    step: (world) => {
      for (const { after, at, plural } of world.changes) {
        if (plural !== NodePools.plural || after === undefined) continue
        allowed.set(after.metadata.name, (after as NodePool).spec.limits, at)
      }
      const changes = book.follow(world)
      if (changes.length === 0) return undefined
      for (const { after, before } of changes) {
        if (after === undefined || isDeleting(after)) continue
        const grew = before === undefined || (before.status?.capacity === undefined && after.status?.capacity !== undefined)
        const pool = nodePoolOf(after)
        if (!grew || pool === undefined) continue
        const text = judge(world, pool, Date.parse(after.metadata.creationTimestamp ?? ""))
        if (text !== undefined) return `NodePool ${pool} has ${text} with ${after.metadata.name}`
      }
      return undefined
    }
  }
}
