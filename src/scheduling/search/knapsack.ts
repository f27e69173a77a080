import type { Random } from "./random.ts"
import { ResourcePrices } from "./resourcePrices.ts"
import type { Task } from "./task.ts"

/** A visit is about as much work as so many looks. */
const looksPerVisit = 4

/**
 * Which pods make a node of a type worth most, given what each is worth: branch and bound over the copies of each item. The
 * bound prices each resource so that no pod is worth more than what it takes; those prices come from the node that may be filled
 * with parts of pods. Only room is looked at, and how many of an item a node takes: the caller sees to the other rules.
 */
export class Knapsack {
  /** By position in the list given: how many of the item. */
  readonly copies: Int32Array
  private readonly task: Task
  private readonly random: Random
  private readonly key: Float64Array
  private readonly loss: Float64Array
  private readonly order: Int32Array
  private readonly current: Int32Array
  /** By dimension, then by crowded counter: what the node has left. Set by the caller, used up by `solve`. */
  readonly left: Float64Array
  private readonly room: Float64Array
  /** The dimensions and the crowded counters. */
  private readonly width: number
  /** By item and dimension, and then by crowded counter. */
  private readonly size: Float64Array
  private readonly prices: ResourcePrices

  constructor(task: Task, random: Random) {
    this.task = task
    this.random = random
    this.key = new Float64Array(task.size)
    this.copies = new Int32Array(task.size)
    this.loss = new Float64Array(task.size)
    this.order = new Int32Array(task.size)
    this.current = new Int32Array(task.size)
    const { D, crowded } = task
    const width = this.width = D + crowded.length
    this.left = new Float64Array(width)
    this.room = new Float64Array(width)
    this.size = new Float64Array(task.size * width)
    for (let item = 0; item < task.size; item++) {
      for (let d = 0; d < D; d++) this.size[item * width + d] = task.request[item * D + d]!
      crowded.forEach(({ counter }, i) => {
        const entry = task.hosts[task.kindOf[item]!]!.find((other) => other.counter === counter)
        this.size[item * width + D + i] = entry?.adds ?? 0
      })
    }
    this.prices = new ResourcePrices(this.size, width, task.meter)
  }

  /**
   * Seeks a filling of `left` worth more than `above`; what it is worth, or `above` where none was found. `worth` is by item,
   * `most` by position in the list: how many of an item there are, or how many a node takes by other rules. Each of `tries` ends
   * after `visits` part fillings at the latest.
   */
  solve(
    list: Int32Array, n: number, worth: Float64Array, most: Int32Array, above: number, tries: number, visits: number
  ): number {
    const { size, width, left, loss, order, prices: { price } } = this
    this.prices.find(list, n, worth, left)
    let bound = 0
    for (let d = 0; d < width; d++) bound += price[d]! * left[d]!
    if (bound <= above) return above
    let m = 0
    for (let i = 0; i < n; i++) {
      const item = list[i]!
      let taken = 0
      for (let d = 0; d < width; d++) taken += price[d]! * size[item * width + d]!
      loss[i] = Math.max(0, taken - worth[item]!)
      if (worth[item]! > 0 && most[i]! > 0 && bound - loss[i]! > above) order[m++] = i
    }
    this.room.set(left)
    let best = above
    for (let t = 0; t < tries; t++) {
      // Later tries take the items in another order and begin with fewer of each.
      for (let i = 0; i < m; i++) {
        const at = order[i]!
        this.key[at] = t === 0 ? loss[at]! : loss[at]! + (bound - above) * this.random.next()
      }
      this.sortByKey(m)
      left.set(this.room)
      best = this.dive(list, n, m, worth, most, bound, best, visits, t > 0)
    }
    return best
  }

  /** Depth first: as many as fit of the first item, then one fewer, and so on. */
  private dive(
    list: Int32Array, n: number, m: number, worth: Float64Array, most: Int32Array, bound: number, above: number, visits: number,
    isRandom: boolean
  ): number {
    const { task: { meter }, size, width, left, loss, order, current, copies } = this
    let best = above
    let lost = 0
    let value = 0
    let depth = 0
    let visited = 0
    let isDown = true
    while (depth >= 0) {
      if (isDown) {
        visited++
        if (value > best) {
          best = value
          copies.fill(0, 0, n)
          for (let i = 0; i < depth; i++) copies[order[i]!] = current[i]!
        }
        if (visited > visits) break
        if (depth === m || bound - lost <= best) {
          isDown = false
          depth--
          continue
        }
        const i = order[depth]!
        const at = list[i]! * width
        let fit = most[i]!
        for (let d = 0; d < width; d++) if (size[at + d]! > 0) fit = Math.min(fit, Math.floor(left[d]! / size[at + d]!))
        if (loss[i]! > 0) fit = Math.min(fit, Math.floor((bound - lost - best) / loss[i]!))
        if (isRandom && fit > 1) fit = this.random.below(fit + 1)
        current[depth] = Math.max(0, fit)
        this.take(at, current[depth]!)
        value += worth[list[i]!]! * current[depth]!
        lost += loss[i]! * current[depth]!
        depth++
        continue
      }
      const i = order[depth]!
      if (current[depth] === 0) {
        depth--
        continue
      }
      current[depth]!--
      this.take(list[i]! * width, -1)
      value -= worth[list[i]!]!
      lost -= loss[i]!
      depth++
      isDown = true
    }
    meter.spend(visited * looksPerVisit)
    return best
  }

  private take(at: number, copies: number): void {
    const { size, width, left } = this
    for (let d = 0; d < width; d++) left[d]! -= size[at + d]! * copies
  }

  private sortByKey(m: number): void {
    const { order, key } = this
    for (let i = 1; i < m; i++) {
      const moved = order[i]!
      let at = i - 1
      while (at >= 0 && key[order[at]!]! > key[moved]!) {
        order[at + 1] = order[at]!
        at--
      }
      order[at + 1] = moved
    }
  }
}
