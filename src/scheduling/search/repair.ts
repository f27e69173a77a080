/** Betters a packing bit by bit: takes a few nodes apart, wasteful ones rather, and packs their pods anew. */
import type { Bin } from "./bins.ts"
import type { Packer } from "./packer.ts"
import { orders } from "./packer.ts"
import type { Packing } from "./packing.ts"
import { addPods, allowanceBeside, negligible, packingOf, podsByWeight } from "./packing.ts"
import type { Random } from "./random.ts"
import type { Task } from "./task.ts"

/** At most so many nodes are taken apart at once, and never fewer than two. */
const mostAtOnce = 6

/** How many failures in a row, for each node, say that there is no more to gain. */
const patience = 100

interface Bounds {
  /** The plain price may not rise above it. */
  readonly ceiling: number
  /** Where the plain price is this low, there is nothing to gain. */
  readonly floor: number
  /** Asked between tries, as the meter is. */
  readonly isOver: () => boolean
}

/** The packing as it is when time is over or nothing is gained any more; never dearer than `start`. */
export function* repair(task: Task, packer: Packer, random: Random, start: Packing, bounds: Bounds): Generator<void, Packing> {
  const { meter, nodePrice } = task
  const { ceiling, floor, isOver } = bounds
  const bins = [...start.bins]
  const waste = bins.map((bin) => wasteOf(packer, bin, nodePrice))
  const allowance = allowanceBeside(task, bins)
  const pods = podsByWeight(task, bins)
  const least = podsByWeight(task, task.start)
  const stock = new Int32Array(task.size)
  const made: Array<Bin> = []
  let { price } = start
  let failures = 0
  while (!meter.isOver && !isOver() && bins.length > 0 && failures < patience * bins.length && price > floor + negligible) {
    if (meter.isTurn) yield
    failures++
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
    packer.filler.isStrict = task.hasOthers && random.next() < 0.5
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
      if (newPrice + made.length * nodePrice < cost - negligible) failures = 0
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

/**
 * One of the first `end`, the most wasteful of some: of two mostly, of many sometimes, as in a large packing few nodes waste
 * anything.
 */
const pick = (waste: ReadonlyArray<number>, end: number, random: Random): number => {
  let best = random.below(end)
  for (let rivals = Math.floor(end ** (random.next() * 0.75)); rivals > 0; rivals--) {
    const other = random.below(end)
    if (waste[other]! > waste[best]!) best = other
  }
  return best
}

const swap = (bins: Array<Bin>, waste: Array<number>, a: number, b: number): void => {
  const bin = bins[a]!
  bins[a] = bins[b]!
  bins[b] = bin
  const own = waste[a]!
  waste[a] = waste[b]!
  waste[b] = own
}
