import { CPU, MEMORY } from "./dimensions.ts"
import type { Model } from "./model.ts"
import { hasBit } from "./bits.ts"

/** How many price ceilings are tried beside plain first-fit. */
const tries = 5

/**
 * Prices that a batch of pods is worth trying as ceilings, most promising first: those of the types by which the pods would
 * cost least if they could be poured into nodes of that type alone, counting whole nodes.
 */
export const ceilings = (model: Model): ReadonlyArray<number> => {
  const total = new Float64Array(model.dimensions.size)
  for (const run of model.runs) {
    if (run.podClass.refusal !== undefined) continue
    for (let d = 0; d < total.length; d++) total[d]! += run.request[d]! * run.pods.length
  }
  const costs = new Map<number, number>()
  for (const pool of model.pools) {
    pool.catalogue.types.forEach((_, t) => {
      if (!hasBit(pool.types, t)) return
      const row = pool.room.subarray(t * total.length, (t + 1) * total.length)
      if (row[CPU]! <= 0 || row[MEMORY]! <= 0) return
      let nodes = 1
      total.forEach((amount, d) => {
        if (amount > 0 && row[d]! > 0) nodes = Math.max(nodes, amount / row[d]!)
      })
      const { price } = pool.catalogue.offering(t, pool.requirements)!
      const cost = Math.ceil(nodes) * price
      costs.set(price, Math.min(cost, costs.get(price) ?? Infinity))
    })
  }
  return [...costs].sort((a, b) => a[1] - b[1] || a[0] - b[0]).slice(0, tries).map(([price]) => price)
}
