/** Everything the search looks at, laid out flat, worked out once. */
import type { FirstFit } from "../firstFit.ts"
import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"
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
  readonly homeWeight: Float64Array
  readonly weighed: boolean
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
    this.homeWeight = Float64Array.from(kinds, ({ homeWeight }) => homeWeight)
    const weights = [...new Set(model.pools.map(({ weight }) => weight))]
    this.weighed = weights.length > 1
    this.levels = this.weighed ? weights : []
    let types = 0
    this.firstType = model.pools.map(({ catalogue }) => {
      const first = types
      types += catalogue.types.length
      return first
    })
    this.types = types
    this.nodePrice = model.problem.options?.nodePrice ?? defaultNodePrice
    this.start = nodes.map((node) => binOfNode(this, node))
    this.frozen = frozen.map((node) => binOfNode(this, node))
    meter.spend(all.length * 16 + nodes.length * 4)
  }

  /** True when the item may have a node of the pool opened for it. */
  mayOpen(item: number, pool: number): boolean {
    return !this.weighed || this.homeWeight[this.kindOf[item]!]! <= this.model.pools[pool]!.weight
  }

  /** True when one pod of the item fits an empty node of the type. */
  fits(item: number, pool: number, type: number): boolean {
    const { D, request } = this
    const { room } = this.model.pools[pool]!
    for (let d = 0; d < D; d++) if (request[item * D + d]! > room[type * D + d]!) return false
    return true
  }
}
