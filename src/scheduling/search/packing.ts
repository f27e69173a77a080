import { Allowance } from "./allowance.ts"
import type { Bin } from "./bins.ts"
import type { Task } from "./task.ts"

/** A set of new nodes for all items. */
export interface Packing {
  readonly bins: ReadonlyArray<Bin>
  /** US dollars an hour. */
  readonly price: number
  /** The same with the price per node: what the search makes small. */
  readonly cost: number
}

/** Prices are sums of fractions: differences below this are none. */
export const negligible = 1e-9

export const packingOf = (task: Task, bins: ReadonlyArray<Bin>): Packing => {
  const price = bins.reduce((sum, bin) => sum + bin.price, 0)
  return { bins, price, cost: price + bins.length * task.nodePrice }
}

/** What limits allow beside these nodes, and those that are not touched. */
export const allowanceBeside = (task: Task, bins: ReadonlyArray<Bin>): Allowance => {
  const allowance = new Allowance(task.model.limits)
  for (const { pool, charge } of [...task.frozen, ...bins]) allowance.take(pool, charge)
  return allowance
}

/** By level of weight: how many pods are on nodes of pools at least as heavy. */
export const podsByWeight = (task: Task, bins: ReadonlyArray<Bin>): Int32Array => {
  const out = new Int32Array(task.levels.length)
  for (const bin of bins) addPods(task, out, bin, 1)
  return out
}

export const addPods = (task: Task, into: Int32Array, { pool, pods }: Bin, sign: number): void => {
  const { weight } = task.model.pools[pool]!
  for (let i = 0; i < into.length; i++) if (weight >= task.levels[i]!) into[i]! += sign * pods
}
