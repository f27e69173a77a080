/** What the limits of NodePools still allow to buy, while a pass buys. */
import type { Model } from "./model.ts"
import type { State } from "./states.ts"
import { holds } from "./states.ts"

export class Allowance {
  /** By pool: what its limits still allow, by dimension; undefined where it has none. */
  readonly remaining: ReadonlyArray<Float64Array | undefined>
  /** By pool: how many nodes. */
  readonly nodesLeft: Array<number>
  /** By node of a pool with limits: what it takes from them. */
  readonly charged: Map<number, { readonly remaining: Float64Array; readonly most: Float64Array }> = new Map()
  private readonly model: Model
  private readonly D: number
  /** By pool: what an empty node may be, limits apart. */
  private readonly bases: ReadonlyArray<State>

  constructor(model: Model) {
    this.model = model
    this.D = model.dimensions.size
    this.remaining = model.limits.map(({ limits }) => limits?.slice())
    this.nodesLeft = model.limits.map(({ nodeLimit }) => nodeLimit)
    this.bases = model.pools.map((pool) => model.states.empty(pool))
  }

  /** What one more node of the pool may be: none of the types that its limits no longer allow. */
  empty(i: number): State | undefined {
    if (this.nodesLeft[i]! < 1) return undefined
    const base = this.bases[i]!
    if (base.order.length === 0) return undefined
    const remaining = this.remaining[i]
    if (remaining === undefined || holds(remaining, 0, base.largest(this.D).amounts, 0, this.D)) return base
    const { capacity } = base.pool.catalogue
    const allowed = base.allowed.slice()
    for (const t of base.order) {
      if (!holds(remaining, 0, capacity, t * this.D, this.D)) allowed[t >>> 5]! &= ~(1 << (t & 31))
    }
    const cut = this.model.states.intern(base.pool, base.requirements, allowed)
    return cut.order.length === 0 ? undefined : cut
  }

  /** Takes from the limits the most that any type that the node may become would take. */
  charge(i: number, state: State, request: Float64Array, node: number): void {
    this.nodesLeft[i]!--
    const remaining = this.remaining[i]
    if (remaining === undefined) return
    const most = state.mostHolding(request, this.D)
    for (let d = 0; d < this.D; d++) remaining[d]! -= most[d]!
    this.charged.set(node, { remaining, most })
  }

  /** Takes so much for the node from now on; what it took before. */
  recharge(node: number, most: Float64Array): Float64Array {
    const { most: before, remaining } = this.charged.get(node)!
    for (let d = 0; d < this.D; d++) remaining[d]! += before[d]! - most[d]!
    this.charged.set(node, { remaining, most })
    return before
  }
}
