/** Whole nodes out of fractions of them. */
import type { Bin } from "./bins.ts"
import { binOf } from "./bins.ts"
import type { Columns } from "./columns.ts"
import type { Order, Packer } from "./packer.ts"
import type { Packing } from "./packing.ts"
import { allowanceBeside, packingOf } from "./packing.ts"
import type { Task } from "./task.ts"

interface Way {
  /** Nodes to start with, and by item the pods that are not on them. */
  readonly kept: ReadonlyArray<Bin>
  readonly stock: Int32Array
  /** From this fraction on, a node is rounded up. */
  readonly upwards: number
  /** How the pods that are left are packed. */
  readonly order: Order
  /** In US dollars an hour, with the price per node. */
  readonly ceiling: number
}

/**
 * Buys the whole parts of the fractional plan, and one more of each column whose fraction is at least `upwards` as long as there
 * are pods to fill it; packs the pods that are left. Undefined where that is dearer than `ceiling` or against a limit.
 */
export const round = (task: Task, columns: Columns, packer: Packer, way: Way): Packing | undefined => {
  const { kept, upwards, order, ceiling } = way
  const stock = way.stock.slice()
  const bins = [...kept]
  const allowance = allowanceBeside(task, kept)
  let { cost } = packingOf(task, kept)
  const rows = columns.basis.map((_, row) => row)
    .sort((a, b) => fraction(columns.amount[b]!) - fraction(columns.amount[a]!) || a - b)
  for (const extra of [0, 1]) {
    for (const row of rows) {
      const column = columns.basis[row]
      if (column === undefined) continue
      const { pool, items, copies } = column
      const amount = columns.amount[row]! + tolerance
      let times = extra === 0 ? Math.floor(amount) : fraction(columns.amount[row]!) >= upwards ? 1 : 0
      for (let i = 0; i < items.length; i++) times = Math.min(times, Math.floor(stock[items[i]!]! / copies[i]!))
      if (times < 1) continue
      const bin = binOf(task, pool, items, copies, allowance)
      if (bin === undefined) continue
      for (; times > 0 && allowance.allows(pool, bin.charge); times--) {
        bins.push(bin)
        allowance.take(pool, bin.charge)
        cost += bin.price + task.nodePrice
        for (let i = 0; i < items.length; i++) stock[items[i]!]! -= copies[i]!
      }
    }
  }
  const left: Array<number> = []
  stock.forEach((count, item) => {
    if (count > 0) left.push(item)
  })
  return packer.pack(stock, left, { order, noise: 0 }, ceiling - cost, allowance, bins) ? packingOf(task, bins) : undefined
}

/** Fractional plans are not exact. */
const tolerance = 0.01

const fraction = (amount: number): number => amount + tolerance - Math.floor(amount + tolerance)
