/**
 * Each Linode in our pools belongs to exactly one claim, each claim to exactly one Linode, and no pool is larger than its
 * claims. While there is trouble a Linode may be bought by a request that comes late, so that is judged afterwards. What holds
 * all the time: a claim does not go before its Linode, since nothing else remembers it.
 */
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import type { World } from "../world.ts"
import { ClaimBook, isDeleting, machineOf, nodeNameOf } from "./claimBook.ts"
import { heldOn } from "./held.ts"
import type { MakeInvariant } from "../world.ts"

const settled = (world: World): string | undefined => {
  const owners = new Map<string, string>()
  for (const claim of world.list(NodeClaims)) {
    const { name } = claim.metadata
    const node = machineOf(world, claim)
    // A drain waits for as long as a pod may not be evicted.
    if (isDeleting(claim) && heldOn(world, nodeNameOf(world, node ?? "")) === undefined) return `${name} is still being deleted`
    if (node === undefined) return `${name} has no node`
    const other = owners.get(node)
    if (other !== undefined) return `${name} and ${other} own ${node}`
    owners.set(node, name)
  }
  const nodes = new Set(world.ourNodes().map(({ id }) => id))
  for (const node of nodes) if (!owners.has(node)) return `${node} is paid for, and no claim owns it`
  for (const [node, claim] of owners) if (!nodes.has(node)) return `${claim} owns ${node}, which is not there`
  for (const pool of world.ourPools()) {
    if (pool.count !== pool.nodes.length) return `pool ${pool.id} asks for ${pool.count} nodes and has ${pool.nodes.length}`
    if (pool.count === 0) return `pool ${pool.id} is empty`
  }
  return undefined
}

export const oneClaimPerLinode: MakeInvariant = () => {
  const book = new ClaimBook()
  return {
    name: "one claim per Linode, one Linode per claim",
    step: (world) => {
      const changes = book.follow(world)
      if (changes.length === 0) return undefined
      for (const { after, before, by, program } of changes) {
        if (by !== "controller" || before === undefined || after !== undefined) continue
        const id = machineOf(world, before)
        if (id === undefined || book.ownersOf(world, id).length > 0) continue
        const node = world.ourNodes().find((one) => one.id === id)
        if (node !== undefined) return `${program} let ${before.metadata.name} go while its node ${id} is there`
        const linode = /^linode:\/\/(\d+)$/.exec(before.status?.providerID ?? "")?.[1]
        if (world.cloud.instances.has(Number(linode))) return `${program} let ${before.metadata.name} go while its Linode ${linode} is there`
      }
      return undefined
    },
    settled
  }
}
