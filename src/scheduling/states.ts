/**
 * What a node to come may still be, interned: its NodePool, the requirements it has taken on, and the instance types left.
 * Thousands of nodes share a handful of states, so a node holds a number, and merging requirements is a look-up.
 */
import type { Bits } from "./bits.ts"
import { allBits, hasBit, identityOfBits, intersectBits, isEmptyBits, members } from "./bits.ts"
import type { Catalogue } from "./catalogue.ts"
import type { TopologyKey } from "./domains.ts"
import type { Offering } from "./problem.ts"
import type { Pool } from "./pools.ts"
import { matchingTypes } from "./pools.ts"
import type { HostPort } from "./hostPorts.ts"
import type { Requirements } from "./requirements.ts"
import { both, compatible, identityOfRequirements } from "./requirements.ts"
import type { ValueSet } from "./valueSet.ts"
import { valuesIn } from "./valueSet.ts"

/** Requirements and host ports of a class of pods, interned: what changes a state. */
export interface Demand {
  readonly id: number
  readonly requirements: Requirements
  readonly ports: ReadonlyArray<HostPort>
}

/** In which domains of a label a node can still be. */
export class Reach {
  readonly bits: Bits
  /** The one domain left, -1 while there are several or none. */
  readonly sole: number
  /** True when the requirements say so themselves, and not only what is to be had. */
  readonly said: boolean
  /** True when the requirements name one or several. */
  readonly listed: boolean
  /** True when the node will not have the label. */
  readonly unlabelled: boolean
  /** The domains, cheapest first, once somebody has asked. */
  byPrice: ReadonlyArray<number> | undefined = undefined

  constructor(bits: Bits, listed: boolean, said: boolean, unlabelled: boolean) {
    this.bits = bits
    this.listed = listed
    this.unlabelled = unlabelled
    const left = members(bits)
    this.sole = left.length === 1 ? left[0]! : -1
    this.said = said
  }
}

export class State {
  readonly id: number
  readonly pool: Pool
  readonly requirements: Requirements
  /** How many types a node may name. */
  readonly mostTypes: number
  /** The types that limits, daemons' ports and a price ceiling leave, whatever the requirements. */
  readonly allowed: Bits
  /** Types left, as bits. */
  readonly types: Bits
  /** The same, cheapest first, then by name. */
  readonly order: ReadonlyArray<number>
  /** What they are bought as, in the same order. */
  readonly offerings: ReadonlyArray<Offering>
  /** The labels of which the types left must cover so many values. */
  readonly minimums: ReadonlyArray<readonly [key: string, count: number]>
  /** By id of demand: the state after it, -1 where it cannot be met, absent while unknown. */
  readonly after: Array<number | undefined> = []
  readonly ceilings: Map<number, State> = new Map()
  /** The rooms that no other beats in every dimension, row by row: a need fits some type exactly if it fits one of these. */
  private front: Float64Array | undefined = undefined
  private most: Largest | undefined = undefined
  /** By id of topology key. */
  private readonly reaches: Array<Reach | undefined> = []
  /** By topology key and domain, or domains: the state narrowed to it; null where that cannot be. */
  readonly narrowed: Map<number | string, State | null> = new Map()
  /** By what of the pool's types holds a need, and by what of that is left here: many needs leave the same. */
  private readonly held: Map<Bits, ReadonlyArray<number>> = new Map()
  private readonly lists: Map<string, ReadonlyArray<number>> = new Map()

  constructor(id: number, pool: Pool, requirements: Requirements, allowed: Bits, D: number, mostTypes: number) {
    this.id = id
    this.mostTypes = mostTypes
    this.pool = pool
    this.requirements = requirements
    this.allowed = allowed
    const { catalogue } = pool
    const market = catalogue.market(requirements)
    const types = matchingTypes(catalogue, requirements, allowed)
    intersectBits(types, market.sold)
    this.types = types
    this.order = market.order.filter((t) => hasBit(types, t))
    this.offerings = this.order.map((t) => market.offerings[t]!)
    const minimums: Array<readonly [string, number]> = []
    for (const [key, set] of requirements) if (set.minValues !== undefined) minimums.push([key, set.minValues])
    this.minimums = minimums
  }

  private listOf(holding: Bits): ReadonlyArray<number> {
    const bits = holding.slice()
    intersectBits(bits, this.types)
    const key = identityOfBits(bits)
    let list = this.lists.get(key)
    if (list === undefined) {
      list = this.order.filter((t) => hasBit(bits, t))
      this.lists.set(key, list)
    }
    return list
  }

  reach(key: TopologyKey): Reach {
    let reach = this.reaches[key.id]
    if (reach === undefined) {
      const own = this.requirements.get(key.label)
      const listed = own !== undefined && !own.complement && !own.absent
      const bits = key.reachable(this.pool, this.requirements, this.order)
      reach = new Reach(bits, listed, listed && own.values.size === 1, isEmptyBits(bits) && !this.canHave(key.label))
      while (this.reaches.length <= key.id) this.reaches.push(undefined)
      this.reaches[key.id] = reach
    }
    return reach
  }

  /** Whether a node in this state can have the label at all. */
  private canHave(label: string): boolean {
    const labelled = (set: ValueSet | undefined): boolean => set !== undefined && (set.complement ? !set.absent : set.values.size > 0)
    return labelled(this.requirements.get(label)) || this.order.some((t) => labelled(this.pool.catalogue.requirement(t, label)))
  }

  /** By dimension: the most capacity of any type left. */
  largest(D: number): Largest {
    return this.most ??= largestOf(this.pool.catalogue.capacity, this.order, D)
  }

  /** By dimension: the most capacity of any type left that holds the need. */
  mostHolding(need: Float64Array, D: number): Float64Array {
    const { pool: { room, catalogue: { capacity } } } = this
    const { amounts, types } = this.largest(D)
    let all = true
    for (let d = 0; d < D && all; d++) all = holds(room, types[d]! * D, need, 0, D)
    if (all) return amounts
    const most = new Float64Array(D)
    for (const t of this.order) {
      if (!holds(room, t * D, need, 0, D)) continue
      for (let d = 0; d < D; d++) if (capacity[t * D + d]! > most[d]!) most[d] = capacity[t * D + d]!
    }
    return most
  }

  /** The types left that hold the need found at `at` in `needs`, cheapest first. Equal answers are one array. */
  holding(needs: Float64Array, at: number): ReadonlyArray<number> {
    const holding = this.pool.rooms.holding(needs, at)
    let types = this.held.get(holding)
    if (types === undefined) {
      types = this.listOf(holding)
      this.held.set(holding, types)
    }
    return types
  }

  /** Position in `order` of the cheapest type that holds the need found at `at` in `needs`; -1 if none does. */
  cheapest(needs: Float64Array, at: number, D: number): number {
    const { order, pool: { room } } = this
    for (let i = 0; i < order.length; i++) if (holds(room, order[i]! * D, needs, at, D)) return i
    return -1
  }

  /** True when some type left holds the sum of what is used and what is wanted. */
  admits(used: Float64Array, at: number, want: Float64Array, D: number): boolean {
    const front = this.front ??= frontOf(this.pool.room, this.order, D)
    for (let f = 0; f < front.length; f += D) {
      let d = 0
      while (d < D && used[at + d]! + want[d]! <= front[f + d]!) d++
      if (d === D) return true
    }
    return false
  }
}

/** True when the need found at `at` fits the room found at `row`. */
export const holds = (room: Float64Array, row: number, needs: Float64Array, at: number, D: number): boolean => {
  for (let d = 0; d < D; d++) if (needs[at + d]! > room[row + d]!) return false
  return true
}

/** By dimension: the most that any type has, and a type that has it. */
interface Largest {
  readonly amounts: Float64Array
  readonly types: Int32Array
}

const largestOf = (capacity: Float64Array, order: ReadonlyArray<number>, D: number): Largest => {
  const amounts = new Float64Array(D)
  const types = new Int32Array(D)
  for (const t of order) {
    for (let d = 0; d < D; d++) {
      if (capacity[t * D + d]! <= amounts[d]!) continue
      amounts[d] = capacity[t * D + d]!
      types[d] = t
    }
  }
  return { amounts, types }
}

const frontOf = (room: Float64Array, order: ReadonlyArray<number>, D: number): Float64Array => {
  let best: Array<number> = []
  // The dearest first: they beat most others.
  for (let i = order.length - 1; i >= 0; i--) {
    const row = order[i]! * D
    if (best.some((other) => holds(room, other, room, row, D))) continue
    best = best.filter((other) => !holds(room, row, room, other, D))
    best.push(row)
  }
  const front = new Float64Array(best.length * D)
  best.forEach((row, i) => front.set(room.subarray(row, row + D), i * D))
  return front
}

export class States {
  readonly all: Array<State> = []
  private readonly ids: Map<Pool, Map<string, State>> = new Map()
  /** By catalogue and id of demand: the types that meet it by themselves. */
  private readonly matching: Map<Catalogue, Array<Bits | undefined>> = new Map()
  /** How many types a node may name: the cheapest that hold it. */
  readonly mostTypes: number
  private readonly D: number
  private readonly wellKnown: ReadonlySet<string>

  constructor(D: number, wellKnown: ReadonlySet<string>, mostTypes: number) {
    this.D = D
    this.mostTypes = mostTypes
    this.wellKnown = wellKnown
  }

  intern(pool: Pool, requirements: Requirements, allowed: Bits): State {
    let ofPool = this.ids.get(pool)
    if (ofPool === undefined) {
      ofPool = new Map()
      this.ids.set(pool, ofPool)
    }
    const identity = `${allowed.join(",")}\n${identityOfRequirements(requirements)}`
    let state = ofPool.get(identity)
    if (state === undefined) {
      state = new State(this.all.length, pool, requirements, allowed, this.D, this.mostTypes)
      this.all.push(state)
      ofPool.set(identity, state)
    }
    return state
  }

  /** What an empty node of the pool may be, limits apart. */
  empty(pool: Pool): State {
    return this.intern(pool, pool.requirements, pool.types)
  }

  /** The state after taking a pod with this demand; undefined where the demand cannot be met or leaves no type. */
  after(state: State, demand: Demand): State | undefined {
    let id = state.after[demand.id]
    if (id === undefined) {
      const next = compatible(state.requirements, demand.requirements, this.wellKnown) && this.leavesTypes(state, demand)
        ? this.intern(state.pool, both(state.requirements, demand.requirements), state.pool.without(state.allowed, demand.ports))
        : undefined
      id = next === undefined || next.order.length === 0 ? -1 : next.id
      while (state.after.length < demand.id) state.after.push(undefined)
      state.after[demand.id] = id
    }
    return id < 0 ? undefined : this.all[id]!
  }

  /** Whether some type left meets the demand by itself: what is to be had for both may still be nothing, but this is cheap to know. */
  private leavesTypes({ pool: { catalogue }, types }: State, demand: Demand): boolean {
    let ofDemand = this.matching.get(catalogue)
    if (ofDemand === undefined) {
      ofDemand = []
      this.matching.set(catalogue, ofDemand)
    }
    while (ofDemand.length <= demand.id) ofDemand.push(undefined)
    const meeting = ofDemand[demand.id] ??= matchingTypes(catalogue, demand.requirements, allBits(catalogue.types.length))
    for (let w = 0; w < types.length; w++) if ((types[w]! & meeting[w]!) !== 0) return true
    return false
  }

  /** The domains that a node in this state can be in, the one with the cheapest offering first, then by name. */
  byPrice(state: State, key: TopologyKey): ReadonlyArray<number> {
    const reach = state.reach(key)
    if (reach.byPrice === undefined) {
      const price = (domain: number): number => this.within(state, key, domain)?.offerings[0]!.price ?? Infinity
      reach.byPrice = members(reach.bits).map((domain) => ({ domain, price: price(domain) }))
        .sort((a, b) => a.price === b.price ? a.domain - b.domain : a.price - b.price)
        .map(({ domain }) => domain)
    }
    return reach.byPrice
  }

  /** The state of a node that is to be in that domain; undefined where it cannot be or no type is left. */
  within(state: State, key: TopologyKey, domain: number): State | undefined {
    const memo = key.id * 0x100000 + domain
    const known = state.narrowed.get(memo)
    return known === undefined ? this.narrow(state, key, [domain], memo) : known ?? undefined
  }

  /** The same for one of several domains. */
  among(state: State, key: TopologyKey, domains: Bits): State | undefined {
    const memo = `${key.id} ${domains.join()}`
    const known = state.narrowed.get(memo)
    return known === undefined ? this.narrow(state, key, members(domains), memo) : known ?? undefined
  }

  private narrow(state: State, key: TopologyKey, domains: ReadonlyArray<number>, memo: number | string): State | undefined {
    const want = new Map([[key.label, valuesIn(domains.map((domain) => key.values[domain]!))]])
    const narrowed = domains.length > 0 && compatible(state.requirements, want, this.wellKnown)
      ? this.intern(state.pool, both(state.requirements, want), state.allowed)
      : undefined
    const next = narrowed === undefined || narrowed.order.length === 0 ? undefined : narrowed
    state.narrowed.set(memo, next ?? null)
    return next
  }

  /** The same state with no type dearer than the price. */
  upTo(state: State, price: number): State {
    let out = state.ceilings.get(price)
    if (out === undefined) {
      const allowed = state.allowed.slice()
      state.order.forEach((t, i) => {
        if (state.offerings[i]!.price > price) allowed[t >>> 5]! &= ~(1 << (t & 31))
      })
      out = this.intern(state.pool, state.requirements, allowed)
      state.ceilings.set(price, out)
    }
    return out
  }
}
