/** Nodes to buy on capacity that is paid for already, while a pass fills them. */
import { relaxMinimums, shortfalls } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { Holding } from "./reservations.ts"
import { reservationOf, Reservations, reserved } from "./reservations.ts"
import { both } from "./requirements.ts"
import type { State } from "./states.ts"
import type { ValueSet } from "./valueSet.ts"
import { valueSet, valuesIn } from "./valueSet.ts"
import { CapacityTypeLabel } from "./wellKnown.ts"

export class Reserving {
  private readonly model: Model
  private readonly reservations: Reservations

  constructor(model: Model) {
    this.model = model
    this.reservations = new Reservations(model.reservations)
  }

  /** True where there is nothing to reserve. */
  get idle(): boolean {
    return this.reservations.isEmpty
  }

  /** What the node would hold in this state with these needs. */
  holding(node: number, state: State, need: Float64Array): Holding {
    const ids = new Set<string>()
    for (const t of state.holding(need, 0)) {
      for (const offering of state.pool.catalogue.offeringsFor(t, state.requirements)) {
        const id = reservationOf(offering)
        if (id !== undefined) ids.add(id)
      }
    }
    const holding = this.reservations.test(node, [...ids].sort())
    return typeof holding === "string" || state.minimums.length === 0 || this.covers(holding, state, need) ? holding : "deferred"
  }

  commit(node: number, state: State, need: Float64Array): void {
    const holding = this.holding(node, state, need)
    if (holding !== "deferred") this.reservations.commit(node, holding)
  }

  /**
   * What an empty node is to be: one whose types must cover minValues is not to draw from reservations, where they cover too little
   * and it can be had otherwise.
   */
  opening(state: State, need: Float64Array): State {
    if (this.idle || state.minimums.length === 0 || this.covers(this.model.reservations.keys(), state, need)) return state
    const terms = new Map([[CapacityTypeLabel, valueSet({ key: CapacityTypeLabel, operator: "NotIn", values: [reserved] })]])
    const other = this.model.states.intern(state.pool, both(state.requirements, terms), state.allowed)
    return other.order.length === 0 ? state : other
  }

  private paid(held: Iterable<string>, state: State): State {
    const terms = new Map<string, ValueSet>([[CapacityTypeLabel, valuesIn([reserved])]])
    const { reservationIdLabel } = this.model.problem
    if (reservationIdLabel !== undefined) terms.set(reservationIdLabel, valuesIn(held))
    return this.model.states.intern(state.pool, both(state.requirements, terms), state.allowed)
  }

  /** Whether what the reservations have covers the minValues; with BestEffort they are lowered to it. */
  private covers(held: Iterable<string>, state: State, need: Float64Array): boolean {
    if (this.model.problem.options?.minValuesPolicy === "BestEffort") return true
    const paid = this.paid(held, state)
    return paid.order.length > 0 && shortfalls(paid, need).size === 0
  }

  /** The finished node's state: one that holds reservations is bought on nothing else. */
  finished(node: number, state: State, need: Float64Array): State {
    const held = this.reservations.heldBy(node)
    if (held.size === 0) return state
    const paid = this.paid(held, state)
    const short = paid.minimums.length === 0 ? undefined : shortfalls(paid, need)
    return short === undefined || short.size === 0 ? paid
      : this.model.states.intern(paid.pool, relaxMinimums(paid.requirements, short), paid.allowed)
  }
}
