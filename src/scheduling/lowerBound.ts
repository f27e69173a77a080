/** A price that no plan can go below. */
import { intersectBits, noBits, setBit } from "./bits.ts"
import type { Bits } from "./bits.ts"
import type { Model, PodClass } from "./model.ts"
import type { Run } from "./runs.ts"
import type { PackedNode } from "./packing.ts"
import { prices } from "./simplex.ts"

/** How many demands the linear program may look at, and how long it may take. */
const mostRows = 160
const mostPivots = 400

/** How many steps of pods' ladders are looked at for the types that they allow; pods of others are taken to allow all. */
const mostDemands = 48

/**
 * In US dollars an hour: no legal plan that has all pods of these nodes on new nodes costs less, whatever the nodes.
 *
 * It is what the pods would cost if they could be poured, and nodes be bought in fractions. For any set of pods, what they request of a
 * resource must be there on nodes of the types that can take at least one of them (taints, requirements and room, each pod alone
 * on an empty node, whichever of its wishes are given up). So for prices y >= 0 of such demands, chosen so that no type has
 * demands worth more than it costs, every plan costs at least the worth of all demands: a node's price is at least what its room
 * is worth, and all nodes together have room for every demand. Two further demands are true as well: that there is one node among the types
 * that take some pod, and that pods which keep each other off their nodes have enough of them.
 *
 * Whatever prices are used, the bound holds: they are found by the simplex method, and scaled down where rounding has made them too high.
 * The price per node is not in it, nor are limits, and minValues.
 */
export const lowerBound = (model: Model, nodes: ReadonlyArray<PackedNode>): number => {
  if (nodes.length === 0) return 0
  const types = typesOf(model)
  const demands = demandsOf(model, types, nodes)
  const kept = undominated(model, types, demands)
  const rows = kept.map((t) => {
    const row = new Float64Array(demands.length + 1)
    demands.forEach((demand, r) => {
      row[r] = share(model, types[t]!, t, demand)
    })
    row[demands.length] = types[t]!.price
    return row
  })
  const y = prices(rows, new Float64Array(demands.length).fill(1), mostPivots)
  let worth = 0
  let scale = 1
  types.forEach((type, t) => {
    let sum = 0
    demands.forEach((demand, r) => {
      sum += y[r]! * share(model, type, t, demand)
    })
    if (sum > type.price) scale = Math.min(scale, type.price / sum)
  })
  for (const price of y) worth += price
  return worth * scale
}

/** A type of a pool, at its cheapest. */
interface Sold {
  readonly pool: number
  readonly type: number
  readonly price: number
}

const typesOf = ({ pools, states }: Model): ReadonlyArray<Sold> => pools.flatMap((pool, i) => {
  const { order, offerings } = states.intern(pool, pool.requirements, pool.types)
  return order.map((type, at) => ({ pool: i, type, price: offerings[at]!.price }))
})

/** So much of a resource, or so many nodes, is needed among these types. */
interface Demand {
  /** Positions in the list of types. */
  readonly among: Bits
  /** A dimension; -1 for nodes. */
  readonly of: number
  readonly amount: number
}

/** The share of the demand that one node of the type covers. */
const share = (model: Model, { pool, type }: Sold, at: number, { among, of, amount }: Demand): number => {
  if (((among[at >>> 5]! >>> (at & 31)) & 1) === 0) return 0
  return (of < 0 ? 1 : model.pools[pool]!.room[type * model.dimensions.size + of]!) / amount
}

interface Group {
  readonly run: Run
  readonly among: Bits
  readonly pods: number
}

const demandsOf = (model: Model, types: ReadonlyArray<Sold>, nodes: ReadonlyArray<PackedNode>): ReadonlyArray<Demand> => {
  const groups = groupsOf(model, types, nodes)
  const D = model.dimensions.size
  const sets = new Map<string, { readonly among: Bits; readonly sum: Float64Array }>()
  const everything = noBits(types.length)
  types.forEach((_, t) => setBit(everything, t))
  for (const among of [everything, ...groups.map((group) => group.among)]) {
    const key = among.join(",")
    if (!sets.has(key)) sets.set(key, { among, sum: new Float64Array(D) })
  }
  // What a set of types has to take: all pods that can go nowhere else.
  for (const { among, run: { request }, pods } of groups) {
    for (const set of sets.values()) {
      if (isWithin(among, set.among)) for (let d = 0; d < D; d++) set.sum[d]! += request[d]! * pods
    }
  }
  const out: Array<Demand> = []
  for (const { among, sum } of sets.values()) {
    if (out.length + D + 1 > mostRows) break
    sum.forEach((amount, of) => {
      if (amount > 0) out.push({ among, of, amount })
    })
    out.push({ among, of: -1, amount: 1 })
  }
  return [...out, ...apart(groups)]
}

/** The pods by run, each with the types that can take one of them alone. */
const groupsOf = (model: Model, types: ReadonlyArray<Sold>, nodes: ReadonlyArray<PackedNode>): ReadonlyArray<Group> => {
  const count = new Int32Array(model.runs.length)
  for (const { pods } of nodes) for (const pod of pods) count[model.runOf[pod]!]!++
  const allowed = new Map<PodClass, Bits>()
  const all = noBits(types.length)
  types.forEach((_, t) => setBit(all, t))
  const looked = new Set<number>()
  const { pools, states, dimensions: { size } } = model
  const bases = pools.map((pool) => states.intern(pool, pool.requirements, pool.types))
  const starts = new Map<string, number>(types.map(({ pool, type }, t) => [`${pool} ${type}`, t]))
  const allowedBy = (podClass: PodClass): Bits => {
    for (const { demand } of podClass.steps) looked.add(demand.id)
    if (looked.size > mostDemands) return all
    const out = noBits(types.length)
    for (const step of podClass.steps) {
      pools.forEach((_, i) => {
        const after = step.pools[i]! ? states.after(bases[i]!, step.demand) : undefined
        for (const type of after?.order ?? []) setBit(out, starts.get(`${i} ${type}`)!)
      })
    }
    return out
  }
  return model.runs.flatMap((run, r) => {
    if (count[r] === 0) return []
    let own = allowed.get(run.podClass)
    if (own === undefined) allowed.set(run.podClass, own = allowedBy(run.podClass))
    const among = noBits(types.length)
    types.forEach(({ pool, type }, t) => {
      const { room } = pools[pool]!
      for (let d = 0; d < size; d++) if (run.request[d]! > room[type * size + d]!) return
      setBit(among, t)
    })
    intersectBits(among, own)
    return [{ run, among, pods: count[r]! }]
  })
}

/** How many nodes the pods need of which a node takes only so many: those with rules against their like, or with host ports. */
const apart = (groups: ReadonlyArray<Group>): ReadonlyArray<Demand> => {
  const byClass = new Map<PodClass, { readonly among: Bits; pods: number }>()
  for (const { run: { podClass }, among, pods } of groups) {
    if (mostTogether(podClass) === Infinity) continue
    const known = byClass.get(podClass)
    if (known === undefined) byClass.set(podClass, { among: among.slice(), pods })
    else {
      known.pods += pods
      for (let w = 0; w < among.length; w++) known.among[w]! |= among[w]!
    }
  }
  return [...byClass].slice(0, mostRows)
    .map(([podClass, { among, pods }]) => ({ among, of: -1, amount: Math.ceil(pods / mostTogether(podClass)) }))
}

/** How many pods of the class one node takes at most. */
const mostTogether = ({ counts, ports, steps }: PodClass): number => {
  let most = ports.length > 0 ? 1 : Infinity
  const limits = steps[steps.length - 1]?.limits ?? []
  for (const { group, atMost } of limits) if (counts.host.includes(group)) most = Math.min(most, atMost + 1)
  return Math.max(1, most)
}

const isWithin = (a: Bits, b: Bits): boolean => {
  for (let w = 0; w < a.length; w++) if ((a[w]! & ~b[w]!) !== 0) return false
  return true
}

/** Types that no other beats in price, room and the demands that they serve: the others cannot make the bound any lower. */
const undominated = (model: Model, types: ReadonlyArray<Sold>, demands: ReadonlyArray<Demand>): ReadonlyArray<number> => {
  const out: Array<number> = []
  const shares = types.map((type, t) => demands.map((demand) => share(model, type, t, demand)))
  const byPrice = types.map((_, t) => t).sort((a, b) => types[a]!.price - types[b]!.price || a - b)
  for (const t of byPrice) if (!out.some((other) => shares[other]!.every((own, r) => own >= shares[t]![r]!))) out.push(t)
  return out
}
