/** A node to buy as the plan shows it. */
import { ClaimTerms } from "./claimTerms.ts"
import { formatAmount } from "./quantity.ts"
import type { Model } from "./model.ts"
import type { PackedNode } from "./packing.ts"
import type { NewNode, PodRef } from "./plan.ts"
import type { Offering, Pod, Requirement } from "./problem.ts"
import type { State } from "./states.ts"
import { isAttachable } from "./volumeRoom.ts"

export const podRef = ({ metadata: { name, namespace = "default", uid } }: Pod): PodRef =>
  uid === undefined ? { namespace, name } : { namespace, name, uid }

/** What the nodes of one state with the same types left have in common. */
interface Common {
  readonly names: ReadonlyArray<string>
  readonly offering: Offering
  readonly requirements: ReadonlyArray<Requirement>
  /** By dimension: the least that daemons take on any of the types. */
  readonly daemons: Float64Array
}

/** Nodes of one state. */
interface Alike {
  readonly terms: ClaimTerms
  /** By the list of types left, which such nodes share. */
  readonly common: Map<ReadonlyArray<number>, Common>
}

/** Writes the nodes of one plan; what many have in common is worked out once. */
export class NodeWriter {
  private readonly model: Model
  private readonly refs: ReadonlyArray<PodRef> | undefined
  private readonly known: Map<State, Alike> = new Map()
  private readonly numbers: Map<string, number> = new Map()
  /** By dimension: amounts as they are written. */
  private readonly written: ReadonlyArray<Map<number, string>>

  /** `refs` by pod, from whoever has them already. */
  constructor(model: Model, refs?: ReadonlyArray<PodRef>) {
    this.model = model
    this.refs = refs
    this.written = model.dimensions.names.map(() => new Map())
  }

  write({ state, pods, used, types }: PackedNode): NewNode {
    const { problem, wellKnown } = this.model
    let alike = this.known.get(state)
    if (alike === undefined) {
      alike = { terms: new ClaimTerms(state, wellKnown), common: new Map() }
      this.known.set(state, alike)
    }
    let common = alike.common.get(types)
    if (common === undefined) {
      common = this.common(state, alike.terms, types)
      alike.common.set(types, common)
    }
    const { pool } = state
    const number = (this.numbers.get(pool.name) ?? 0) + 1
    this.numbers.set(pool.name, number)
    return {
      name: `${pool.name}-${number}`,
      nodePool: pool.name,
      instanceType: common.names[0]!,
      zone: common.offering.zone,
      capacityType: common.offering.capacityType,
      hourlyPrice: common.offering.price,
      instanceTypeOptions: common.names,
      requirements: common.requirements,
      labels: alike.terms.labels,
      taints: pool.taints,
      requests: this.requests(used, common.daemons),
      pods: pods.map((pod) => this.refs?.[pod] ?? podRef(problem.pods[pod]!)),
      minValuesRelaxed: alike.terms.minValuesRelaxed
    }
  }

  private requests(used: Float64Array, daemons: Float64Array): Readonly<Record<string, string>> {
    const { names } = this.model.dimensions
    const out: Record<string, string> = {}
    for (let d = 0; d < names.length; d++) {
      const amount = used[d]! + daemons[d]!
      if (amount <= 0 || isAttachable(names[d]!)) continue
      const written = this.written[d]!
      let text = written.get(amount)
      if (text === undefined) {
        text = formatAmount(names[d]!, amount)
        written.set(amount, text)
      }
      out[names[d]!] = text
    }
    return out
  }

  private common(state: State, terms: ClaimTerms, all: ReadonlyArray<number>): Common {
    const { dimensions: { size } } = this.model
    const types = all.length <= state.mostTypes ? all : all.slice(0, state.mostTypes)
    const { pool } = state
    const daemons = new Float64Array(size)
    if (pool.hasDaemons) daemons.fill(Infinity)
    for (const t of pool.hasDaemons ? types : []) for (let d = 0; d < size; d++) daemons[d] = Math.min(daemons[d]!, pool.daemons[t * size + d]!)
    return {
      names: types.map((t) => pool.catalogue.types[t]!.name),
      offering: pool.catalogue.offering(types[0]!, state.requirements)!,
      requirements: terms.requirements(types),
      daemons
    }
  }
}
