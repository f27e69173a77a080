/** A price that no plan can go below. */
import type { Bits } from "./bits.ts"
import { addBits, isEmptyBits, noBits } from "./bits.ts"
import { drained } from "./drained.ts"
import type { Model, PodClass } from "./model.ts"
import type { PackedNode } from "./packing.ts"
import type { Sold } from "./podTypes.ts"
import { PodTypes } from "./podTypes.ts"
import { pricing } from "./simplex.ts"

/** After so many others may have their turn. */
const runsAtOnce = 1000
const looksAtOnce = 200_000

/** How many demands the linear program may look at, and how long it may take. */
const mostRows = 160
const mostPivots = 400

/**
 * In US dollars an hour: no legal plan that has all pods of these nodes on new nodes costs less, whatever the nodes.
 *
 * It is what the pods would cost if they could be poured, and nodes be bought in fractions. For any set of pods, what they
 * request of a resource must be there on nodes of the types that can take at least one of them (taints, requirements and room,
 * each pod alone on an empty node, whichever of its wishes are given up). So for prices y >= 0 of such demands, chosen so that
 * no type has demands worth more than it costs, every plan costs at least the worth of all demands: a node's price is at least
 * what its room is worth, and all nodes together have room for every demand. Two further demands are true as well: that there is
 * one node among the types that take some pod, and that pods which keep each other off their nodes have enough of them.
 *
 * Whatever prices are used, the bound holds: they are found by the simplex method, and scaled down where rounding has made them
 * too high. The price per node is not in it, nor are limits, and minValues.
 */
export const lowerBound = (model: Model, nodes: ReadonlyArray<PackedNode>): number => drained(bounding(model, nodes))

/** As `lowerBound`, a few milliseconds at a time. */
export function* bounding(model: Model, nodes: ReadonlyArray<PackedNode>): Generator<void, number> {
  return nodes.length === 0 ? 0 : (yield* pricedDemands(model, nodes)).worth
}

/** Demands at prices by which no type is worth more than it costs. */
export interface PricedDemands {
  readonly types: ReadonlyArray<Sold>
  /** Which types can take a pod. */
  readonly able: PodTypes
  readonly demands: ReadonlyArray<Demand>
  /** By demand: what all of it is worth, in US dollars an hour. */
  readonly prices: Float64Array
  /** The sum. */
  readonly worth: number
}

/** The demands of the pods on these nodes, those apart that no type can take. A generator that works some milliseconds at a time. */
export function* pricedDemands(model: Model, nodes: ReadonlyArray<Pick<PackedNode, "pods">>): Generator<void, PricedDemands> {
  const types = typesOf(model)
  const able = new PodTypes(model, types)
  const demands = yield* demandsOf(model, types, able, nodes)
  const kept = yield* undominated(model, types, demands)
  const rows = kept.map((t) => {
    const row = new Float64Array(demands.length + 1)
    demands.forEach((demand, r) => {
      row[r] = share(model, types[t]!, t, demand)
    })
    row[demands.length] = types[t]!.price
    return row
  })
  const y = yield* pricing(rows, new Float64Array(demands.length).fill(1), mostPivots)
  let scale = 1
  types.forEach((type, t) => {
    let sum = 0
    demands.forEach((demand, r) => {
      sum += y[r]! * share(model, type, t, demand)
    })
    if (sum > type.price) scale = Math.min(scale, type.price / sum)
  })
  const scaled = y.map((price) => price * scale)
  return { types, able, demands, prices: scaled, worth: y.reduce((sum, price) => sum + price, 0) * scale }
}

const typesOf = ({ pools, states }: Model): ReadonlyArray<Sold> => pools.flatMap((pool, i) => {
  const { order, offerings } = states.empty(pool)
  return order.map((type, at) => ({ pool: i, type, price: offerings[at]!.price }))
})

/** So much of a resource, or so many nodes, is needed among these types. */
export interface Demand {
  /** Positions in the list of types. */
  readonly among: Bits
  /** A dimension; -1 for nodes. */
  readonly of: number
  readonly amount: number
  /** Where nodes are demanded to keep pods apart: whose. */
  readonly apart?: PodClass
}

/** The share of the demand that one node of the type covers. */
export const share = (model: Model, { pool, type }: Sold, at: number, { among, of, amount }: Demand): number => {
  if (((among[at >>> 5]! >>> (at & 31)) & 1) === 0) return 0
  return (of < 0 ? 1 : model.pools[pool]!.room[type * model.dimensions.size + of]!) / amount
}

/** Pods that the same types can take. */
interface Group {
  readonly among: Bits
  /** By dimension: what they request together. */
  readonly sum: Float64Array
}

function* demandsOf(
  model: Model, types: ReadonlyArray<Sold>, able: PodTypes, nodes: ReadonlyArray<Pick<PackedNode, "pods">>
): Generator<void, ReadonlyArray<Demand>> {
  const D = model.dimensions.size
  const count = new Int32Array(model.runs.length)
  for (const { pods } of nodes) for (const pod of pods) count[model.runOf[pod]!]!++
  const groups = new Map<string, Group>([[able.all.join(","), { among: able.all, sum: new Float64Array(D) }]])
  const apart = new Map<PodClass, { readonly among: Bits; pods: number }>()
  for (let r = 0; r < model.runs.length; r++) {
    const run = model.runs[r]!
    const pods = count[r]!
    if ((r + 1) % runsAtOnce === 0) yield
    if (pods === 0) continue
    const { among, key } = able.of(run)
    if (isEmptyBits(among)) continue
    let group = groups.get(key)
    if (group === undefined) groups.set(key, group = { among, sum: new Float64Array(D) })
    for (let d = 0; d < D; d++) group.sum[d]! += run.request[d]! * pods
    if (mostTogether(run.podClass) === Infinity) continue
    let known = apart.get(run.podClass)
    if (known === undefined) apart.set(run.podClass, known = { among: noBits(types.length), pods: 0 })
    addBits(known.among, among)
    known.pods += pods
  }
  const out: Array<Demand> = []
  const all = [...groups.values()]
  for (const { among } of all) {
    if (out.length + D + 1 > mostRows) break
    // What these types have to take: all pods that can go nowhere else.
    const sum = new Float64Array(D)
    for (const other of all) if (isWithin(other.among, among)) for (let d = 0; d < D; d++) sum[d]! += other.sum[d]!
    sum.forEach((amount, of) => {
      if (amount > 0) out.push({ among, of, amount })
    })
    out.push({ among, of: -1, amount: 1 })
  }
  for (const [podClass, { among, pods }] of [...apart].slice(0, mostRows)) {
    out.push({ among, of: -1, amount: Math.ceil(pods / mostTogether(podClass)), apart: podClass })
  }
  return out
}

/** How many pods of the class one node takes at most, by the rules that hold whichever wishes are given up. */
export const mostTogether = ({ steps, counts, ports }: PodClass): number => {
  let most = ports.length > 0 ? 1 : Infinity
  const caps = steps.map(({ limits }) =>
    limits.reduce((least, { group, atMost }) => counts.host.includes(group) ? Math.min(least, atMost + 1) : least, Infinity))
  most = Math.min(most, Math.max(...caps))
  return Math.max(1, most)
}

export const isWithin = (a: Bits, b: Bits): boolean => {
  for (let w = 0; w < a.length; w++) if ((a[w]! & ~b[w]!) !== 0) return false
  return true
}

/** Types that no other beats in price, room and the demands that they serve: the others cannot make the bound any lower. */
function* undominated(
  model: Model, types: ReadonlyArray<Sold>, demands: ReadonlyArray<Demand>
): Generator<void, ReadonlyArray<number>> {
  const out: Array<number> = []
  const shares = types.map((type, t) => demands.map((demand) => share(model, type, t, demand)))
  const byPrice = types.map((_, t) => t).sort((a, b) => types[a]!.price - types[b]!.price || a - b)
  let looks = 0
  for (const t of byPrice) {
    if (!out.some((other) => shares[other]!.every((own, r) => own >= shares[t]![r]!))) out.push(t)
    if ((looks += out.length * demands.length) < looksAtOnce) continue
    looks = 0
    yield
  }
  return out
}
