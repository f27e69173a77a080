/**
 * Column generation: what would be cheapest if nodes could be bought in fractions. One row for each item, one column for each
 * way to fill a node. The shadow prices of the rows say what a pod is worth, and new columns are sought by filling nodes with
 * what is worth most. The knapsack that seeks them gives up where it takes long, so the result is a guide and proves nothing.
 */
import type { Column } from "./alone.ts"
import { alone } from "./alone.ts"
import type { Bin } from "./bins.ts"
import type { Filler } from "./filler.ts"
import { Knapsack } from "./knapsack.ts"
import type { Random } from "./random.ts"
import type { Task } from "./task.ts"

/** More rows than this take longer than they are worth: the basis is dense. */
export const mostRows = 280

/** Kinds of nodes that fillings are sought for: a state that some item brings about, and a type of it. */
interface Site {
  readonly state: number
  readonly pool: number
  readonly type: number
  /** The items that can be on it without changing its state, and how many of each. */
  readonly list: Int32Array
  readonly most: Int32Array
  /** How often in a row nothing was found, and for how many rounds it is not asked. */
  failures: number
  rest: number
}

const tolerance = 1e-7

/** How many part fillings are looked at to better a column: more once fewer find none. */
const efforts = [{ tries: 1, visits: 60 }, { tries: 4, visits: 100 }, { tries: 20, visits: 150 }]

const mostRest = 12

/** Each item has up to so much of a pod more than there are: where many plans cost the same, prices go round in circles. */
const disturbance = 0.002

/** More kinds of nodes than this are not looked at. */
const mostSites = 1000

/** How often a packing's nodes are looked through for columns that help. */
const mostLessons = 6

export class Columns {
  /** By row: its column, undefined where the row has a surplus. */
  readonly basis: Array<Column | undefined> = []
  /** By row: how many nodes of that column. */
  readonly amount: Float64Array
  private readonly task: Task
  private readonly filler: Filler
  private readonly random: Random
  private readonly stock: Int32Array
  private readonly S: number
  private readonly inverse: Float64Array
  private readonly shadow: Float64Array
  private readonly entering: Float64Array
  private readonly knapsack: Knapsack
  private readonly sites: ReadonlyArray<Site>

  /** `stock` is by item: how many pods there are to place. */
  constructor(task: Task, filler: Filler, random: Random, stock: Int32Array) {
    this.task = task
    this.stock = stock
    this.filler = filler
    const S = this.S = task.size
    this.inverse = new Float64Array(S * S)
    this.amount = new Float64Array(S)
    this.shadow = new Float64Array(S)
    this.entering = new Float64Array(S)
    this.knapsack = new Knapsack(task, random)
    this.sites = sitesOf(task)
    this.random = random
    for (let item = 0; item < S; item++) this.start(item)
  }

  /** Each row starts with the nodes that hold its item alone. */
  private start(item: number): void {
    const { task, S } = this
    const column = alone(task, this.filler, item)!
    const [copies] = column.copies
    this.basis.push(column)
    this.inverse[item * S + item] = 1 / copies!
    this.amount[item] = (this.stock[item]! + disturbance * this.random.next()) / copies!
    this.shadow[item] = column.cost / copies!
  }

  /** Takes up the nodes of a packing, as far as they help. */
  learn(bins: ReadonlyArray<Bin>): void {
    const columns = [...new Set(bins)].map(({ pool, items, copies, price }): Column =>
      ({ pool, items, copies, cost: price + this.task.nodePrice }))
    for (let round = 0, helped = true; helped && round < mostLessons; round++) {
      helped = false
      for (const column of columns) {
        this.task.meter.spend(column.items.length)
        if (column.cost - this.worthOf(column) >= -tolerance) continue
        this.enter(column)
        helped = true
      }
    }
  }

  private worthOf({ items, copies }: Column): number {
    let worth = 0
    for (let i = 0; i < items.length; i++) worth += this.shadow[items[i]!]! * copies[i]!
    return worth
  }

  /**
   * Seeks better columns until `isOver` says so or there are none: then true. Leaves the shadow prices in the filler's `value`.
   */
  *improve(isOver: () => boolean): Generator<void, boolean> {
    const { S, shadow, filler, sites, task: { meter } } = this
    this.filler.isStrict = true
    let effort = 0
    let quick = true
    while (effort < efforts.length && !isOver()) {
      let found = false
      for (let row = 0; row < S; row++) {
        if (shadow[row]! >= -tolerance) continue
        this.enterSurplus(row)
        found = true
      }
      for (const site of sites) {
        // Where nothing was found, nothing may be found for a while; before effort is raised, all are asked.
        if (quick && --site.rest > 0) continue
        if (this.seek(site, efforts[effort]!)) {
          found = true
          site.failures = 0
        } else site.rest = Math.min(++site.failures, mostRest)
        if (isOver()) break
        if (meter.isTurn) yield
      }
      if (!found && quick) {
        quick = false
        continue
      }
      quick = true
      effort = found ? 0 : effort + 1
    }
    for (let row = 0; row < S; row++) filler.value[row] = Math.max(shadow[row]!, 1e-9)
    return effort === efforts.length
  }

  private seek(site: Site, { tries, visits }: { readonly tries: number; readonly visits: number }): boolean {
    const { task, filler, shadow, knapsack } = this
    const { list, pool, type, state, most } = site
    const { room } = task.model.pools[pool]!
    const { D, crowded } = task
    const cost = task.states.all[state]!.price[type]! + task.nodePrice
    for (let d = 0; d < D; d++) knapsack.left[d] = room[type * D + d]!
    for (let i = 0; i < crowded.length; i++) knapsack.left[D + i] = crowded[i]!.cap
    const worth = knapsack.solve(list, list.length, shadow, most, cost + tolerance, tries, visits)
    if (worth <= cost + tolerance) return false
    // The other rules may leave some of it out.
    filler.value.set(shadow)
    filler.begin(state, type)
    for (let i = 0; i < list.length; i++) {
      if (knapsack.copies[i]! > 0) filler.put(list[i]!, knapsack.copies[i]!)
    }
    if (filler.length === 0 || filler.worth <= filler.price + task.nodePrice + tolerance) return false
    const [items, copies] = [filler.items.slice(0, filler.length), filler.copies.slice(0, filler.length)]
    this.enter({ pool, items, copies, cost: filler.price + task.nodePrice })
    return true
  }

  private enter(column: Column): void {
    const { S, inverse, entering } = this
    const { items, copies } = column
    for (let row = 0; row < S; row++) {
      let sum = 0
      for (let i = 0; i < items.length; i++) sum += inverse[row * S + items[i]!]! * copies[i]!
      entering[row] = sum
    }
    this.pivot(column, column.cost - this.worthOf(column))
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

/** For each pool the states that one kind of pod brings about; those that take the most items, where there are too many. */
const sitesOf = (task: Task): ReadonlyArray<Site> => {
  const { states, items, meter } = task
  const mostOf = Int32Array.from(task.kindOf, (kind, item) =>
    Math.min(task.count[item]!, ...task.hosts[kind]!.map(({ adds, cap }) => adds > 0 ? cap : Infinity)))
  const roots = task.model.pools.flatMap((_, pool) => {
    const base = states.base(pool)
    const found = new Set(items.kinds.map((kind) => base < 0 ? base : states.after(base, kind.id)).filter((root) => root >= 0))
    return [...found].map((state) => {
      meter.spend(task.size)
      const able = items.all.flatMap((_, item) =>
        task.isOwn(item, pool) && states.after(state, task.kindOf[item]!) === state ? [item] : [])
      return { pool, state, able }
    })
  }).filter(({ able }) => able.length > 0).sort((a, b) => b.able.length - a.able.length || a.state - b.state)
  const out: Array<Site> = []
  for (const { pool, state, able } of roots) {
    for (const type of states.all[state]!.types) {
      if (out.length === mostSites) return out
      meter.spend(able.length)
      const list = Int32Array.from(able.filter((item) => task.fits(item, pool, type)))
      if (list.length > 0) out.push({ state, pool, type, list, most: list.map((item) => mostOf[item]!), failures: 0, rest: 0 })
    }
  }
  return out
}
