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
