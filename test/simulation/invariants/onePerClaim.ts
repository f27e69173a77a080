/**
 * Instance mode: whenever a Linode is bought, a claim wants it that wanted one within the last two minutes; it has no other, since
 * no two Linodes have one label. What a request bought that came late is left out, and has to be given back within its grace if
 * no claim has it.
 */
import type { SimulatedNode } from "../../../src/simulator/linode/world.ts"
import type { LinodeChange, MakeInvariant, World } from "../world.ts"
import { ClaimBook, isDeleting } from "./claimBook.ts"

const lately = 120_000
/** The grace of what no claim owns, and the time in which its sweeper looks and Linode acts. Milliseconds. */
const grace = 240_000 + 240_000

export const onePerClaim: MakeInvariant = () => {
  const book = new ClaimBook()
  /** By claim, when it last wanted a machine; those that want one now are in the book. */
  const wanted = new Map<string, number>()
  const late: Array<SimulatedNode> = []
  let calmSince: number | undefined

  const isOwned = (world: World, { id }: SimulatedNode): boolean => book.ownersOf(world, id).length > 0

  const judge = (world: World, { by, events, late: cameLate, program }: LinodeChange): string | undefined => {
    if (by !== "controller") return undefined
    for (const { kind, node } of events) {
      if (kind !== "NodeCreated") continue
      if (cameLate) {
        late.push(node)
        continue
      }
      const owner = book.ownersOf(world, node.id).find((claim) => !isDeleting(claim))
      const lastly = [...wanted].find(([claim]) => world.labelFor(claim) === node.id)?.[1]
      if (owner === undefined && (lastly === undefined || lastly < world.now - lately)) return `${program} bought ${node.id}, which no claim wants`
    }
    return undefined
  }

  const notGivenBack = (world: World): string | undefined => {
    if (!world.faultsOver) return undefined
    calmSince ??= world.now
    if (late.length === 0 || world.now - calmSince < grace) return undefined
    const left = late.find((node) => world.ourNodes().includes(node) && !isOwned(world, node))
    return left === undefined ? undefined : `${left.id} came late, and was not given back within its grace`
  }

  return {
    name: "no more Linodes are bought than claims want",
    step: (world) => {
      for (const { after, at, before } of book.follow(world)) {
        if (before !== undefined && !isDeleting(before) && (after === undefined || isDeleting(after))) wanted.set(before.metadata.uid ?? "", at)
      }
      for (const change of world.linodeChanges) {
        const text = judge(world, change)
        if (text !== undefined) return text
      }
      return notGivenBack(world)
    }
  }
}
