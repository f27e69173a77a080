/** What a plan says about the nodes to buy: types, prices, requirements, minValues, limits and reservations. */
import type { InstanceType, NewNode, NodePool, Plan, Problem, Requirement } from "../../../src/scheduling/index.ts"
import { amounts, thousandths } from "./amounts.ts"
import { capacityTypeKey, meets, stableKey, typeKey } from "./labels.ts"
import type { World } from "./world.ts"

const poolOf = (problem: Problem, made: NewNode): NodePool | undefined =>
  problem.nodePools.find(({ metadata }) => metadata.name === made.nodePool)

/** Each type is to be had and holds what it is offered for; the cheapest comes first and is the one that is priced. */
const optionViolations = (world: World): ReadonlyArray<string> => world.spots.flatMap(({ made, faces }) => {
  if (made === undefined) return []
  const out: Array<string> = []
  const pool = poolOf(world.problem, made)
  if (pool === undefined) return [`${made.name} has no NodePool`]
  if (made.pods.length === 0) out.push(`${made.name} has no pods`)
  if (new Set(made.instanceTypeOptions).size < made.instanceTypeOptions.length) out.push(`${made.name} names a type twice`)
  const most = world.problem.options?.maxInstanceTypes ?? 600
  if (made.instanceTypeOptions.length > most) out.push(`${made.name} names too many types`)
  let last = -Infinity
  made.instanceTypeOptions.forEach((option, i) => {
    const mine = faces.filter(({ type }) => type!.name === option)
    if (mine.length === 0) return void out.push(`${made.name}: ${option} is not to be had`)
    const price = Math.min(...mine.map(({ offering }) => offering!.price))
    if (price < last) out.push(`${made.name}: ${option} is cheaper than those before it`)
    last = price
    if (i === 0 && (option !== made.instanceType || price !== made.hourlyPrice)) out.push(`${made.name}: wrong price or type`)
  })
  const isPriced = faces.some(({ type, offering }) => type!.name === made.instanceType && offering!.price === made.hourlyPrice &&
    offering!.zone === made.zone && offering!.capacityType === made.capacityType)
  if (!isPriced) out.push(`${made.name} is priced by an offering that is not there`)
  for (const face of faces) {
    for (const item of [...pool.spec.template.spec.requirements, ...made.requirements]) {
      if (!meets(item, face.labels)) out.push(`${face.name} does not have ${item.key} ${item.operator} ${item.values?.join()}`)
    }
  }
  for (const [key, value] of Object.entries(pool.spec.template.metadata?.labels ?? {})) {
    if (made.labels[key] !== value) out.push(`${made.name} lacks its NodePool's label ${key}`)
  }
  const { taints = [] } = pool.spec.template.spec
  if (JSON.stringify(made.taints) !== JSON.stringify(taints)) out.push(`${made.name} has other taints`)
  return out
})

/** Different values that the types of a node have under a label. */
const variety = (key: string, types: ReadonlyArray<InstanceType>): number => new Set(types.flatMap((type) => {
  if (stableKey(key) === typeKey) return [type.name]
  const fixed = type.labels?.[key]
  const named = (type.requirements ?? []).filter((item) => item.key === key && item.operator === "In")
  const offered = type.offerings.map((offering) => stableKey(key) === capacityTypeKey ? offering.capacityType : offering.zone)
  const isOffered = stableKey(key) === capacityTypeKey || stableKey(key) === "topology.kubernetes.io/zone"
  return fixed !== undefined ? [fixed] : isOffered ? offered : named.flatMap(({ values = [] }) => values)
})).size

const minValuesViolations = (problem: Problem, plan: Plan): ReadonlyArray<string> => plan.newNodes.flatMap((made) => {
  const asked = (poolOf(problem, made)?.spec.template.spec.requirements ?? []).filter(({ minValues }) => minValues !== undefined)
  const types = (problem.instanceTypes[made.nodePool] ?? []).filter(({ name }) => made.instanceTypeOptions.includes(name))
  const isShort = ({ key, minValues }: Requirement): boolean => variety(key, types) < minValues!
  const short = asked.filter(isShort)
  const { minValuesPolicy, maxInstanceTypes } = problem.options ?? {}
  if (made.minValuesRelaxed && minValuesPolicy !== "BestEffort") return [`${made.name} is relaxed under Strict`]
  // A list that was cut to its length is judged again under Strict only.
  const isCut = minValuesPolicy === "BestEffort" && made.instanceTypeOptions.length === maxInstanceTypes
  if (made.minValuesRelaxed || isCut) return []
  return short.map((item) => `${made.name}: fewer than ${item.minValues} values of ${item.key}`)
})

/** A NodePool is charged the most that any option of a node has. */
const limitViolations = (problem: Problem, plan: Plan): ReadonlyArray<string> => problem.nodePools.flatMap((pool) => {
  const { name } = pool.metadata
  const owned = problem.nodes.filter((node) => node.nodePool === name)
  const made = plan.newNodes.filter((node) => node.nodePool === name)
  return Object.entries(pool.spec.limits ?? {}).flatMap(([resource, limit]) => {
    const capacity = (option: string): number =>
      amounts(problem.instanceTypes[name]!.find((type) => type.name === option)?.capacity).get(resource) ?? 0
    const now = owned.reduce((sum, node) => sum + (resource === "nodes" ? 1000 : amounts(node.capacity).get(resource) ?? 0), 0)
    const more = made.reduce(
      (sum, node) => sum + (resource === "nodes" ? 1000 : Math.max(...node.instanceTypeOptions.map(capacity))), 0
    )
    return more > 0 && now + more > thousandths(limit) ? [`${name} goes over its limit of ${limit} ${resource}`] : []
  })
})

/** No more nodes hold a reservation than it has room for. */
const reservationViolations = (world: World): ReadonlyArray<string> => {
  const capacity = new Map<string, number>()
  const held = new Map<string, Set<string>>()
  for (const type of Object.values(world.problem.instanceTypes).flat()) {
    for (const { capacityType, reservationId = "", reservationCapacity = 0, available } of type.offerings) {
      if (capacityType !== "reserved" || available === false) continue
      capacity.set(reservationId, Math.min(capacity.get(reservationId) ?? Infinity, reservationCapacity))
    }
  }
  for (const { name, made, faces } of world.spots) {
    for (const { offering } of made === undefined ? [] : faces) {
      if (offering!.capacityType !== "reserved") continue
      const id = offering!.reservationId ?? ""
      held.set(id, (held.get(id) ?? new Set()).add(name))
    }
  }
  return [...held].flatMap(([id, names]) => names.size > (capacity.get(id) ?? 0) ? [
    `reservation ${id} is held by ${[...names].join(" ")}, it has room for ${capacity.get(id) ?? 0}`
  ] : [])
}

const totalViolations = ({ totals, newNodes, unschedulable }: Plan): ReadonlyArray<string> => {
  const price = newNodes.reduce((sum, node) => sum + node.hourlyPrice, 0)
  const out: Array<string> = []
  if (totals.newNodes !== newNodes.length || totals.unschedulable !== unschedulable.length) out.push("the totals are others")
  if (Math.abs(totals.hourlyPrice - price) > 1e-9) out.push(`the total is ${totals.hourlyPrice}, the nodes cost ${price}`)
  if ((totals.lowerBound ?? 0) > price + 1e-9) out.push(`the lower bound is ${totals.lowerBound}, the nodes cost ${price}`)
  if (new Set(newNodes.map(({ name }) => name)).size < newNodes.length) out.push("two nodes have one name")
  return out
}

export const newNodeViolations = (world: World, plan: Plan): ReadonlyArray<string> => [
  ...optionViolations(world), ...minValuesViolations(world.problem, plan), ...limitViolations(world.problem, plan),
  ...reservationViolations(world), ...totalViolations(plan)
]
