/**
 * Which claim a node of the Go provider belongs to when the claim does not say so itself: it gives a Linode to a claim by
 * a tag on the Linode, and may be stopped before it writes down on the claim which one.
 */
import { Clock, Effect } from "effect"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { PoolNode } from "../../linode/models.ts"
import type { Machines } from "../machines.ts"
import { claimTagOf } from "../tags.ts"
import type { ClaimTags } from "./view.ts"

/** How long a Linode counts as having no claim tag, in milliseconds: nobody writes such tags any more. */
const believed = 60_000

/** Reads the claim tags of nodes, each Linode once: only those without one are asked again, after a while. */
export const makeClaimTags = (machines: Machines) => {
  const known = new Map<number, { readonly tag: string | undefined; readonly at: number }>()
  return (nodes: ReadonlyArray<PoolNode>): Effect.Effect<ClaimTags, LinodeError> => Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const named = nodes.flatMap(({ id, instance_id }) => instance_id === null ? [] : [{ id, instance: instance_id }])
    const wanted = named.filter(({ instance }) => {
      const found = known.get(instance)
      return found === undefined || (found.tag === undefined && now - found.at >= believed)
    })
    const read = yield* machines(wanted.map(({ instance }) => instance))
    for (const { instance } of wanted) known.set(instance, { tag: claimTagOf(read.get(instance)?.tags ?? []), at: now })
    return new Map(named.flatMap(({ id, instance }) => {
      const tag = known.get(instance)?.tag
      return tag === undefined ? [] : [[id, tag] as const]
    }))
  })
}
