/**
 * What no claim owns, since a request bought it that came late or a claim lost it, is kept for its grace: one may want it soon. What
 * came into a pool that was sentenced by then nobody may ever want.
 */
import type { MakeInvariant } from "../world.ts"
import { ClaimBook, machineOf } from "./claimBook.ts"

/** Four minutes, by clocks that jump by seconds. Milliseconds. */
const grace = 225_000

export const spare: MakeInvariant = () => {
  const book = new ClaimBook()
  /** By node, when a claim owned it last. */
  const lost = new Map<string, number>()
  /** By pool, since when all of it is to go. */
  const sentenced = new Map<number, number>()
  return {
    name: "what no claim owns is kept for its grace",
    step: (world) => {
      for (const { after, at, before } of book.follow(world)) {
        const node = before === undefined ? undefined : machineOf(world, before)
        if (node !== undefined && (after === undefined || machineOf(world, after) !== node)) lost.set(node, at)
      }
      if (world.linodeChanges.length > 0) for (const { id, tags } of world.ourPools()) {
        if (tags.includes("karpenter-sentenced=pool") && !sentenced.has(id)) sentenced.set(id, world.now)
      }
      for (const { by, events, method, path, program, sentAt } of world.linodeChanges) {
        if (by !== "controller") continue
        for (const { kind, node } of events) {
          if (kind !== "NodeDeleted" || book.ownersOf(world, node.id).length > 0) continue
          if (node.poolId !== undefined && node.createdAt >= (sentenced.get(node.poolId) ?? Infinity)) continue
          const alone = sentAt - Math.max(node.createdAt, lost.get(node.id) ?? 0)
          if (alone >= grace) continue
          return `${program} gave back ${node.id} by ${method} ${path}, which no claim had owned for ${Math.round(alone / 1000)} s only`
        }
      }
      return undefined
    }
  }
}
