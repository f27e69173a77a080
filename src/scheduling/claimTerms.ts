/** What a NodeClaim must demand and what labels its node gets, by the state of the node to buy: most of it is the same for many nodes. */
import type { Labels, Requirement } from "./problem.ts"
import { simulatedLabels } from "./pools.ts"
import { serializeRequirements } from "./requirements.ts"
import type { State } from "./states.ts"
import { someValue } from "./valueSet.ts"
import { CapacityTypeLabel, InstanceTypeLabel, isRestrictedLabel } from "./wellKnown.ts"

export class ClaimTerms {
  readonly labels: Labels
  /** True when BestEffort had to lower a minValues. */
  readonly minValuesRelaxed: boolean
  private readonly state: State
  /** All requirements but those on instance type and capacity type, which depend on the types left. */
  private readonly fixed: ReadonlyArray<Requirement>
  private readonly capacityTypes: ReadonlyArray<string>
  /** By type: which of the capacity types it can be had as, as bits. */
  private readonly soldAs: Uint8Array
  private readonly known: Map<number, Requirement> = new Map()

  constructor(state: State, wellKnown: ReadonlySet<string>) {
    const { pool, requirements } = state
    const kept = new Map(requirements)
    for (const key of [...simulatedLabels, InstanceTypeLabel, CapacityTypeLabel]) kept.delete(key)
    this.state = state
    this.fixed = serializeRequirements(kept)
    this.labels = labelsOf(state, wellKnown)
    this.minValuesRelaxed = [...requirements].some(([key, set]) => set.minValues !== pool.requirements.get(key)?.minValues)
    const { capacityTypes, soldAs } = pool.catalogue.market(requirements)
    this.soldAs = soldAs
    this.capacityTypes = capacityTypes
  }

  /** As the API writes them, keys in order of the alphabet. */
  requirements(types: ReadonlyArray<number>): ReadonlyArray<Requirement> {
    let bits = 0
    for (let i = 0; i < types.length; i++) bits |= this.soldAs[types[i]!]!
    return [...this.fixed, this.instanceTypes(types), this.capacityType(bits)].sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  }

  private capacityType(bits: number): Requirement {
    let requirement = this.known.get(bits)
    if (requirement === undefined) {
      requirement = this.in(CapacityTypeLabel, this.capacityTypes.filter((_, i) => (bits & 1 << i) !== 0).sort())
      this.known.set(bits, requirement)
    }
    return requirement
  }

  private instanceTypes(types: ReadonlyArray<number>): Requirement {
    const all = this.state.pool.catalogue.types
    // The catalogue is in order of names.
    const left = new Uint8Array(all.length)
    for (let i = 0; i < types.length; i++) left[types[i]!] = 1
    const names: Array<string> = []
    for (let t = 0; t < left.length; t++) if (left[t] === 1) names.push(all[t]!.name)
    return this.in(InstanceTypeLabel, names)
  }

  private in(key: string, values: ReadonlyArray<string>): Requirement {
    const minValues = this.state.requirements.get(key)?.minValues
    return minValues === undefined ? { key, operator: "In", values } : { key, operator: "In", values, minValues }
  }
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
