/**
 * The labels, other than the hostname, by whose values rules count pods: for each its domains, which are the values that some node
 * there is has or that a node to come can have.
 */
import type { Bits } from "./bits.ts"
import { addBits, members, noBits, setBit } from "./bits.ts"
import type { Catalogue } from "./catalogue.ts"
import type { NodeModel } from "./nodes.ts"
import type { Pool } from "./pools.ts"
import type { Requirements } from "./requirements.ts"
import { intersection, hasValue } from "./valueSet.ts"
import type { ValueSet } from "./valueSet.ts"
import { CapacityTypeLabel, ZoneLabel } from "./wellKnown.ts"

export class TopologyKey {
  /** Position among the keys. */
  readonly id: number
  readonly label: string
  /** In order of the alphabet, so that a choice among equals has one outcome. */
  readonly values: ReadonlyArray<string>
  /** By existing node: its domain, -1 where it lacks the label. */
  readonly ofNode: Int32Array
  /** By NodePool: the domains that its nodes can be in. */
  readonly ofPool: ReadonlyArray<Bits>
  private readonly positions: ReadonlyMap<string, number>

  constructor(id: number, label: string, pools: ReadonlyArray<Pool>, nodes: ReadonlyArray<NodeModel>) {
    this.id = id
    this.label = label
    const offered = pools.map((pool) => valuesOffered(pool, label))
    const values = new Set(offered.flatMap((set) => [...set]))
    for (const node of nodes) if (node.labels[label] !== undefined) values.add(node.labels[label])
    this.values = [...values].sort()
    this.positions = new Map(this.values.map((value, i) => [value, i]))
    this.ofNode = Int32Array.from(nodes, (node) => this.positionOf(node.labels[label]))
    this.ofPool = offered.map((set) => this.bitsOf(set))
  }

  positionOf(value: string | undefined): number {
    return value === undefined ? -1 : this.positions.get(value) ?? -1
  }

  bitsOf(values: Iterable<string>): Bits {
    const out = noBits(this.values.length)
    for (const value of values) {
      const at = this.positionOf(value)
      if (at >= 0) setBit(out, at)
    }
    return out
  }

  /** The domains that a requirement on the label allows; all where there is none. */
  allowedBy(set: ValueSet | undefined): Bits {
    return this.bitsOf(set === undefined ? this.values : this.values.filter((value) => hasValue(set, value)))
  }

  /** The domains that a node to come can still be in, with these requirements and as one of these types. */
  reachable(pool: Pool, requirements: Requirements, types: ReadonlyArray<number>): Bits {
    const { catalogue } = pool
    if (this.label === ZoneLabel || this.label === CapacityTypeLabel) {
      const allows = catalogue.allowing(requirements)
      const values = new Set<string>()
      for (let i = 0; i < types.length && values.size < this.values.length; i++) {
        for (const offering of catalogue.offerings[types[i]!]!) {
          if (allows(offering)) values.add(this.label === ZoneLabel ? offering.zone : offering.capacityType)
        }
      }
      return this.bitsOf(values)
    }
    const out = noBits(this.values.length)
    for (const set of said(catalogue, this.label, requirements, types)) addBits(out, this.allowedBy(set))
    return out
  }
}

/** The values of a label that nodes of a pool can have. Where any value will do, none is known. */
const valuesOffered = (pool: Pool, label: string): ReadonlySet<string> => {
  const out = new Set<string>()
  for (const { complement, values } of said(pool.catalogue, label, pool.requirements, members(pool.types))) {
    if (!complement) for (const value of values) out.add(value)
  }
  return out
}

/** What types and requirements say together about a label, types that say the same once. */
const said = (
  catalogue: Catalogue, label: string, requirements: Requirements, types: ReadonlyArray<number>
): ReadonlyArray<ValueSet> => {
  const own = requirements.get(label)
  const ofTypes = new Set(types.map((t) => catalogue.requirement(t, label)))
  return [...ofTypes].flatMap((ofType) =>
    own === undefined ? ofType ?? [] : ofType === undefined ? own : intersection(own, ofType))
}

/** The keys that rules speak of, each made when it is first asked for. */
export class TopologyKeys {
  readonly all: Array<TopologyKey> = []
  private readonly pools: ReadonlyArray<Pool>
  private readonly nodes: ReadonlyArray<NodeModel>
  private readonly known: Map<string, TopologyKey> = new Map()

  constructor(pools: ReadonlyArray<Pool>, nodes: ReadonlyArray<NodeModel>) {
    this.pools = pools
    this.nodes = nodes
  }

  of(label: string): TopologyKey {
    let key = this.known.get(label)
    if (key === undefined) {
      key = new TopologyKey(this.all.length, label, this.pools, this.nodes)
      this.all.push(key)
      this.known.set(label, key)
    }
    return key
  }
}
