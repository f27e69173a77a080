import type { FirstFit } from "../firstFit.ts"
import type { Model } from "../model.ts"
import type { Step } from "../steps.ts"
import { holds } from "../states.ts"

/**
 * NodePool weights: a node of a lighter pool has to hold a pod that no heavier pool could take. The home of a pod is the heaviest
 * pool that could have a node for it alone, whatever rules about other pods say; not those, however, which are heavier than where
 * first-fit has put it and whose limits first-fit has used up.
 */
export class Homes {
  /** False when all pools weigh the same. */
  readonly matter: boolean
  private readonly model: Model
  private readonly pass: FirstFit
  private readonly known: Map<Step, Map<Float64Array, Map<number, number>>> = new Map()

  constructor(model: Model, pass: FirstFit) {
    this.model = model
    this.pass = pass
    this.matter = new Set(model.pools.map(({ weight }) => weight)).size > 1
  }

  /** The weight of the home of pods with this request; `own` is the pool where first-fit has put them. */
  weightOf(step: Step, request: Float64Array, own: number): number {
    if (!this.matter) return 0
    let ofStep = this.known.get(step)
    if (ofStep === undefined) this.known.set(step, ofStep = new Map())
    let ofRequest = ofStep.get(request)
    if (ofRequest === undefined) ofStep.set(request, ofRequest = new Map())
    let weight = ofRequest.get(own)
    if (weight === undefined) ofRequest.set(own, weight = this.find(step, request, own))
    return weight
  }

  private find(step: Step, request: Float64Array, own: number): number {
    const { pools, states, dimensions: { size } } = this.model
    const home = pools.find((pool, i) => {
      if (pool.weight <= pools[own]!.weight) return true
      if (!step.pools[i]! || this.pass.nodesLeft[i]! < 1) return false
      const state = states.after(states.empty(pool), step.demand)
      if (state === undefined) return false
      const left = this.pass.remaining[i]
      return state.order.some((t) => holds(pool.room, t * size, request, 0, size) &&
        (left === undefined || holds(left, 0, pool.catalogue.capacity, t * size, size)))
    })
    return home!.weight
  }
}
