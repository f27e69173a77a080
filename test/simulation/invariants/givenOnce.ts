/**
 * A node that a claim owns is given to no other, be the first on its way out or not. Two processes that fight may do so by what
 * they read before; who asks anew sees the owner.
 */
import type { MakeInvariant } from "../world.ts"
import { ClaimBook, machineOf } from "./claimBook.ts"

/** A list that takes half a minute, a freeze, and a write that is carried out late. Milliseconds. */
const lately = 120_000

export const givenOnce: MakeInvariant = () => {
  const book = new ClaimBook()
  /** By claim, which node it owns since when. */
  const since = new Map<string, { readonly node: string; readonly at: number }>()
  return {
    name: "a node of one claim is given to no other",
    step: (world) => {
      for (const { after, at, by, program } of book.follow(world)) {
        const node = after === undefined ? undefined : machineOf(world, after)
        if (after === undefined || node === undefined || since.get(after.metadata.uid ?? "")?.node === node) continue
        since.set(after.metadata.uid ?? "", { node, at })
        if (by !== "controller") continue
        const other = book.ownersOf(world, node).find(({ metadata: { uid = "" } }) =>
          uid !== after.metadata.uid && at - (since.get(uid)?.at ?? at) > lately)
        if (other !== undefined) return `${program} gave ${node} of ${other.metadata.name} to ${after.metadata.name}`
      }
      return undefined
    }
  }
}
