import type { Allowance } from "./allowance.ts"
import type { Bin } from "./bins.ts"
import { binOf } from "./bins.ts"
import { Filler } from "./filler.ts"
import { Knapsack } from "./knapsack.ts"
import { sortByKey } from "./order.ts"
import type { Random } from "./random.ts"
import type { Task } from "./task.ts"
import { TypeChoice } from "./typeChoice.ts"

/**
 * In which order a node takes items: the dearest first; what is dearest for its share of the node; what is dearest for its share
 * of what is left, looked at anew after each pod; or those that are worth most together.
 */
export type Order = "worth" | "density" | "balance" | "best"

export const orders: ReadonlyArray<Order> = ["worth", "density", "balance", "best"]

/** How many part fillings are looked at for those that are worth most together. */
const visits = 150

export interface Manner {
  readonly order: Order
  /** How far chance may stretch what an item seems worth, as a share; 0 for none. */
  readonly noise: number
}

/**
 * Packs items into new nodes, one node after the other: the dearest item left opens a node; every type that takes it is filled up
 * around it; the one that costs least for what it holds is bought.
 */
export class Packer {
  readonly filler: Filler
  private readonly task: Task
  private readonly random: Random
  /** By item: what it seems worth in this call. */
  private readonly seeming: Float64Array
  private readonly density: Float64Array
  /** By type, `stride` items in the order of this call; `sortedIn` says which call sorted them. */
  private sorted: Int32Array = new Int32Array(0)
  private readonly sortedIn: Int32Array
  private readonly sortedLength: Int32Array
  private call = 0
  private readonly list: Int32Array
  private readonly knapsack: Knapsack
  private readonly choice: TypeChoice
  /** By dimension: the least that any item of this call requests. */
  private readonly least: Float64Array
  /** By position in the list: how many of the item the node may take. */
  private readonly most: Int32Array
  /** By position in the list: 1 for what the node cannot take any more. */
  private readonly tried: Uint8Array
  private n = 0
  private stride = 0

  constructor(task: Task, random: Random) {
    this.task = task
    this.random = random
    this.filler = new Filler(task)
    this.seeming = new Float64Array(task.size)
    this.density = new Float64Array(task.size)
    this.sortedIn = new Int32Array(task.types)
    this.sortedLength = new Int32Array(task.types)
    this.list = new Int32Array(task.size)
    this.tried = new Uint8Array(task.size)
    this.knapsack = new Knapsack(task, random)
    this.most = new Int32Array(task.size)
    this.choice = new TypeChoice(task)
    this.least = new Float64Array(task.D)
  }

  /**
   * Makes nodes for all pods in `stock` (by item; `present` names the items), which is empty afterwards. False when they would
   * cost more than `ceiling`, in US dollars an hour with the price per node, when limits do not allow it, or when the meter is
   * over. What `made` holds has been taken from `allowance` in any case.
   */
  pack(
    stock: Int32Array, present: ReadonlyArray<number>, manner: Manner, ceiling: number, allowance: Allowance, made: Array<Bin>
  ): boolean {
    const { task: { meter, nodePrice }, list } = this
    this.begin(present, manner)
    let cost = 0
    while (this.n > 0) {
      if (meter.isOver) return false
      const bin = this.best(list[0]!, stock, manner, allowance)
      if (bin === undefined) return false
      let times = 1
      if (manner.noise === 0) {
        times = 1 << 30
        for (let i = 0; i < bin.items.length; i++) times = Math.min(times, Math.floor(stock[bin.items[i]!]! / bin.copies[i]!))
      }
      for (; times > 0 && allowance.allows(bin.pool, bin.charge); times--) {
        made.push(bin)
        allowance.take(bin.pool, bin.charge)
        cost += bin.price + nodePrice
        if (cost > ceiling) return false
        for (let i = 0; i < bin.items.length; i++) stock[bin.items[i]!]! -= bin.copies[i]!
      }
      let kept = 0
      for (let i = 0; i < this.n; i++) if (stock[list[i]!]! > 0) list[kept++] = list[i]!
      this.n = kept
    }
    return true
  }

  private begin(present: ReadonlyArray<number>, { noise }: Manner): void {
    const { seeming, filler: { value }, list, task } = this
    this.n = this.stride = present.length
    for (let i = 0; i < this.n; i++) {
      const item = present[i]!
      list[i] = item
      seeming[item] = noise > 0 ? value[item]! * (1 + noise * this.random.next()) : value[item]!
    }
    sortByKey(list, 0, this.n, seeming)
    for (let d = 0; d < task.D; d++) {
      let least = Infinity
      for (let i = 0; i < this.n; i++) least = Math.min(least, task.request[list[i]! * task.D + d]!)
      this.least[d] = least
    }
    this.call++
    if (this.sorted.length < task.types * this.stride) this.sorted = new Int32Array(task.types * this.stride)
    task.meter.spend(64 + this.n * 4)
  }

  private best(seed: number, stock: Int32Array, manner: Manner, allowance: Allowance): Bin | undefined {
    const { filler, task, choice } = this
    const { states, model: { pools } } = task
    let best = Infinity
    let pool = -1
    let items = none
    let copies = none
    let made: Bin | undefined
    for (let p = 0; p < pools.length; p++) {
      const root = task.mayOpen(seed, p) ? task.rootOf(seed, p) : -1
      if (root < 0) continue
      const { types, state } = states.all[root]!
      const { capacity } = pools[p]!.catalogue
      choice.choose(seed, p, types)
      for (let i = 0; i < choice.length; i++) {
        const t = choice.chosen[i]!
        if (allowance.matters && !allowance.allowsType(p, capacity, t * task.D)) continue
        filler.begin(states.base(p), t)
        if (filler.put(seed, 1) === 0) continue
        this.fill(seed, stock, manner, p, t, best)
        let ratio = (filler.price + task.nodePrice) / filler.worth
        choice.learn(p, t, ratio)
        if (manner.noise > 0) ratio *= 1 + 0.1 * manner.noise * this.random.next()
        if (ratio >= best) continue
        const own = filler.items.slice(0, filler.length)
        const ownCopies = filler.copies.slice(0, filler.length)
        if (state.minimums.length > 0) {
          const bin = binOf(task, p, own, ownCopies, allowance)
          if (bin === undefined) continue
          made = bin
        } else made = undefined
        best = ratio
        pool = p
        items = own
        copies = ownCopies
      }
    }
    if (pool < 0) return undefined
    return made ?? binOf(task, pool, items, copies, allowance)
  }

  private fill(seed: number, stock: Int32Array, { order }: Manner, pool: number, type: number, ratio: number): void {
    const { filler, task: { meter }, n } = this
    if (order === "balance") {
      this.fillBalanced(seed, stock)
      return
    }
    if (order === "best") this.fillBest(seed, stock, ratio)
    const slot = this.task.firstType[pool]! + type
    if (order === "density") this.sortByDensity(slot, pool, type)
    const from = order === "density" ? slot * this.stride : 0
    const list = order === "density" ? this.sorted : this.list
    const length = order === "density" ? this.sortedLength[slot]! : n
    let i = from
    for (; i < from + length; i++) {
      const item = list[i]!
      const left = stock[item]! - (order === "best" ? filler.copiesOf(item) : item === seed ? 1 : 0)
      if (left > 0 && filler.put(item, left) > 0 && this.isFull()) break
    }
    meter.spend(8 + (i - from) * 2)
  }

  /** True when not even the least that any item requests is left. */
  private isFull(): boolean {
    const { filler: { left }, least } = this
    for (let d = 0; d < least.length; d++) if (left[d]! < least[d]!) return true
    return false
  }

  /** Sorts the items of this call in the type's own order, once. */
  private sortByDensity(slot: number, pool: number, type: number): void {
    if (this.sortedIn[slot] === this.call) return
    const { task: { D, request, model, meter }, density, seeming, stride, list, n, sorted } = this
    this.sortedIn[slot] = this.call
    this.sortedLength[slot] = n
    const from = slot * stride
    const { room } = model.pools[pool]!
    for (let i = 0; i < n; i++) {
      const item = list[i]!
      sorted[from + i] = item
      let share = 1e-9
      for (let d = 0; d < D; d++) if (room[type * D + d]! > 0) share += request[item * D + d]! / room[type * D + d]!
      density[item] = seeming[item]! / share
    }
    sortByKey(sorted, from, n, density)
    meter.spend(n * 4)
  }

  /** Adds what is worth most together; nothing, where that would not bring the price for what the node holds below `ratio`. */
  private fillBest(seed: number, stock: Int32Array, ratio: number): void {
    const { filler, knapsack, list, n, most, seeming, task: { nodePrice, crowded, D } } = this
    for (let i = 0; i < n; i++) most[i] = Math.min(filler.mostOf(list[i]!), stock[list[i]!]! - (list[i] === seed ? 1 : 0))
    knapsack.left.set(filler.left)
    for (let i = 0; i < crowded.length; i++) knapsack.left[D + i] = filler.leftOf(crowded[i]!.counter, crowded[i]!.cap)
    const above = Math.max(0, (filler.price + nodePrice) / ratio - filler.worth)
    if (knapsack.solve(list, n, seeming, most, above, 1, visits) <= above) return
    for (let i = 0; i < n; i++) if (knapsack.copies[i]! > 0) filler.put(list[i]!, knapsack.copies[i]!)
  }

  private fillBalanced(seed: number, stock: Int32Array): void {
    const { filler, seeming, list, n, tried, task: { meter } } = this
    tried.fill(0, 0, n)
    for (;;) {
      let best = -1
      let top = 0
      for (let i = 0; i < n; i++) {
        if (tried[i] === 1) continue
        const share = filler.shareOfLeft(list[i]!)
        if (share === Infinity) {
          tried[i] = 1
          continue
        }
        const score = seeming[list[i]!]! / (share + 1e-9)
        if (score > top) {
          top = score
          best = i
        }
      }
      meter.spend(n)
      if (best < 0) return
      const item = list[best]!
      if (filler.copiesOf(item) >= stock[item]! || filler.put(item, 1) === 0) tried[best] = 1
    }
  }
}

const none = new Int32Array(0)
