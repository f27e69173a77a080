/**
 * Column generation: what would be cheapest if nodes could be bought in fractions. One row for each item, one column for each way
 * to fill a node. The shadow prices of the rows say what a pod is worth, and new columns are sought by filling nodes with what is worth most.
 * The knapsack that seeks them is greedy, so the result is a guide and proves nothing.
 */
import type { Column } from "./alone.ts"
import { alone } from "./alone.ts"
import type { Filler } from "./filler.ts"
import { sortByKey } from "./order.ts"
import type { Random } from "./random.ts"
import type { Task } from "./task.ts"

/** More rows than this take longer than they are worth: the basis is dense. */
export const mostRows = 280

/** Kinds of nodes that fillings are sought for: a state that some item brings about, and a type of it. */
interface Site {
  readonly state: number
  readonly pool: number
  readonly type: number
  /** The items that can be on it, in the order in which they were last tried. */
  readonly list: Int32Array
}

const tolerance = 1e-7
const idleRounds = 5

export class Columns {
  /** By row: its column, undefined where the row has a surplus. */
  readonly basis: Array<Column | undefined> = []
  /** By row: how many nodes of that column. */
  readonly amount: Float64Array
  private readonly task: Task
  private readonly filler: Filler
  private readonly random: Random
  private readonly S: number
  private readonly inverse: Float64Array
  private readonly shadow: Float64Array
  private readonly entering: Float64Array
  private readonly key: Float64Array
  private readonly sites: ReadonlyArray<Site>

  constructor(task: Task, filler: Filler, random: Random) {
    this.task = task
    this.filler = filler
    this.random = random
    const S = this.S = task.size
    this.inverse = new Float64Array(S * S)
    this.amount = new Float64Array(S)
    this.shadow = new Float64Array(S)
    this.entering = new Float64Array(S)
    this.key = new Float64Array(S)
    this.sites = sitesOf(task)
    for (let item = 0; item < S; item++) this.start(item)
  }

  /** Each row starts with the nodes that hold its item alone. */
  private start(item: number): void {
    const { task, S } = this
    const column = alone(task, this.filler, item)!
    const [copies] = column.copies
    this.basis.push(column)
    this.inverse[item * S + item] = 1 / copies!
    this.amount[item] = task.count[item]! / copies!
    this.shadow[item] = column.cost / copies!
  }

  /** Seeks better columns until none is found for a while or `isOver` says so; leaves the shadow prices in `value`. */
  improve(isOver: () => boolean): void {
    const { S, shadow, filler, sites } = this
    for (let idle = 0; idle < idleRounds && !isOver();) {
      let found = false
      for (let row = 0; row < S; row++) {
        if (shadow[row]! >= -tolerance) continue
        this.enterSurplus(row)
        found = true
      }
      for (const site of sites) {
        if (this.seek(site, idle > 0 ? 0.15 * idle : 0)) found = true
        if (isOver()) break
      }
      idle = found ? 0 : idle + 1
    }
    for (let row = 0; row < S; row++) filler.value[row] = Math.max(shadow[row]!, 1e-9)
  }

  private seek(site: Site, noise: number): boolean {
    const { task, filler, shadow, key, random } = this
    const { D, request, count, model, meter } = task
    const { list, pool, type, state } = site
    const { room } = model.pools[pool]!
    filler.value.set(shadow)
    let top = -Infinity
    let best: Column | undefined
    for (let way = 0; way < 2; way++) {
      for (let i = 0; i < list.length; i++) {
        const item = list[i]!
        let worth = shadow[item]!
        if (noise > 0) worth *= 1 + noise * random.next()
        let share = 1e-9
        if (way === 0) for (let d = 0; d < D; d++) if (room[type * D + d]! > 0) share += request[item * D + d]! / room[type * D + d]!
        key[item] = way === 0 ? worth / share : worth
      }
      sortByKey(list, 0, list.length, key)
      meter.spend(list.length * 3)
      filler.begin(state, type)
      if (task.weighed) this.open(list, pool)
      for (let i = 0; i < list.length; i++) {
        const item = list[i]!
        if (shadow[item]! <= 0) continue
        const left = count[item]! - (task.weighed ? filler.copiesOf(item) : 0)
        if (left > 0) filler.put(item, left)
      }
      const cost = filler.price + task.nodePrice
      if (filler.length === 0 || filler.worth - cost <= Math.max(top, tolerance)) continue
      top = filler.worth - cost
      best = { pool, items: filler.items.slice(0, filler.length), copies: filler.copies.slice(0, filler.length), cost }
    }
    if (best !== undefined) this.enter(best)
    return best !== undefined
  }

  /** A node of a lighter pool needs a pod that may open it. */
  private open(list: Int32Array, pool: number): void {
    for (let i = 0; i < list.length; i++) if (this.task.mayOpen(list[i]!, pool) && this.filler.put(list[i]!, 1) > 0) return
  }

  private enter(column: Column): void {
    const { S, inverse, entering } = this
    const { items, copies } = column
    for (let row = 0; row < S; row++) {
      let sum = 0
      for (let i = 0; i < items.length; i++) sum += inverse[row * S + items[i]!]! * copies[i]!
      entering[row] = sum
    }
    let worth = 0
    for (let i = 0; i < items.length; i++) worth += this.shadow[items[i]!]! * copies[i]!
    this.pivot(column, column.cost - worth)
  }

  /** A pod too many of the row's item, which costs nothing. */
  private enterSurplus(item: number): void {
    const { S, inverse, entering } = this
    for (let row = 0; row < S; row++) entering[row] = -inverse[row * S + item]!
    this.pivot(undefined, this.shadow[item]!)
  }

  private pivot(column: Column | undefined, reducedCost: number): void {
    const { S, inverse, entering, amount, shadow } = this
    let leaving = -1
    let least = Infinity
    for (let row = 0; row < S; row++) {
      if (entering[row]! > 1e-9 && amount[row]! / entering[row]! < least) {
        least = amount[row]! / entering[row]!
        leaving = row
      }
    }
    if (leaving < 0) return
    const at = leaving * S
    const by = entering[leaving]!
    for (let j = 0; j < S; j++) inverse[at + j]! /= by
    amount[leaving]! /= by
    for (let row = 0; row < S; row++) {
      const factor = entering[row]!
      if (row === leaving || factor === 0) continue
      const own = row * S
      for (let j = 0; j < S; j++) inverse[own + j]! -= factor * inverse[at + j]!
      amount[row] = Math.max(0, amount[row]! - factor * amount[leaving]!)
    }
    for (let j = 0; j < S; j++) shadow[j]! += reducedCost * inverse[at + j]!
    this.basis[leaving] = column
    this.task.meter.spend(S * S / 4)
  }
}

const sitesOf = (task: Task): ReadonlyArray<Site> => {
  const { states, model: { pools }, items } = task
  const out: Array<Site> = []
  pools.forEach((_, pool) => {
    const base = states.base(pool)
    if (base < 0) return
    const roots = new Set(items.kinds.map((kind) => states.after(base, kind.id)).filter((root) => root >= 0))
    for (const state of roots) {
      const { types, price } = states.all[state]!
      for (const type of types) {
        const list = items.all.flatMap((_, item) => {
          const next = states.after(state, task.kindOf[item]!)
          return next >= 0 && states.all[next]!.price[type] !== Infinity && price[type] !== Infinity && task.fits(item, pool, type)
            ? [item] : []
        })
        if (list.some((item) => task.mayOpen(item, pool))) out.push({ state, pool, type, list: Int32Array.from(list) })
      }
    }
  })
  return out
}
