/** Betters a packing bit by bit: takes a few nodes apart, wasteful ones rather, and packs their pods anew. */
import type { Bin } from "./bins.ts"
import type { Packer } from "./packer.ts"
import { orders } from "./packer.ts"
import type { Packing } from "./packing.ts"
import { addPods, allowanceBeside, packingOf, podsByWeight } from "./packing.ts"
import type { Random } from "./random.ts"
import type { Task } from "./task.ts"

/** Prices are sums of fractions: differences below this are none. */
const negligible = 1e-9

/** At most so many nodes are taken apart at once, and never fewer than two. */
const mostAtOnce = 6

/** The packing as it is when the meter is over; never dearer than `start`, and never above `ceiling` in plain price. */
export const repair = (task: Task, packer: Packer, random: Random, start: Packing, ceiling: number): Packing => {
  const { meter, nodePrice } = task
  const bins = [...start.bins]
  const waste = bins.map((bin) => wasteOf(packer, bin, nodePrice))
  const allowance = allowanceBeside(task, bins)
  const pods = podsByWeight(task, bins)
  const least = podsByWeight(task, task.start)
  const stock = new Int32Array(task.size)
  const made: Array<Bin> = []
  let { price } = start
  while (!meter.isOver && bins.length > 0) {
    const size = Math.min(bins.length, 2 + random.below(mostAtOnce - 1))
    const present: Array<number> = []
    const taken: Array<Bin> = []
    let cost = 0
    let oldPrice = 0
    // Those taken stand at the end, from `bins.length - taken.length` on.
    while (taken.length < size) {
      const end = bins.length - taken.length
      const at = pick(waste, end, random)
      const bin = bins[at]!
      swap(bins, waste, at, end - 1)
      taken.push(bin)
      cost += bin.price + nodePrice
      oldPrice += bin.price
      allowance.giveBack(bin.pool, bin.charge)
      addPods(task, pods, bin, -1)
      for (let i = 0; i < bin.items.length; i++) {
        const item = bin.items[i]!
        if (stock[item] === 0) present.push(item)
        stock[item]! += bin.copies[i]!
      }
    }
    meter.spend(size * 16)
    made.length = 0
    packer.filler.isStrict = !task.weighed || random.next() < 0.5
    const manner = { order: orders[random.below(orders.length)]!, noise: 0.3 * random.next() }
    const packed = packer.pack(stock, present, manner, cost + negligible, allowance, made)
    for (const item of present) stock[item] = 0
    let newPrice = 0
    for (const bin of made) {
      newPrice += bin.price
      addPods(task, pods, bin, 1)
    }
    if (packed && price - oldPrice + newPrice <= ceiling + negligible && pods.every((count, i) => count >= least[i]!)) {
      bins.length -= size
      waste.length -= size
      for (const bin of made) {
        bins.push(bin)
        waste.push(wasteOf(packer, bin, nodePrice))
      }
      price += newPrice - oldPrice
      continue
    }
    for (const bin of made) {
      allowance.giveBack(bin.pool, bin.charge)
      addPods(task, pods, bin, -1)
    }
    for (const bin of taken) {
      allowance.take(bin.pool, bin.charge)
      addPods(task, pods, bin, 1)
    }
  }
  const found = packingOf(task, bins)
  return found.cost < start.cost - negligible ? found : start
}

/** What a node costs beyond what its pods are worth. */
const wasteOf = ({ filler: { value } }: Packer, { items, copies, price }: Bin, nodePrice: number): number => {
  let worth = 0
  for (let i = 0; i < items.length; i++) worth += value[items[i]!]! * copies[i]!
  return price + nodePrice - worth
}

/** One of the first `end`, the more wasteful of two for the most part. */
const pick = (waste: ReadonlyArray<number>, end: number, random: Random): number => {
  const a = random.below(end)
  const b = random.below(end)
  return waste[b]! > waste[a]! && random.next() < 0.8 ? b : a
}

const swap = (bins: Array<Bin>, waste: Array<number>, a: number, b: number): void => {
  const bin = bins[a]!
  bins[a] = bins[b]!
  bins[b] = bin
  const own = waste[a]!
  waste[a] = waste[b]!
  waste[b] = own
}
