/** As what a replacement is bought: its price is what it costs at worst, so that no command saves less than it says. */
import { uncovered } from "../minValues.ts"
import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { Offering } from "../problem.ts"
import { both } from "../requirements.ts"
import { reserved } from "../reservations.ts"
import type { State } from "../states.ts"
import { valuesIn } from "../valueSet.ts"
import { CapacityTypeLabel } from "../wellKnown.ts"

export const spot = "spot"

/** In the order in which a launch asks for them. */
const rank = (capacityType: string): number => capacityType === reserved ? 0 : capacityType === spot ? 1 : 2

export interface Launch {
  /** The node, held to one capacity type and to the types that cost no more than promised. */
  readonly node: PackedNode
  /** The same before it was held to anything. */
  readonly open: PackedNode
  readonly capacityType: string
  /** In US dollars an hour: the dearest that it may turn out to be. */
  readonly price: number
}

interface Sold {
  readonly type: number
  readonly capacityType: string
  readonly price: number
}

/**
 * The launch with the lowest promise. `least`: so many types at least, for who must have substitutes. Undefined where there is no such
 * launch, or where its types would not cover its minValues.
 */
export const launchOf = (model: Model, node: PackedNode, least = 1): Launch | undefined => {
  const sold = node.types.flatMap((type) => worstOf(node.state, type) ?? [])
  const isBetter = (a: Sold, b: Sold): boolean =>
    a.price < b.price || (a.price === b.price && rank(a.capacityType) < rank(b.capacityType))
  const capacityType = sold.reduce<Sold | undefined>((best, one) => best === undefined || isBetter(one, best) ? one : best, undefined)
    ?.capacityType
  if (capacityType === undefined) return undefined
  const state = heldTo(model, node.state, capacityType)
  const usable = sold.filter((one) => one.capacityType === capacityType).sort((a, b) => a.price - b.price || a.type - b.type)
  for (let i = least - 1; i < usable.length; i++) {
    const { price } = usable[i]!
    // Whoever asks for no more than one gets all of that price.
    if (least === 1 && usable[i + 1]?.price === price) continue
    const cheap = new Set(usable.slice(0, i + 1).map(({ type }) => type))
    const types = state.order.filter((type) => cheap.has(type))
    if (state.minimums.length === 0 || uncovered(state, types.slice(0, state.mostTypes)).size === 0) {
      return { node: { ...node, state, types }, open: node, capacityType, price }
    }
  }
  return undefined
}

/** The dearest offering of the first capacity type that the type is to be had as. */
const worstOf = (state: State, type: number): Sold | undefined => {
  const all = state.pool.catalogue.offeringsFor(type, state.requirements)
  const first = Math.min(...all.map(({ capacityType }) => rank(capacityType)))
  let worst: Offering | undefined
  for (const offering of all) {
    if (rank(offering.capacityType) === first && (worst === undefined || offering.price > worst.price)) worst = offering
  }
  return worst === undefined ? undefined : { type, capacityType: worst.capacityType, price: worst.price }
}

const heldTo = ({ states }: Model, state: State, capacityType: string): State =>
  states.intern(state.pool, both(state.requirements, new Map([[CapacityTypeLabel, valuesIn([capacityType])]])), state.allowed)
