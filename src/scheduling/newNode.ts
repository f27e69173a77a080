/** A node to buy as the plan shows it. */
import { formatAmount } from "./quantity.ts"
import { uncovered } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { PackedNode } from "./packing.ts"
import type { NewNode, PodRef } from "./plan.ts"
import type { Labels, Offering, Pod, Requirement } from "./problem.ts"
import { simulatedLabels } from "./pools.ts"
import { serializeRequirements } from "./requirements.ts"
import type { State } from "./states.ts"
import { intersection, someValue, valuesIn } from "./valueSet.ts"
import { CapacityTypeLabel, InstanceTypeLabel, isRestrictedLabel } from "./wellKnown.ts"

const defaultMaxInstanceTypes = 600

export const podRef = (pod: Pod): PodRef => ({
  namespace: pod.metadata.namespace ?? "default",
  name: pod.metadata.name,
  ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid })
})

/** What the nodes of one state with the same types left have in common. */
interface Common {
  readonly names: ReadonlyArray<string>
  readonly offering: Offering
  readonly requirements: ReadonlyArray<Requirement>
  readonly labels: Labels
  /** By dimension: the least that daemons take on any of the types. */
  readonly daemons: Float64Array
  readonly minValuesRelaxed: boolean
}

/** Writes the nodes of one plan; what many have in common is worked out once. */
export class NodeWriter {
  private readonly model: Model
  private readonly known: Map<string, Common | undefined> = new Map()
  private readonly numbers: Map<string, number> = new Map()

  constructor(model: Model) {
    this.model = model
  }

  /** Undefined where cutting the list of types to the allowed length breaks minValues, under Strict. */
  write({ state, pods, used, types }: PackedNode): NewNode | undefined {
    const { problem, dimensions } = this.model
    const key = `${state.id} ${types.join(",")}`
    if (!this.known.has(key)) this.known.set(key, this.common(state, types))
    const common = this.known.get(key)
    if (common === undefined) return undefined
    const { pool } = state
    const number = (this.numbers.get(pool.name) ?? 0) + 1
    this.numbers.set(pool.name, number)
    const requests: Record<string, string> = {}
    dimensions.names.forEach((name, d) => {
      const amount = used[d]! + common.daemons[d]!
      if (amount > 0) requests[name] = formatAmount(name, amount)
    })
    return {
      name: `${pool.name}-${number}`,
      nodePool: pool.name,
      instanceType: common.names[0]!,
      zone: common.offering.zone,
      capacityType: common.offering.capacityType,
      hourlyPrice: common.offering.price,
      instanceTypeOptions: common.names,
      requirements: common.requirements,
      labels: common.labels,
      taints: pool.taints,
      requests,
      pods: pods.map((pod) => podRef(problem.pods[pod]!)),
      minValuesRelaxed: common.minValuesRelaxed
    }
  }

  private common(state: State, all: ReadonlyArray<number>): Common | undefined {
    const { problem: { options }, dimensions: { size }, wellKnown } = this.model
    const types = all.slice(0, options?.maxInstanceTypes ?? defaultMaxInstanceTypes)
    if (options?.minValuesPolicy !== "BestEffort" && uncovered(state, types).size > 0) return undefined
    const { pool } = state
    const names = types.map((t) => pool.catalogue.types[t]!.name)
    const daemons = new Float64Array(size).fill(Infinity)
    for (const t of types) for (let d = 0; d < size; d++) daemons[d] = Math.min(daemons[d]!, pool.daemons[t * size + d]!)
    return {
      names,
      offering: pool.catalogue.offering(types[0]!, state.requirements)!,
      requirements: requirementsOfClaim(state, types, names),
      labels: labelsOf(state, wellKnown),
      daemons,
      minValuesRelaxed: [...state.requirements].some(([key, set]) => set.minValues !== pool.requirements.get(key)?.minValues)
    }
  }
}

const requirementsOfClaim = (
  state: State,
  types: ReadonlyArray<number>,
  names: ReadonlyArray<string>
): ReadonlyArray<Requirement> => {
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

/** The pool's labels, and one value for each other label that the node must have. */
const labelsOf = (state: State, wellKnown: ReadonlySet<string>): Labels => {
  const out: Record<string, string> = { ...state.pool.labels }
  for (const [key, set] of state.requirements) {
    if (wellKnown.has(key) || simulatedLabels.has(key) || isRestrictedLabel(key) || out[key] !== undefined) continue
    const value = set.absent ? undefined : someValue(set)
    if (value !== undefined) out[key] = value
  }
  return out
}
