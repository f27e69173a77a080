import type { State } from "./states.ts"

/** A node to buy, as a pass or the search leaves it. */
export interface PackedNode {
  /** What it may still be: its requirements are those of its NodePool and of all of its pods. */
  readonly state: State
  /** Positions in the problem's pods, in the order they came. */
  readonly pods: ReadonlyArray<number>
  /** By dimension: what its pods request. */
  readonly used: Float64Array
  /** Positions in the catalogue of the types it may be bought as, cheapest first: each holds its pods. */
  readonly types: ReadonlyArray<number>
}

/** US dollars an hour, as the cheapest of its types. */
export const priceOf = ({ state, types }: PackedNode): number =>
  state.pool.catalogue.offering(types[0]!, state.requirements)!.price

export const totalPrice = (nodes: ReadonlyArray<PackedNode>): number => nodes.reduce((sum, node) => sum + priceOf(node), 0)
