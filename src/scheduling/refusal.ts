/** Why one NodePool can't have a node for a pod, what was missing least, and what a person can change. */
import { allowing, metByNone, settling } from "./advice.ts"
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
import { isAttachable } from "./volumeRoom.ts"

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
    const them = taints.length === 1 ? "it" : "them"
    return refuse(
      "TaintsNotTolerated",
      `does not tolerate ${taints.map(describeTaint).join(", ")} of NodePool ${pool.name}: let the pod tolerate ${them}`
    )
  }
  const key = conflict(pool.requirements, want, model.wellKnown)
  if (key !== undefined) return refuse("IncompatibleRequirements", disagreement(model, pool, run, want, key))
  if (isEmptyBits(pool.types)) {
    const none = metByNone(catalogue, pool.requirements)
    return refuse("NoInstanceTypes", none === undefined
      ? `no instance type meets the requirements of NodePool ${pool.name} and is to be had`
      : `${none}: change that requirement of NodePool ${pool.name}`)
  }
  const requirements = both(pool.requirements, want)
  const matching = matchingTypes(catalogue, requirements, everything)
  if (members(matching).length === 0) {
    return refuse("IncompatibleRequirements", metByNone(catalogue, want) ??
      `no instance type that NodePool ${pool.name} allows has ${describeRequirements(want)}${widening(model, pool, run, want)}`)
  }
  const available = availableTypes(catalogue, requirements, pool.types)
  if (isEmptyBits(available)) {
    const asked = describeRequirements(want)
    return refuse(
      "NoOffering",
      `no instance type${asked === "" ? "" : ` with ${asked}`} that NodePool ${pool.name} allows is to be had now` +
        widening(model, pool, run, want)
    )
  }
  const fitting = fittingTypes(model, pool, run, available)
  if (fitting.length === 0) return lacking(model, pool, run, want, available)

  const clashing = pool.without(available, run.podClass.ports)
  if (fittingTypes(model, pool, run, clashing).length === 0) {
    const ports = run.podClass.ports.map((port) => `${port.port}/${port.protocol}`).join(", ")
    return refuse("HostPortConflict", `its host port ${ports} is taken by a DaemonSet on every node of NodePool ${pool.name}`)
  }
  if (pass.nodesLeft[index]! < 1) {
    return refuse("LimitsExceeded", `NodePool ${pool.name} may have no more nodes: raise its limit of nodes`)
  }
  const remaining = pass.remaining[index]
  if (remaining !== undefined) {
    const over = beyondLimits(model, pool, fitting, remaining)
    if (over !== undefined) return refuse("LimitsExceeded", over)
  }
  const state = model.states.intern(pool, requirements, pool.types)
  const objection = objectionOf(model, pass, step, state)
  if (objection !== undefined) return refuse(objection.reason, objection.message)
  const short = [...shortfalls(state, run.request)][0]
  if (short !== undefined) {
    const wanted = state.requirements.get(short[0])!.minValues
    return refuse(
      "MinValuesNotMet",
      `the instance types that hold it have ${short[1]} values of ${short[0]}, NodePool ${pool.name} wants ${wanted}: ` +
        "lower its minValues or allow more types"
    )
  }
  return lacking(model, pool, run, want, available)
}

const disagreement = (model: Model, pool: Pool, run: Run, want: Requirements, key: string): string => {
  const wanted = want.get(key)!
  const asked = `${key} ${describeValues(wanted)}`
  const own = pool.requirements.get(key)
  const action = (): string => {
    if (pool.catalogue.matching(key, wanted) !== undefined) return widening(model, pool, run, want)
    const settled = settling(pool, key, wanted)
    return settled === undefined ? "" : `: ${settled}`
  }
  if (own !== undefined) {
    return metByNone(pool.catalogue, want) ?? `needs ${asked}, NodePool ${pool.name} has ${describeValues(own)}${action()}`
  }
  const meant = likelyKey(key, new Set([...model.wellKnown, ...pool.requirements.keys()]))
  return `needs ${asked}, which NodePool ${pool.name} does not set${meant === undefined ? action() : ` (is ${meant} meant?)`}`
}

/** What would have to be allowed for a type that holds the pod, after a colon; nothing where no change would help. */
const widening = (model: Model, pool: Pool, run: Run, want: Requirements): string => {
  const D = model.dimensions.size
  const advice = allowing(pool, want, (t) => holds(pool.room, t * D, run.request, 0, D))
  return advice === undefined ? "" : `: ${advice}`
}

const fittingTypes = (model: Model, pool: Pool, run: Run, types: Bits): ReadonlyArray<number> => {
  const D = model.dimensions.size
  return members(types).filter((t) => holds(pool.room, t * D, run.request, 0, D))
}

/** Names the resources of which even the largest type has too little, and what to allow for a type that has enough. */
const lacking = (model: Model, pool: Pool, run: Run, want: Requirements, types: Bits): Refusal => {
  const { dimensions } = model
  const D = dimensions.size
  const left = members(types)
  const missing: Array<string> = []
  let attachments = false
  dimensions.names.forEach((name, d) => {
    const most = Math.max(0, ...left.map((t) => pool.room[t * D + d]!))
    const need = run.request[d]!
    if (need <= most) return
    const has = most === 0 ? "none" : readable(name, most)
    if (isAttachable(name)) attachments = true
    missing.push(`needs ${formatAmount(name, need)} ${name}, the largest type NodePool ${pool.name} allows has ${has}`)
  })
  const hint = run.request[0]! >= 1e9
    ? " (is m meant instead of M?)"
    : widening(model, pool, run, want) || ": no instance type that is to be had holds it"
  const nodePool = pool.name
  if (missing.length > 0) {
    const reason = attachments && missing.length === 1 ? "VolumeLimitExceeded" : "InsufficientResources"
    return { nodePool, reason, message: missing.join("; ") + hint }
  }
  const needs = dimensions.names.flatMap(
    (name, d) => run.request[d]! > 0 ? [`${formatAmount(name, run.request[d]!)} ${name}`] : []
  )
  const message = `needs ${needs.join(", ")}, and no one type NodePool ${pool.name} allows has all of that${hint}`
  return { nodePool, reason: "InsufficientResources", message }
}

/** What is left of a type, rounded to what a person compares: whole Mi, or Gi where it is many. */
const readable = (resource: string, amount: number): string => {
  if (resource !== "memory" && resource !== "ephemeral-storage") return formatAmount(resource, amount)
  const gi = amount / 2 ** 30
  return gi >= 1 ? `${Math.floor(gi * 10) / 10}Gi` : `${Math.floor(amount / 2 ** 20)}Mi`
}

/** The limit that the cheapest types that fit come closest to. */
const beyondLimits = (model: Model, pool: Pool, fitting: ReadonlyArray<number>, remaining: Float64Array): string | undefined => {
  const { dimensions } = model
  const D = dimensions.size
  const { capacity } = pool.catalogue
  if (fitting.some((t) => holds(remaining, 0, capacity, t * D, D))) return undefined
  const raises: Array<string> = []
  const parts = dimensions.names.flatMap((name, d) => {
    if (remaining[d] === Infinity) return []
    const least = Math.min(...fitting.map((t) => capacity[t * D + d]!))
    if (least <= remaining[d]!) return []
    raises.push(`its limit of ${name} by ${formatAmount(name, least - remaining[d]!)}`)
    return [`${formatAmount(name, least)} ${name}, of which its limit leaves ${formatAmount(name, Math.max(0, remaining[d]!))}`]
  })
  return parts.length > 0
    ? `the smallest type of NodePool ${pool.name} that holds it has ${parts.join(", and ")}: raise ${raises.join(" and ")}`
    : `no type of NodePool ${pool.name} that holds it is within all of its limits: raise them`
}
