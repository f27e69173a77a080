/** A packing as nodes to buy, with the pods of the problem and every type that may stand in for another. */
import type { PackedNode } from "../packing.ts"
import type { Bin } from "./bins.ts"
import { chargeOfTypes, stateOf } from "./bins.ts"
import { allowanceBeside } from "./packing.ts"
import type { Task } from "./task.ts"

/**
 * The nodes of these bins; those of the first plan stay as they were. A node may be bought as any type that holds it, as long as
 * the limits of its pool have room for the largest of them; else as those that take no more than the one it is priced as.
 */
export const writeNodes = (task: Task, bins: ReadonlyArray<Bin>): ReadonlyArray<PackedNode> => {
  const { D, items, model: { pools } } = task
  // Pods of nodes that stay are not to be had by others.
  const kept = new Set(bins.flatMap(({ origin }) => origin?.pods ?? []))
  const pods = items.all.map((item) => item.pods.filter((pod) => !kept.has(pod)))
  const next = new Int32Array(items.all.length)
  const allowance = allowanceBeside(task, bins)
  return bins.map(({ pool, used, charge, items: own, copies, origin }) => {
    if (origin !== undefined) return origin
    const { state } = task.states.all[stateOf(task, pool, own)]!
    const { limits, catalogue: { capacity } } = pools[pool]!
    const all = state.holding(used, 0)
    let types = all
    if (limits !== undefined) {
      const most = chargeOfTypes(task, pool, all)
      allowance.giveBack(pool, charge)
      const fits = allowance.allows(pool, most)
      allowance.take(pool, fits ? most : charge)
      if (!fits) types = all.filter((t) => takesNoMore(capacity, t * D, charge!, limits))
    }
    const members: Array<number> = []
    own.forEach((item, i) => {
      for (let copy = 0; copy < copies[i]!; copy++) members.push(pods[item]![next[item]!++]!)
    })
    return { state, pods: members, used, types }
  })
}

const takesNoMore = (capacity: Float64Array, row: number, charge: Float64Array, limits: Float64Array): boolean => {
  for (let d = 0; d < charge.length; d++) if (limits[d] !== Infinity && capacity[row + d]! > charge[d]!) return false
  return true
}
