/** Why one NodePool can't have a node for a pod, and what was missing least. */
import type { Bits } from "./bits.ts"
import { allBits, isEmptyBits, members } from "./bits.ts"
import type { FirstFit } from "./firstFit.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import type { Refusal, UnschedulableReason } from "./plan.ts"
import type { Pool } from "./pools.ts"
import { availableTypes, matchingTypes } from "./pools.ts"
import { formatAmount } from "./quantity.ts"
import { objectionOf } from "./refusalByOthers.ts"
import type { Requirements } from "./requirements.ts"
import { both, conflict, describeRequirements, likelyKey } from "./requirements.ts"
import { holds } from "./states.ts"
import { shortfalls } from "./minValues.ts"
import type { Step } from "./steps.ts"
import { describeTaint, untolerated } from "./taints.ts"
import { describeValues } from "./valueSet.ts"

/** The tests in the order in which a node would meet them; the first that fails is the reason. */
export const refusalOf = (model: Model, pass: FirstFit, run: Run, step: Step, index: number): Refusal => {
  const pool = model.pools[index]!
  const refuse = (reason: UnschedulableReason, message: string): Refusal => ({ nodePool: pool.name, reason, message })
  const { catalogue } = pool
  const everything = allBits(catalogue.types.length)
  const want = step.demand.requirements

  if (catalogue.types.length === 0) return refuse("NoInstanceTypes", `NodePool ${pool.name} has no instance types`)
  const taints = untolerated(pool.taints, step.tolerations)
  if (taints.length > 0) {
    return refuse("TaintsNotTolerated", `does not tolerate ${taints.map(describeTaint).join(", ")} of NodePool ${pool.name}`)
  }
  const key = conflict(pool.requirements, want, model.wellKnown)
  if (key !== undefined) return refuse("IncompatibleRequirements", disagreement(pool, want, key, model.wellKnown))
  if (isEmptyBits(pool.types)) {
    return refuse("NoInstanceTypes", `no instance type meets the requirements of NodePool ${pool.name} and is to be had`)
  }
  const requirements = both(pool.requirements, want)
  const matching = matchingTypes(catalogue, requirements, everything)
  if (members(matching).length === 0) {
    return refuse(
      "IncompatibleRequirements", `no instance type that NodePool ${pool.name} allows has ${describeRequirements(want)}`
    )
  }
  const available = availableTypes(catalogue, requirements, pool.types)
  if (isEmptyBits(available)) {
    const asked = describeRequirements(want)
    return refuse(
      "NoOffering", `no instance type${asked === "" ? "" : ` with ${asked}`} that NodePool ${pool.name} allows is to be had now`
    )
  }
  const fitting = fittingTypes(model, pool, run, available)
  if (fitting.length === 0) return refuse("InsufficientResources", shortage(model, pool, run, available))

  const clashing = pool.without(available, run.podClass.ports)
  if (fittingTypes(model, pool, run, clashing).length === 0) {
    const ports = run.podClass.ports.map((port) => `${port.port}/${port.protocol}`).join(", ")
    return refuse("HostPortConflict", `its host port ${ports} is taken by a DaemonSet on every node of NodePool ${pool.name}`)
  }
  if (pass.nodesLeft[index]! < 1) return refuse("LimitsExceeded", `NodePool ${pool.name} may have no more nodes (limit nodes)`)
  const remaining = pass.remaining[index]
  if (remaining !== undefined) {
    const over = beyondLimits(model, pool, fitting, remaining)
    if (over !== undefined) return refuse("LimitsExceeded", over)
  }
  const state = model.states.intern(pool, requirements, pool.types)
  const objection = objectionOf(model, pass, step, state)
  if (objection !== undefined) return refuse(objection.reason, objection.message)
  const short = [...shortfalls(state, run.request, model.dimensions.size)][0]
  if (short !== undefined) {
    const wanted = state.requirements.get(short[0])!.minValues
    return refuse(
      "MinValuesNotMet",
      `the instance types that hold it have ${short[1]} values of ${short[0]}, NodePool ${pool.name} wants ${wanted}`
    )
  }
  return refuse("InsufficientResources", shortage(model, pool, run, available))
}

const disagreement = (pool: Pool, want: Requirements, key: string, wellKnown: ReadonlySet<string>): string => {
  const asked = `${key} ${describeValues(want.get(key)!)}`
  const own = pool.requirements.get(key)
  if (own !== undefined) return `needs ${asked}, NodePool ${pool.name} has ${describeValues(own)}`
  const meant = likelyKey(key, new Set([...wellKnown, ...pool.requirements.keys()]))
  return `needs ${asked}, which NodePool ${pool.name} does not set${meant === undefined ? "" : ` (is ${meant} meant?)`}`
}

const fittingTypes = (model: Model, pool: Pool, run: Run, types: Bits): ReadonlyArray<number> => {
  const D = model.dimensions.size
  return members(types).filter((t) => holds(pool.room, t * D, run.request, 0, D))
}

/** Names the resources of which even the largest type has too little, and a type outside the pool that would have enough. */
const shortage = (model: Model, pool: Pool, run: Run, types: Bits): string => {
  const { dimensions } = model
  const D = dimensions.size
  const left = members(types)
  const missing: Array<string> = []
  dimensions.names.forEach((name, d) => {
    const most = Math.max(0, ...left.map((t) => pool.room[t * D + d]!))
    const need = run.request[d]!
    if (need <= most) return
    const has = most === 0 ? "none" : readable(name, most)
    missing.push(`needs ${formatAmount(name, need)} ${name}, the largest type NodePool ${pool.name} allows has ${has}`)
  })
  const hint = run.request[0]! >= 1e9 ? " (is m meant instead of M?)" : outside(model, pool, run)
  if (missing.length > 0) return missing.join("; ") + hint
  const needs = dimensions.names.flatMap(
    (name, d) => run.request[d]! > 0 ? [`${formatAmount(name, run.request[d]!)} ${name}`] : []
  )
  return `needs ${needs.join(", ")}, and no one type NodePool ${pool.name} allows has all of that${hint}`
}

/** What is left of a type, rounded to what a person compares: whole Mi, or Gi where it is many. */
const readable = (resource: string, amount: number): string => {
  if (resource !== "memory" && resource !== "ephemeral-storage") return formatAmount(resource, amount)
  const gi = amount / 2 ** 30
  return gi >= 1 ? `${Math.floor(gi * 10) / 10}Gi` : `${Math.floor(amount / 2 ** 20)}Mi`
}

/** The cheapest type that would hold the pod if the NodePool let it, with the requirement in the way. */
const outside = (model: Model, pool: Pool, run: Run): string => {
  const D = model.dimensions.size
  const { catalogue } = pool
  let best: { readonly price: number; readonly text: string } | undefined
  catalogue.types.forEach((type, t) => {
    const offering = catalogue.offerings[t]![0]
    if (offering === undefined || (best !== undefined && offering.price >= best.price)) return
    if (!holds(pool.room, t * D, run.request, 0, D)) return
    const keys = [...pool.requirements.keys()].sort().filter((key) => {
      const bits = catalogue.matching(key, pool.requirements.get(key)!)
      return bits !== undefined && ((bits[t >>> 5]! >>> (t & 31)) & 1) === 0
    })
    if (keys.length === 0) return
    best = { price: offering.price, text: `; ${type.name} would hold it, but the NodePool's ${keys.join(" and ")} leaves it out` }
  })
  return best?.text ?? ""
}

/** The limit that the cheapest types that fit come closest to. */
const beyondLimits = (model: Model, pool: Pool, fitting: ReadonlyArray<number>, remaining: Float64Array): string | undefined => {
  const { dimensions } = model
  const D = dimensions.size
  const { capacity } = pool.catalogue
  if (fitting.some((t) => holds(remaining, 0, capacity, t * D, D))) return undefined
  const parts = dimensions.names.flatMap((name, d) => {
    if (remaining[d] === Infinity) return []
    const least = Math.min(...fitting.map((t) => capacity[t * D + d]!))
    if (least <= remaining[d]!) return []
    return [`${formatAmount(name, least)} ${name}, of which its limit leaves ${formatAmount(name, Math.max(0, remaining[d]!))}`]
  })
  return parts.length > 0
    ? `the smallest type of NodePool ${pool.name} that holds it has ${parts.join(", and ")}`
    : `no type of NodePool ${pool.name} that holds it is within all of its limits`
}
