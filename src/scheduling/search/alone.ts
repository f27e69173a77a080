import type { Filler } from "./filler.ts"
import type { Task } from "./task.ts"

/** A way to fill a node. */
export interface Column {
  readonly pool: number
  readonly items: Int32Array
  readonly copies: Int32Array
  /** With the price per node, in US dollars an hour. */
  readonly cost: number
}

/** The node that costs least per pod when it holds pods of one item alone; undefined where it has no pool of its own. */
export const alone = (task: Task, filler: Filler, item: number): Column | undefined => {
  const { states, model: { pools } } = task
  let best: Column | undefined
  let per = Infinity
  for (let pool = 0; pool < pools.length; pool++) {
    if (!task.isOwn(item, pool)) continue
    const root = task.rootOf(item, pool)
    for (const type of states.all[root]!.types) {
      // Types come cheapest first.
      if (states.all[root]!.price[type]! + task.nodePrice >= per * task.count[item]!) break
      filler.begin(states.base(pool), type)
      const copies = filler.put(item, task.count[item]!)
      const cost = filler.price + task.nodePrice
      if (copies === 0 || cost / copies >= per) continue
      per = cost / copies
      best = { pool, items: Int32Array.of(item), copies: Int32Array.of(copies), cost }
    }
  }
  return best
}
