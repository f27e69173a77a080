/** A finished node of a pass as the plan shows it. */
import { formatAmount } from "./quantity.ts"
import type { FirstFit } from "./firstFit.ts"
import { uncovered } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { NewNode, PodRef } from "./plan.ts"
import type { Labels, Pod, Requirement } from "./problem.ts"
import { simulatedLabels } from "./pools.ts"
import { serializeRequirements } from "./requirements.ts"
import type { State } from "./states.ts"
import { admitsAbsence, intersection, someValue, valuesIn } from "./valueSet.ts"
import { CapacityTypeLabel, InstanceTypeLabel, isRestrictedLabel } from "./wellKnown.ts"

const defaultMaxInstanceTypes = 600

export const podRef = (pod: Pod): PodRef => ({
  namespace: pod.metadata.namespace ?? "default",
  name: pod.metadata.name,
  ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid })
})

/** Undefined where cutting the list of types to the allowed length breaks minValues, under Strict. */
export const newNode = (model: Model, pass: FirstFit, node: number, number: number): NewNode | undefined => {
  const { problem, dimensions } = model
  const { state, types: all } = pass.options(node)
  const types = all.slice(0, problem.options?.maxInstanceTypes ?? defaultMaxInstanceTypes)
  if (problem.options?.minValuesPolicy !== "BestEffort" && uncovered(state, types).size > 0) return undefined
  const { pool } = state
  const { catalogue } = pool
  const names = types.map((t) => catalogue.types[t]!.name)
  const offering = catalogue.offering(types[0]!, state.requirements)!
  const D = dimensions.size
  const requests: Record<string, string> = {}
  dimensions.names.forEach((name, d) => {
    const daemons = Math.min(...types.map((t) => pool.daemons[t * D + d]!))
    const amount = pass.fleet.used[node * D + d]! + daemons
    if (amount > 0) requests[name] = formatAmount(name, amount)
  })
  const requirements = requirementsOfClaim(state, types, names)
  return {
    name: `${pool.name}-${number}`,
    nodePool: pool.name,
    instanceType: names[0]!,
    zone: offering.zone,
    capacityType: offering.capacityType,
    hourlyPrice: offering.price,
    instanceTypeOptions: names,
    requirements,
    labels: labelsOf(state, model.wellKnown),
    taints: pool.taints,
    requests,
    pods: pass.fleet.podsOf(node).map((pod) => podRef(problem.pods[pod]!)),
    minValuesRelaxed: [...state.requirements].some(([key, set]) => set.minValues !== pool.requirements.get(key)?.minValues)
  }
}

const requirementsOfClaim = (state: State, types: ReadonlyArray<number>, names: ReadonlyArray<string>): ReadonlyArray<Requirement> => {
  const out = new Map(state.requirements)
  for (const key of simulatedLabels) out.delete(key)
  const narrow = (key: string, values: Iterable<string>): void => {
    const have = out.get(key)
    out.set(key, have === undefined ? valuesIn(values) : intersection(have, valuesIn(values)))
  }
  narrow(InstanceTypeLabel, names)
  narrow(CapacityTypeLabel, types.flatMap((t) => state.pool.catalogue.capacityTypes(t, state.requirements)))
  return serializeRequirements(out)
}

/** The pool's labels, and one value for each other label of ours that the node is required to have. */
const labelsOf = (state: State, wellKnown: ReadonlySet<string>): Labels => {
  const out: Record<string, string> = { ...state.pool.labels }
  for (const [key, set] of state.requirements) {
    if (wellKnown.has(key) || simulatedLabels.has(key) || isRestrictedLabel(key) || out[key] !== undefined) continue
    // What only asks for absence needs no label, unless the pool wants to have one.
    if (admitsAbsence(set) && !state.pool.requirements.has(key)) continue
    const value = someValue(set)
    if (value !== undefined) out[key] = value
  }
  return out
}
