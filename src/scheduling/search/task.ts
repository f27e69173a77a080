/** Everything the search looks at, laid out flat, worked out once. */
import type { FirstFit } from "../firstFit.ts"
import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { Problem } from "../problem.ts"
import type { Bin } from "./bins.ts"
import { binOfNode } from "./bins.ts"
import type { Items } from "./items.ts"
import { itemsOf } from "./items.ts"
import type { HostEntry } from "./kinds.ts"
import { hostEntries } from "./kinds.ts"
import type { Meter } from "./meter.ts"
import { NodeStates } from "./nodeStates.ts"

/** What every new node costs beyond its price where the problem does not say, in US dollars an hour. */
const defaultNodePrice = 0.001

export const nodePriceOf = ({ options }: Problem): number => options?.nodePrice ?? defaultNodePrice

/** More than these make the knapsack slow. */
const mostCrowdedCounters = 6

export class Task {
  readonly model: Model
  readonly meter: Meter
  readonly items: Items
  readonly states: NodeStates
  /** How many resources are counted. */
  readonly D: number
  /** How many items. */
  readonly size: number
  /** By item and dimension. */
  readonly request: Float64Array
  readonly kindOf: Int32Array
  /** By item: how many pods. */
  readonly count: Int32Array
  /** By kind. */
  readonly hosts: ReadonlyArray<ReadonlyArray<HostEntry>>
  /** How many counters a node has. */
  readonly counters: number
  /** Counters that the knapsack looks at as at a resource: everybody who adds to them minds, and the node takes `cap` of them. */
  readonly crowded: ReadonlyArray<{ readonly counter: number; readonly cap: number }>
  /** By kind. */
  readonly homeWeight: Float64Array
  /** By item and pool: 1 where a pod of the item may be when every pod keeps to its own pools, see `ownPools`. */
  readonly own: Uint8Array
  /** True when pods may be in pools that are not their own. */
  readonly hasOthers: boolean
  /** By pool. */
  readonly isLimited: ReadonlyArray<boolean>
  /** The different weights of pools, where they differ. */
  readonly levels: ReadonlyArray<number>
  /** By pool: where its types begin when those of all pools are numbered through. */
  readonly firstType: ReadonlyArray<number>
  readonly types: number
  readonly nodePrice: number
  /** Nodes that stay as they are. */
  readonly frozen: ReadonlyArray<Bin>
  /** The nodes of the first plan that may change. */
  readonly start: ReadonlyArray<Bin>

  constructor(model: Model, pass: FirstFit, nodes: ReadonlyArray<PackedNode>, frozen: ReadonlyArray<PackedNode>, meter: Meter) {
    const { all, kinds } = this.items = itemsOf(model, pass, nodes)
    this.model = model
    this.meter = meter
    this.states = new NodeStates(model, kinds, meter)
    this.D = model.dimensions.size
    this.size = all.length
    this.request = new Float64Array(this.size * this.D)
    all.forEach(({ request }, i) => this.request.set(request, i * this.D))
    this.kindOf = Int32Array.from(all, ({ kind }) => kind.id)
    this.count = Int32Array.from(all, ({ pods }) => pods.length)
    const { entries, counters } = hostEntries(kinds)
    this.hosts = entries
    this.counters = counters
    this.crowded = this.mostCrowded()
    this.homeWeight = Float64Array.from(kinds, ({ homeWeight }) => homeWeight)
    const weights = [...new Set(model.pools.map(({ weight }) => weight))]
    this.levels = weights.length > 1 ? weights : []
    this.isLimited = model.limits.map(({ limits, nodeLimit }) => limits !== undefined || nodeLimit !== Infinity)
    this.own = this.ownPools()
    this.hasOthers = model.pools.some((_, pool) => all.some((_, item) => !this.isOwn(item, pool) && this.rootOf(item, pool) >= 0))
    let types = 0
    this.firstType = model.pools.map(({ catalogue }) => {
      const first = types
      types += catalogue.types.length
      return first
    })
    this.types = types
    this.nodePrice = nodePriceOf(model.problem)
    this.start = nodes.map((node) => binOfNode(this, node))
    this.frozen = frozen.map((node) => binOfNode(this, node))
    meter.spend(all.length * 16 + nodes.length * 4)
  }

  private mostCrowded(): ReadonlyArray<{ readonly counter: number; readonly cap: number }> {
    const cap = new Float64Array(this.counters)
    const pods = new Float64Array(this.counters)
    this.kindOf.forEach((kind, item) => {
      for (const entry of this.hosts[kind]!) {
        if (entry.adds === 0) continue
        cap[entry.counter] = Math.max(cap[entry.counter]!, entry.cap)
        pods[entry.counter]! += this.count[item]!
      }
    })
    return Array.from(cap, (most, counter) => ({ counter, cap: most }))
      .filter(({ counter, cap: most }) => most !== Infinity && pods[counter]! > most)
      .sort((a, b) => pods[b.counter]! - pods[a.counter]! || a.counter - b.counter)
      .slice(0, mostCrowdedCounters)
  }

  /**
   * The pools of each item: those as heavy as its home; those with limits only where there are none without, so that whoever has
   * no other place finds some there.
   */
  private ownPools(): Uint8Array {
    const { pools } = this.model
    const out = new Uint8Array(this.size * pools.length)
    for (let item = 0; item < this.size; item++) {
      const able = pools.map((pool, p) => (this.levels.length === 0 || this.homeWeight[this.kindOf[item]!] === pool.weight) &&
        this.canOpen(item, p))
      const free = able.some((can, p) => can && !this.isLimited[p]!)
      able.forEach((can, p) => {
        out[item * pools.length + p] = can && !(free && this.isLimited[p]!) ? 1 : 0
      })
    }
    return out
  }

  /** The state of a node of the pool with pods of the item alone; -1 where there is none. */
  rootOf(item: number, pool: number): number {
    const base = this.states.base(pool)
    return base < 0 ? -1 : this.states.after(base, this.kindOf[item]!)
  }

  private canOpen(item: number, pool: number): boolean {
    const root = this.rootOf(item, pool)
    return root >= 0 && this.states.all[root]!.types.some((type) => this.fits(item, pool, type))
  }

  /** True when a pod of the item may be in the pool when every pod keeps to its own pools. */
  isOwn(item: number, pool: number): boolean {
    return this.own[item * this.model.pools.length + pool] === 1
  }

  /** True when the item may have a node of the pool opened for it: no heavier pool could have one. */
  mayOpen(item: number, pool: number): boolean {
    return this.levels.length === 0 || this.homeWeight[this.kindOf[item]!]! <= this.model.pools[pool]!.weight
  }

  /** True when one pod of the item fits an empty node of the type. */
  fits(item: number, pool: number, type: number): boolean {
    const { D, request } = this
    const { room } = this.model.pools[pool]!
    for (let d = 0; d < D; d++) if (request[item * D + d]! > room[type * D + d]!) return false
    return true
  }
}
