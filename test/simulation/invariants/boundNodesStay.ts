/**
 * A healthy node bound to a claim that nobody deleted is never taken away by us: neither its Linode, nor its claim without
 * one of the reasons that there are.
 */
import { conditionType } from "../../../src/apis/conditions.ts"
import { durationMillis } from "../../../src/apis/durations.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { beginsToGo, ClaimBook, isDeleting, isTrue, machineOf, nodeNameOf, nodePoolOf } from "./claimBook.ts"
import type { ClaimChange } from "./claimBook.ts"

const linodeTaken = (world: World, book: ClaimBook): string | undefined => {
  for (const { by, events, late, method, path, program } of world.linodeChanges) {
    if (by !== "controller") continue
    for (const { kind, node } of events) {
      if (kind !== "NodeDeleted" || world.broken.has(node.name)) continue
      const owner = book.ownersOf(world, node.id).find((claim) => !isDeleting(claim))
      if (owner !== undefined) return `${program} took ${node.id} of ${owner.metadata.name} by ${method} ${path}${late ? " (late)" : ""}`
    }
  }
  return undefined
}

const claimTaken = (world: World, change: ClaimChange): string | undefined => {
  const { at, before, by, program } = change
  if (by !== "controller" || before === undefined || !beginsToGo(change)) return undefined
  const { creationTimestamp, name } = before.metadata
  if (!isTrue(before, conditionType.registered) || isTrue(before, conditionType.disruptionReason)) return undefined
  const life = durationMillis(before.spec.expireAfter)
  // Clocks of replicas are a little off.
  if (life !== undefined && at + 5_000 >= Date.parse(creationTimestamp ?? "") + life) return undefined
  const pool = world.get(NodePools, { name: nodePoolOf(before) ?? "" })
  // A NodePool's claims go with it, and a static one's when it shrinks.
  if (pool === undefined || isDeleting(pool) || pool.spec.replicas !== undefined) return undefined
  const id = machineOf(world, before)
  if (id === undefined) return undefined
  const nodeName = nodeNameOf(world, id)
  const node = world.get(Nodes, { name: nodeName })
  if (node === undefined || isDeleting(node) || world.broken.has(nodeName)) return undefined
  const linode = world.ourNodes().find((one) => one.id === id)
  return linode === undefined || world.instance(linode)?.status !== "running"
    ? undefined
    : `${program} deleted ${name} without a reason while its node ${nodeName} is well`
}

export const boundNodesStay: MakeInvariant = () => {
  const book = new ClaimBook()
  return {
    name: "a node of a claim that nobody deleted is never taken away by us",
    step: (world) => {
      const changes = book.follow(world)
      const taken = world.linodeChanges.length === 0 ? undefined : linodeTaken(world, book)
      if (taken !== undefined) return taken
      for (const change of changes) {
        const text = claimTaken(world, change)
        if (text !== undefined) return text
      }
      return undefined
    }
  }
}
