/**
 * The search for a cheaper set of nodes, after first-fit has said which pods need new ones. First whole plans are made greedily; then
 * column generation finds out what each pod is worth and what the batch would cost in fractions of nodes, which is made whole; then
 * a few nodes at a time are taken apart and packed anew, until the budget is used up. Every pod keeps its place among existing
 * nodes, its step of its ladder of wishes, and the domains in which rules about other pods have counted it.
 */
import type { FirstFit } from "../firstFit.ts"
import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { Budget } from "../problem.ts"
import { alone } from "./alone.ts"
import type { Bin } from "./bins.ts"
import { Columns, mostRows } from "./columns.ts"
import { Meter } from "./meter.ts"
import { isMovable } from "./movable.ts"
import type { Manner } from "./packer.ts"
import { orders, Packer } from "./packer.ts"
import type { Packing } from "./packing.ts"
import { allowanceBeside, packingOf, podsByWeight } from "./packing.ts"
import { Random } from "./random.ts"
import { repair } from "./repair.ts"
import { round } from "./round.ts"
import { Task } from "./task.ts"
import { writeNodes } from "./write.ts"

const seed = 20261121

/** The share of the budget by which the shadow prices have to be there. */
const shareForPrices = 0.5

/** How large a fraction of a node has to be to be rounded up. */
const roundings = [2, 0.8, 0.6, 0.4]

const noNoise: ReadonlyArray<Manner> = orders.map((order) => ({ order, noise: 0 }))

/**
 * Nodes for the same pods that cost no more by the hour than those given, which are what `pass` has packed. A legal plan whenever
 * the given one is; the same for the same steps.
 */
export const search = (
  model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>, budget: Budget
): ReadonlyArray<PackedNode> => {
  const meter = new Meter(budget)
  if (meter.isOver || nodes.length === 0) return nodes
  const task = taskOf(model, pass, nodes, meter)
  if (task.start.length === 0) return nodes
  const random = new Random(seed)
  const packer = new Packer(task, random)
  const { filler: { value } } = packer
  const first = packingOf(task, task.start)
  const least = podsByWeight(task, task.start)
  let best = first
  const offer = (found: Packing | undefined): void => {
    if (found === undefined || found.cost >= best.cost || found.price > first.price) return
    const pods = podsByWeight(task, found.bins)
    if (least.every((count, i) => pods[i]! >= count)) best = found
  }
  const greedy = (manner: Manner): void => {
    const bins: Array<Bin> = []
    const all = Array.from(task.count, (_, item) => item)
    const packed = packer.pack(task.count.slice(), all, manner, best.cost, allowanceBeside(task, []), bins)
    if (packed) offer(packingOf(task, bins))
  }

  for (let item = 0; item < task.size; item++) {
    const { cost, copies } = alone(task, packer.filler, item)!
    value[item] = cost / copies[0]!
  }
  noNoise.forEach(greedy)
  if (task.size <= mostRows && !meter.isOver) {
    const columns = new Columns(task, packer.filler)
    columns.improve(() => meter.isOver || meter.share > shareForPrices)
    noNoise.forEach(greedy)
    for (const manner of noNoise) for (const upwards of roundings) offer(round(task, columns, packer, upwards, manner, best.cost))
  }
  best = repair(task, packer, random, best, first.price)
  const kept = new Set(task.frozen.map(({ origin }) => origin))
  return [...nodes.filter((node) => kept.has(node)), ...writeNodes(task, best.bins)]
}

/** Without the nodes that have to stay, and those of pods that nobody could open a node for under the rules of the search. */
const taskOf = (model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>, meter: Meter): Task => {
  const movable = nodes.filter((node) => isMovable(model, node))
  const frozen = nodes.filter((node) => !movable.includes(node))
  const task = new Task(model, pass, movable, frozen, meter)
  const stuck = task.items.all.filter((_, item) => !canOpen(task, item))
  if (stuck.length === 0) return task
  const pods = new Set(stuck.flatMap((item) => item.pods))
  const free = movable.filter((node) => !node.pods.some((pod) => pods.has(pod)))
  return new Task(model, pass, free, nodes.filter((node) => !free.includes(node)), meter)
}

const canOpen = (task: Task, item: number): boolean => {
  const { states, model: { pools } } = task
  return pools.some((_, pool) => {
    const base = states.base(pool)
    const root = base < 0 || !task.mayOpen(item, pool) ? -1 : states.after(base, task.kindOf[item]!)
    return root >= 0 && states.all[root]!.types.some((type) => task.fits(item, pool, type))
  })
}
