/** A node of a plan being searched for. */
import { shortfalls } from "../minValues.ts"
import type { PackedNode } from "../packing.ts"
import { holds } from "../states.ts"
import type { Allowance } from "./allowance.ts"
import type { Task } from "./task.ts"

export interface Bin {
  readonly pool: number
  /** The type it is priced as. */
  readonly type: number
  /** US dollars an hour. */
  readonly price: number
  /** The items on it, each once, and how many pods of each. */
  readonly items: Int32Array
  readonly copies: Int32Array
  readonly pods: number
  /** By dimension: what its pods request. */
  readonly used: Float64Array
  /** By dimension: what it takes from its pool's limits. Undefined where the pool has none. */
  readonly charge: Float64Array | undefined
  /** The node of the first plan that it is. */
  readonly origin: PackedNode | undefined
}

/** The state of a node with these items alone; -1 where they can't share one. */
export const stateOf = (task: Task, pool: number, items: Int32Array): number => {
  let state = task.states.base(pool)
  for (let i = 0; i < items.length && state >= 0; i++) state = task.states.after(state, task.kindOf[items[i]!]!)
  return state
}

/**
 * A node with these items, bought as the cheapest type that holds it and whose charge is allowed. Undefined where there is none,
 * or where its types would not cover its minValues.
 */
export const binOf = (task: Task, pool: number, items: Int32Array, copies: Int32Array, allowance: Allowance): Bin | undefined => {
  const id = stateOf(task, pool, items)
  if (id < 0) return undefined
  const { D, request } = task
  const used = new Float64Array(D)
  let pods = 0
  for (let i = 0; i < items.length; i++) {
    pods += copies[i]!
    for (let d = 0; d < D; d++) used[d]! += request[items[i]! * D + d]! * copies[i]!
  }
  const nodeState = task.states.all[id]!
  task.meter.spend(nodeState.types.length + items.length * 4)
  if (!isVaried(task, id, used)) return undefined
  const { room } = nodeState.state.pool
  for (const type of nodeState.types) {
    if (!holds(room, type * D, used, 0, D)) continue
    const charge = chargeOf(task, id, type, used)
    if (!allowance.allows(pool, charge)) continue
    return { pool, type, price: nodeState.price[type]!, items, copies, pods, used, charge, origin: undefined }
  }
  return undefined
}

/** True when the types that hold the node cover its minValues, as many of them as a node may name. */
const isVaried = (task: Task, id: number, used: Float64Array): boolean => {
  const { state } = task.states.all[id]!
  if (state.minimums.length === 0) return true
  task.meter.spend(state.order.length * 4)
  return shortfalls(state, used).size === 0
}

/**
 * What a node takes from its pool's limits. As the plan is written, the types of a node may be cut down to those that take no
 * more than the one it is priced as; with minValues they may not.
 */
const chargeOf = (task: Task, id: number, type: number, used: Float64Array): Float64Array | undefined => {
  const { state } = task.states.all[id]!
  const types = state.minimums.length === 0 ? [type] : state.holding(used, 0)
  return chargeOfTypes(task, task.states.all[id]!.pool, types)
}

/** A node of the first plan as a bin. */
export const binOfNode = (task: Task, node: PackedNode): Bin => {
  const { itemOf } = task.items
  const counts = new Map<number, number>()
  for (const pod of node.pods) {
    const item = itemOf[pod]!
    if (item >= 0) counts.set(item, (counts.get(item) ?? 0) + 1)
  }
  const items = Int32Array.from([...counts.keys()].sort((a, b) => a - b))
  const pool = task.model.pools.indexOf(node.state.pool)
  const [type] = node.types
  return {
    pool,
    type: type!,
    price: node.state.pool.catalogue.offering(type!, node.state.requirements)!.price,
    items,
    copies: items.map((item) => counts.get(item)!),
    pods: node.pods.length,
    used: node.used,
    charge: chargeOfTypes(task, pool, node.types),
    origin: node
  }
}

/** What a node that may be any of these types takes from its pool's limits. */
export const chargeOfTypes = (task: Task, index: number, types: ReadonlyArray<number>): Float64Array | undefined => {
  const { limits, catalogue: { capacity } } = task.model.pools[index]!
  if (limits === undefined) return undefined
  const { D } = task
  const most = new Float64Array(D)
  for (const t of types) for (let d = 0; d < D; d++) most[d] = Math.max(most[d]!, capacity[t * D + d]!)
  return most
}
