/** What a node may still be, as the search sees it: the states of the scheduler with prices and moves laid out flat. */
import type { Model } from "../model.ts"
import { both, compatible } from "../requirements.ts"
import type { State } from "../states.ts"
import { holds } from "../states.ts"
import type { Kind } from "./kinds.ts"
import type { Meter } from "./meter.ts"

const unknown = -2
const impossible = -1

export class NodeState {
  readonly id: number
  readonly pool: number
  readonly state: State
  /** By type of the catalogue: its cheapest offering, in US dollars an hour; Infinity where it is not to be had. */
  readonly price: Float64Array
  /** Types that no other beats in price and room, cheapest first. */
  readonly types: ReadonlyArray<number>
  /** By kind: the state after a pod of it, -1 where it can't come, -2 while unknown. */
  readonly next: Int32Array

  constructor(id: number, pool: number, state: State, kinds: number, D: number) {
    this.id = id
    this.pool = pool
    this.state = state
    this.price = new Float64Array(state.pool.catalogue.types.length).fill(Infinity)
    state.order.forEach((t, i) => {
      this.price[t] = state.offerings[i]!.price
    })
    this.types = undominated(state, D)
    this.next = new Int32Array(kinds).fill(unknown)
  }
}

/** With limits, a type is beaten only by one that takes no more of what is limited. */
const undominated = ({ order, pool }: State, D: number): ReadonlyArray<number> => {
  const { room, limits, catalogue: { capacity } } = pool
  const beats = (a: number, b: number): boolean => {
    if (!holds(room, a * D, room, b * D, D)) return false
    if (limits === undefined) return true
    for (let d = 0; d < D; d++) {
      if (limits[d] !== Infinity && capacity[a * D + d]! > capacity[b * D + d]!) return false
    }
    return true
  }
  const out: Array<number> = []
  for (const t of order) if (!out.some((other) => beats(other, t))) out.push(t)
  return out
}

export class NodeStates {
  readonly all: Array<NodeState> = []
  private readonly model: Model
  private readonly kinds: ReadonlyArray<Kind>
  private readonly ids: Map<State, number> = new Map()
  private readonly bases: ReadonlyArray<number>
  private readonly meter: Meter

  constructor(model: Model, kinds: ReadonlyArray<Kind>, meter: Meter) {
    this.model = model
    this.kinds = kinds
    this.meter = meter
    this.bases = model.pools.map((pool, i) => this.of(i, model.states.empty(pool)))
  }

  /** An empty node of the pool; -1 where the pool has no type. */
  base(pool: number): number {
    return this.bases[pool]!
  }

  after(id: number, kind: number): number {
    const from = this.all[id]!
    const known = from.next[kind]!
    if (known !== unknown) return known
    const to = this.find(from, this.kinds[kind]!)
    from.next[kind] = to
    return to
  }

  private find(from: NodeState, kind: Kind): number {
    if (!kind.pools[from.pool]!) return impossible
    if (kind.requirements.size === 0 && kind.ports.length === 0) return from.id
    const { state } = from
    const { states, wellKnown } = this.model
    if (!compatible(state.requirements, kind.requirements, wellKnown)) return impossible
    const { pool } = state
    return this.of(
      from.pool,
      states.intern(pool, both(state.requirements, kind.requirements), pool.without(state.allowed, kind.ports))
    )
  }

  private of(pool: number, state: State): number {
    if (state.order.length === 0) return impossible
    let id = this.ids.get(state)
    if (id === undefined) {
      id = this.all.length
      this.ids.set(state, id)
      this.all.push(new NodeState(id, pool, state, this.kinds.length, this.model.dimensions.size))
      this.meter.spend(state.order.length * 32)
    }
    return id
  }
}
