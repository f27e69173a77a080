/**
 * A healthy node bound to a claim that nobody deleted is never taken away by us: neither its Linode, nor its claim without
 * one of the reasons that there are.
 */
import { conditionType } from "../../../src/apis/conditions.ts"
import { durationMillis } from "../../../src/apis/durations.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { beginsToGo, ClaimBook, isDeleting, isTrue, machineOf, nodeNameOf, nodePoolOf } from "./claimBook.ts"
import type { ClaimChange } from "./claimBook.ts"
import { History } from "./history.ts"

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

/** A program may act on what it read before a freeze, and a deletion may be carried out late. Milliseconds. */
const lately = 120_000

/** What NodePools of a fixed size had too many lately, and how many of those were taken. */
class Fixed {
  private readonly pools = new Set<string>()
  private readonly replicas = new History<number>()
  private readonly sizes = new History<number>()
  private readonly taken = new Map<string, ReadonlyArray<number>>()

  follow({ changes }: World, book: ClaimBook, changed: ReadonlyArray<ClaimChange>): void {
    for (const { after, at, plural } of changes) {
      const replicas = plural === NodePools.plural ? (after as NodePool | undefined)?.spec.replicas : undefined
      if (after === undefined || replicas === undefined) continue
      this.pools.add(after.metadata.name)
      this.replicas.set(after.metadata.name, replicas, at)
    }
    for (const { after, at, before } of changed) {
      const pool = nodePoolOf((after ?? before)!)
      if (pool === undefined || !this.pools.has(pool)) continue
      const own = [...book.claims.values()].filter((claim) => nodePoolOf(claim) === pool && !isDeleting(claim)).length
      this.sizes.set(pool, own + this.takenOf(pool, at).length, at)
    }
  }

  /** Whether one more may go. */
  take(pool: string, at: number): boolean {
    const taken = [...this.takenOf(pool, at), at]
    this.taken.set(pool, taken)
    const [sizes, replicas] = [this.sizes.since(pool, at - lately), this.replicas.since(pool, at - lately)]
    return taken.length <= Math.max(...sizes) - Math.min(...replicas)
  }

  private takenOf(pool: string, at: number): ReadonlyArray<number> {
    return (this.taken.get(pool) ?? []).filter((each) => each > at - lately)
  }
}

const claimTaken = (world: World, fixed: Fixed, change: ClaimChange): string | undefined => {
  const { at, before, by, program } = change
  if (by !== "controller" || before === undefined || !beginsToGo(change)) return undefined
  const { creationTimestamp, name } = before.metadata
  if (!isTrue(before, conditionType.registered) || isTrue(before, conditionType.disruptionReason)) return undefined
  const life = durationMillis(before.spec.expireAfter)
  // Clocks of replicas are a little off.
  if (life !== undefined && at + 5_000 >= Date.parse(creationTimestamp ?? "") + life) return undefined
  const pool = world.get(NodePools, { name: nodePoolOf(before) ?? "" })
  // A NodePool's claims go with it.
  if (pool === undefined || isDeleting(pool)) return undefined
  const id = machineOf(world, before)
  if (id === undefined) return undefined
  const nodeName = nodeNameOf(world, id)
  const node = world.get(Nodes, { name: nodeName })
  if (node === undefined || isDeleting(node) || world.broken.has(nodeName)) return undefined
  const linode = world.ourNodes().find((one) => one.id === id)
  if (linode === undefined || world.instance(linode)?.status !== "running") return undefined
  if (pool.spec.replicas === undefined) return `${program} deleted ${name} without a reason while its node ${nodeName} is well`
  return fixed.take(pool.metadata.name, at) ? undefined : `${program} deleted ${name} though NodePool ${pool.metadata.name} has not too many`
}

export const boundNodesStay: MakeInvariant = () => {
  const book = new ClaimBook()
  const fixed = new Fixed()
  return {
    name: "a node of a claim that nobody deleted is never taken away by us",
    step: (world) => {
      const changes = book.follow(world)
      fixed.follow(world, book, changes)
      const taken = world.linodeChanges.length === 0 ? undefined : linodeTaken(world, book)
      if (taken !== undefined) return taken
      for (const change of changes) {
        const text = claimTaken(world, fixed, change)
        if (text !== undefined) return text
      }
      return undefined
    }
  }
}
