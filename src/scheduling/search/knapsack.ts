import type { Task } from "./task.ts"

/** A visit is about as much work as so many looks. */
const looksPerVisit = 4

/**
 * Which pods make a node of a type worth most, given what each is worth: branch and bound over the copies of each item. The bound
 * prices each resource so that no pod is worth more than what it takes; those prices come from the node that may be filled with parts
 * of pods. Only room is looked at, and how many of an item a node takes: the caller sees to the other rules.
 */
export class Knapsack {
  /** By position in the list given: how many of the item. */
  readonly copies: Int32Array
  private readonly task: Task
  private readonly loss: Float64Array
  private readonly order: Int32Array
  private readonly current: Int32Array
  private readonly left: Float64Array
  private readonly price: Float64Array
  private readonly tableau: Float64Array

  constructor(task: Task) {
    this.task = task
    this.copies = new Int32Array(task.size)
    this.loss = new Float64Array(task.size)
    this.order = new Int32Array(task.size)
    this.current = new Int32Array(task.size)
    this.left = new Float64Array(task.D)
    this.price = new Float64Array(task.D)
    this.tableau = new Float64Array((task.D + 1) * (task.size + task.D + 1))
  }

  /**
   * Seeks a filling worth more than `above`; what it is worth, or `above` where none was found. `worth` is by item, `most` by position in
   * the list: how many of an item there are, or how many a node takes by other rules. After `visits` part fillings the best so far
   * has to do.
   */
  solve(
    list: Int32Array, n: number, worth: Float64Array, most: Int32Array, room: Float64Array, row: number, above: number, visits: number
  ): number {
    const { task: { D, request, meter }, left, loss, order, current, price, copies } = this
    this.priceResources(list, n, worth, room, row)
    let bound = 0
    for (let d = 0; d < D; d++) {
      left[d] = room[row + d]!
      bound += price[d]! * left[d]!
    }
    meter.spend(n * 2)
    if (bound <= above) return above
    let m = 0
    for (let i = 0; i < n; i++) {
      const item = list[i]!
      let taken = 0
      for (let d = 0; d < D; d++) taken += price[d]! * request[item * D + d]!
      loss[i] = Math.max(0, taken - worth[item]!)
      if (worth[item]! > 0 && most[i]! > 0 && bound - loss[i]! > above) order[m++] = i
    }
    this.sortByLoss(m)
    // Depth first: as many as fit of the item that wastes least, then one fewer, and so on.
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
        if (depth === m || bound - lost - loss[order[depth]!]! <= best) {
          isDown = false
          depth--
          continue
        }
        const i = order[depth]!
        const at = list[i]! * D
        let fit = most[i]!
        for (let d = 0; d < D; d++) if (request[at + d]! > 0) fit = Math.min(fit, Math.floor(left[d]! / request[at + d]!))
        if (loss[i]! > 0) fit = Math.min(fit, Math.floor((bound - lost - best) / loss[i]!))
        current[depth] = Math.max(0, fit)
        this.take(at, current[depth]!)
        value += worth[list[i]!]! * current[depth]!
        lost += loss[i]! * current[depth]!
        depth++
        continue
      }
      const i = order[depth]!
      const at = list[i]! * D
      if (current[depth] === 0) {
        depth--
        continue
      }
      current[depth]!--
      this.take(at, -1)
      value -= worth[list[i]!]!
      lost -= loss[i]!
      depth++
      isDown = true
    }
    meter.spend(visited * looksPerVisit)
    return best
  }

  private take(at: number, copies: number): void {
    const { task: { D, request }, left } = this
    for (let d = 0; d < D; d++) left[d]! -= request[at + d]! * copies
  }

  private sortByLoss(m: number): void {
    const { order, loss } = this
    for (let i = 1; i < m; i++) {
      const moved = order[i]!
      let at = i - 1
      while (at >= 0 && loss[order[at]!]! > loss[moved]!) {
        order[at + 1] = order[at]!
        at--
      }
      order[at + 1] = moved
    }
  }

  /**
   * Prices of the resources by which the room of the node is worth least while every pod is worth no more than what it takes: the dual of
   * filling it with parts of pods, by the simplex method. Stopping early would leave some pod worth more; its loss then counts as none, and
   * the bound is raised by nothing, so pivots go on until there is no such pod or rounding ends it.
   */
  private priceResources(list: Int32Array, n: number, worth: Float64Array, room: Float64Array, row: number): void {
    const { task: { D, request }, tableau, price } = this
    const width = n + D + 1
    const last = D * width
    tableau.fill(0, 0, (D + 1) * width)
    for (let d = 0; d < D; d++) {
      const scale = room[row + d]! > 0 ? 1 / room[row + d]! : 0
      for (let i = 0; i < n; i++) tableau[d * width + i] = request[list[i]! * D + d]! * scale
      tableau[d * width + n + d] = 1
      tableau[d * width + n + D] = scale > 0 ? 1 : 0
    }
    for (let i = 0; i < n; i++) tableau[last + i] = worth[list[i]!]!
    for (let pivots = 0; pivots < 40; pivots++) {
      let column = -1
      let top = 1e-12
      for (let j = 0; j < n + D; j++) {
        if (tableau[last + j]! > top) {
          top = tableau[last + j]!
          column = j
        }
      }
      if (column < 0) break
      let leaving = -1
      let least = Infinity
      for (let d = 0; d < D; d++) {
        const by = tableau[d * width + column]!
        if (by <= 1e-12) continue
        const ratio = tableau[d * width + n + D]! / by
        if (ratio < least) {
          least = ratio
          leaving = d
        }
      }
      if (leaving < 0) break
      const from = leaving * width
      const by = 1 / tableau[from + column]!
      for (let j = 0; j < width; j++) tableau[from + j]! *= by
      for (let d = 0; d <= D; d++) {
        const factor = tableau[d * width + column]!
        if (d === leaving || factor === 0) continue
        for (let j = 0; j < width; j++) tableau[d * width + j]! -= factor * tableau[from + j]!
      }
    }
    for (let d = 0; d < D; d++) {
      const scale = room[row + d]! > 0 ? 1 / room[row + d]! : 0
      price[d] = Math.max(0, -tableau[last + n + d]!) * scale
    }
  }
}
