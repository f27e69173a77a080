/**
 * Room within the limits of NodePools, where they leave pods out. A node to buy takes from them the most that any of its types has;
 * less once it gives up all that have more than the cheapest one that holds its pods.
 */
import type { Allowance } from "./allowance.ts"
import type { Fleet } from "./fleet.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import type { State } from "./states.ts"

/** True when nodes gave up types, and one of these pods, which have no place, may now have a node: labels and sizes allow it. */
export const makeRoom = (model: Model, fleet: Fleet, allowance: Allowance, left: ReadonlyArray<Run>): boolean => {
  if (model.reservations.size > 0 || allowance.charged.size === 0) return false
  const hasNode = (run: Run): boolean => canOpen(model, allowance, run)
  const stuck = left.filter((run) => run.podClass.refusal === undefined && !hasNode(run))
  if (stuck.length === 0) return false
  const smaller = [...allowance.charged.keys()].flatMap((node) => {
    const state = withoutLarger(model, fleet, node)
    return state === undefined ? [] : [{ node, state, before: allowance.recharge(node, state.largest(fleet.D).amounts) }]
  })
  if (stuck.some(hasNode)) {
    for (const { node, state } of smaller) fleet.become(node, state)
    return true
  }
  for (const { node, before } of smaller) allowance.recharge(node, before)
  return false
}

const canOpen = ({ pools, states }: Model, allowance: Allowance, { podClass: { steps }, request }: Run): boolean =>
  pools.some((_, i) => {
    const empty = allowance.empty(i)
    return empty !== undefined && steps.some((step) => step.pools[i]! && step.alternatives.some((demand) => {
      const state = states.after(empty, demand)
      return state !== undefined && state.cheapest(request, 0, request.length) >= 0
    }))
  })

/** The node without types that take more of its pool's limits; undefined where minValues ask for them, or rules about domains would notice. */
const withoutLarger = ({ limits, pools, states, topologyKeys }: Model, { D, state, used }: Fleet, node: number): State | undefined => {
  const own = states.all[state[node]!]!
  const { allowed, minimums, order, pool, requirements } = own
  const { capacity } = pool.catalogue
  const limit = limits[pools.indexOf(pool)]!.limits!
  const least = order[own.cheapest(used, node * D, D)]! * D
  const kept = allowed.slice()
  for (const t of order) {
    for (let d = 0; d < D; d++) {
      if (limit[d] !== Infinity && capacity[t * D + d]! > capacity[least + d]!) kept[t >>> 5]! &= ~(1 << (t & 31))
    }
  }
  const out = states.intern(pool, requirements, kept)
  const isAlike = topologyKeys.all.every((key) => out.reach(key).bits.every((word, i) => word === own.reach(key).bits[i]))
  return minimums.length === 0 && out !== own && isAlike ? out : undefined
}
