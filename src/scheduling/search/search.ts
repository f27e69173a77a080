/**
 * The search for a cheaper set of nodes, after first-fit has said which pods need new ones. First whole plans are made greedily;
 * then column generation finds out what each pod is worth and what the batch would cost in fractions of nodes, which is made
 * whole; then a few nodes at a time are taken apart and packed anew, until the budget is used up. Every pod keeps its place
 * among existing nodes, its step of its ladder of wishes, and the domains in which rules about other pods have counted it.
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
import type { Order } from "./packer.ts"
import { Packer } from "./packer.ts"
import type { Packing } from "./packing.ts"
import { allowanceBeside, negligible, packingOf, podsByWeight } from "./packing.ts"
import { Random } from "./random.ts"
import { repair } from "./repair.ts"
import { round } from "./round.ts"
import { Task } from "./task.ts"
import { writeNodes } from "./write.ts"

const seed = 20261121

/** Nothing is worth nothing, so that nodes that cost nothing can be compared too. */
const leastWorth = 1e-9

/** How large a fraction of a node has to be to be rounded up. */
const roundings = [2, 0.8, 0.6, 0.4]

/** The fourth order takes long where there are many items. */
const forWholePlans: ReadonlyArray<Order> = ["worth", "density", "best"]

/** For how many steps shadow prices are bettered before they are first tried out; then twice as long, and so on. */
const firstTurn = 200

/**
 * Nodes for the same pods that cost no more by the hour than those given, which are what `pass` has packed. A legal plan whenever
 * the given one is; the same for the same steps. `bound` is a price that no plan for these pods can go below. A generator that works
 * some milliseconds at a time.
 */
export function* searching(
  model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>, budget: Budget, bound: number
): Generator<void, ReadonlyArray<PackedNode>> {
  const meter = new Meter(budget)
  if (meter.isOver || nodes.length === 0) return nodes
  const task = taskOf(model, pass, nodes, meter)
  if (task.start.length === 0) return nodes
  const { bins } = yield* new Search(task, bound).run()
  const kept = new Set(task.frozen.map(({ origin }) => origin))
  return [...nodes.filter((node) => kept.has(node)), ...writeNodes(task, bins)]
}

class Search {
  private readonly task: Task
  private readonly random: Random = new Random(seed)
  private readonly packer: Packer
  private readonly first: Packing
  private readonly least: Int32Array
  /** In US dollars an hour: what the nodes that may change cost at least. */
  private readonly floor: number
  private best: Packing
  /** Nodes that whole plans start with, and by item the pods that are not on them. */
  private kept: ReadonlyArray<Bin> = []
  private stock: Int32Array

  constructor(task: Task, bound: number) {
    this.task = task
    this.packer = new Packer(task, this.random)
    this.first = packingOf(task, task.start)
    this.least = podsByWeight(task, task.start)
    this.floor = bound - packingOf(task, task.frozen).price
    this.best = this.first
    this.stock = task.count
  }

  *run(): Generator<void, Packing> {
    const { task, packer: { filler } } = this
    for (let item = 0; item < task.size; item++) {
      const { cost, copies } = alone(task, filler, item)!
      filler.value[item] = Math.max(cost / copies[0]!, leastWorth)
    }
    if (task.size > mostRows) yield* this.repairFirst()
    this.keepToLimits()
    for (const order of forWholePlans) {
      this.greedy(order)
      if (task.meter.isTurn) yield
    }
    if (task.size <= mostRows) yield* this.byShadowPrices()
    yield* this.repair(() => false)
    return this.best
  }

  /** Where limits are tight, not every packing of their pools has room for all: whole plans then start with first-fit's. */
  private keepToLimits(): void {
    const { task } = this
    if (!task.isLimited.includes(true) || this.greedy("best") || task.meter.isOver) return
    this.kept = task.start.filter(({ pool }) => task.isLimited[pool]!)
    this.stock = task.count.slice()
    for (const { items, copies } of this.kept) {
      for (let i = 0; i < items.length; i++) this.stock[items[i]!]! -= copies[i]!
    }
  }

  /** Where there are many items, a whole plan takes long, and a few nodes at a time are the quicker gain. */
  private *repairFirst(): Generator<void> {
    const { meter } = this.task
    const end = meter.steps + firstTurn
    yield* this.repair(() => meter.steps >= end)
  }

  /** Betters shadow prices and tries them out by turns, until there are no better ones. */
  private *byShadowPrices(): Generator<void> {
    const { task, packer, task: { meter } } = this
    if (this.isDone) return
    const columns = new Columns(task, packer.filler, this.random, this.stock)
    columns.learn(this.best.bins)
    for (let turn = firstTurn; !this.isDone; turn *= 2) {
      const until = meter.steps + turn
      const found = yield* columns.improve(() => meter.isOver || meter.steps >= until)
      for (const upwards of roundings) {
        for (const order of forWholePlans) {
          const { kept, stock, best: { cost: ceiling } } = this
          this.offer(round(task, columns, packer, { kept, stock, upwards, order, ceiling }))
          if (meter.isTurn) yield
        }
      }
      if (found) return
      const end = meter.steps + turn / 2
      yield* this.repair(() => meter.steps >= end)
    }
  }

  private get isDone(): boolean {
    return this.task.meter.isOver || this.best.price <= this.floor
  }

  /** A whole plan at once; false where there is none in this order, or none within the price of the best. */
  private greedy(order: Order): boolean {
    const { task, packer, kept, stock } = this
    const bins = [...kept]
    const left = Array.from(stock, (_, item) => item).filter((item) => stock[item]! > 0)
    const ceiling = this.best.cost - packingOf(task, kept).cost
    packer.filler.isStrict = true
    const packed = packer.pack(stock.slice(), left, { order, noise: 0 }, ceiling, allowanceBeside(task, kept), bins)
    if (packed) this.offer(packingOf(task, bins))
    return packed
  }

  private *repair(isOver: () => boolean): Generator<void> {
    this.best = yield* repair(this.task, this.packer, this.random, this.best, { ceiling: this.first.price, floor: this.floor, isOver })
  }

  /** Takes what is better and no worse in any other respect. */
  private offer(found: Packing | undefined): void {
    if (found === undefined || found.cost >= this.best.cost - negligible || found.price > this.first.price) return
    const pods = podsByWeight(this.task, found.bins)
    if (this.least.every((count, i) => pods[i]! >= count)) this.best = found
  }
}

/** Without the nodes that have to stay, and those of pods that nobody could open a node for under the rules of the search. */
const taskOf = (model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>, meter: Meter): Task => {
  const taskWithout = (stays: (node: PackedNode) => boolean): Task => {
    const frozen = new Set(nodes.filter(stays))
    return new Task(model, pass, nodes.filter((node) => !frozen.has(node)), [...frozen], meter)
  }
  const task = taskWithout((node) => !isMovable(model, pass, node))
  const hasPool = (item: number): boolean => model.pools.some((_, pool) => task.isOwn(item, pool))
  const stuck = new Set(task.items.all.flatMap(({ pods }, item) => hasPool(item) ? [] : pods))
  return stuck.size === 0 ? task : taskWithout((node) => !isMovable(model, pass, node) || node.pods.some((pod) => stuck.has(pod)))
}
