/** A plan that rests on pools as they are: a list may be older than a sentence of death, or than a count. */
import { Effect } from "effect"
import type { LinodeError } from "../../linode/linodeError.ts"
import type { Pool } from "../../linode/models.ts"
import type { GrowPlan } from "./grow.ts"
import { withPools } from "./view.ts"
import type { View } from "./view.ts"
import type { World } from "./world.ts"

/** Ids of the pools that it takes nodes of, or adds nodes to. */
const restsOn = (view: View, { bind, change }: GrowPlan): ReadonlyArray<number> => [
  ...bind.flatMap(({ node }) => view.find(node)?.pool.id ?? []),
  ...change?.change === "grow" ? [change.pool.id] : []
]

export interface Decided {
  readonly view: View
  readonly plan: GrowPlan
}

/** Decides, reads each pool that the plan rests on by its id, which is never old, and decides again until nothing is left to read. */
export const decideByCurrent = Effect.fnUntraced(function*(
  { cluster, linode }: World, listed: View, decide: (view: View) => GrowPlan
): Effect.fn.Return<Decided, LinodeError> {
  const current = new Map<number, Pool | undefined>()
  let view = listed
  for (;;) {
    const plan = decide(view)
    const unread = new Set(restsOn(view, plan).filter((id) => !current.has(id)))
    if (unread.size === 0) return { view, plan }
    for (const id of unread) {
      current.set(id, yield* linode.pool(cluster.id, id).pipe(
        Effect.map((pool): Pool | undefined => pool),
        Effect.catchIf(({ reason }) => reason._tag === "Gone", () => Effect.undefined)
      ))
    }
    view = withPools(listed, current)
  }
})
