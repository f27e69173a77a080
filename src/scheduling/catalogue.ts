/** Instance types of one array, read once: what they hold, how they are labelled, where they are sold and for how much. */
import type { Bits } from "./bits.ts"
import { addBits, noBits, setBit } from "./bits.ts"
import type { Dimensions } from "./dimensions.ts"
import { MEMORY } from "./dimensions.ts"
import type { InstanceType, Offering } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import type { ValueSet } from "./valueSet.ts"
import { hasValue, identityOf, noValue, overlaps, valuesIn } from "./valueSet.ts"
import { ArchLabel, CapacityTypeLabel, HostnameLabel, InstanceTypeLabel, NodePoolLabel, OsLabel, ZoneLabel } from "./wellKnown.ts"

/** The types that say the same about one label. */
interface Alike {
  readonly set: ValueSet
  readonly types: Bits
}

interface KeyIndex {
  readonly alike: Map<string, Alike>
  /** Types that say something about the label. */
  readonly named: Bits
  readonly matching: Map<string, Bits>
}

export class Catalogue {
  readonly types: ReadonlyArray<InstanceType>
  /** By type and dimension. */
  readonly capacity: Float64Array
  /** What is left of the capacity for pods. */
  readonly allocatable: Float64Array
  readonly requirements: ReadonlyArray<Requirements>
  /** Those that are to be had. */
  readonly offerings: ReadonlyArray<ReadonlyArray<Offering>>
  private readonly byKey: Map<string, KeyIndex> = new Map()

  constructor(types: ReadonlyArray<InstanceType>, dimensions: Dimensions, wellKnown: ReadonlySet<string>) {
    const D = dimensions.size
    // By name, so that the order of the input decides nothing.
    this.types = [...types].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    this.capacity = new Float64Array(types.length * D)
    this.allocatable = new Float64Array(types.length * D)
    this.offerings = this.types.map((type) => type.offerings.filter((offering) => offering.available !== false).sort(byPrice))
    this.types.forEach((type, t) => {
      this.capacity.set(dimensions.supply(type.capacity), t * D)
      const row = this.allocatable.subarray(t * D, t * D + D)
      row.set(dimensions.supply(type.capacity))
      dimensions.addTo(row, type.overhead, "up", -1)
      const isPages = (name: string): boolean => name.startsWith("hugepages-")
      const pages = dimensions.names.reduce((sum, name, d) => isPages(name) ? sum + this.capacity[t * D + d]! : sum, 0)
      if (pages > 0) row[MEMORY] = Math.max(0, row[MEMORY]! - pages)
    })
    this.requirements = this.types.map((type, t) => requirementsOfType(type, this.offerings[t]!, wellKnown))
    this.requirements.forEach((requirements, t) => this.index(requirements, t))
  }

  private index(requirements: Requirements, t: number): void {
    for (const [key, set] of requirements) {
      let entry = this.byKey.get(key)
      if (entry === undefined) {
        entry = { alike: new Map(), named: noBits(this.types.length), matching: new Map() }
        this.byKey.set(key, entry)
      }
      setBit(entry.named, t)
      const identity = identityOf(set)
      let alike = entry.alike.get(identity)
      if (alike === undefined) {
        alike = { set, types: noBits(this.types.length) }
        entry.alike.set(identity, alike)
      }
      setBit(alike.types, t)
    }
  }

  /** The types that a requirement on one label leaves: those whose own intersects it, and those that say nothing about it. */
  matching(key: string, set: ValueSet): Bits | undefined {
    const entry = this.byKey.get(key)
    if (entry === undefined) return undefined
    const identity = identityOf(set)
    let bits = entry.matching.get(identity)
    if (bits === undefined) {
      bits = entry.named.map((word) => ~word)
      for (const alike of entry.alike.values()) {
        if (overlaps(alike.set, set)) addBits(bits, alike.types)
      }
      entry.matching.set(identity, bits)
    }
    return bits
  }

  /** The cheapest offering of a type that the requirements allow. */
  offering(t: number, requirements: Requirements): Offering | undefined {
    const zone = requirements.get(ZoneLabel)
    const capacityType = requirements.get(CapacityTypeLabel)
    return this.offerings[t]!.find((offering) =>
      (zone === undefined || hasValue(zone, offering.zone)) &&
      (capacityType === undefined || hasValue(capacityType, offering.capacityType)))
  }

  /** The capacity types under which the requirements can have a type. */
  capacityTypes(t: number, requirements: Requirements): ReadonlyArray<string> {
    const zone = requirements.get(ZoneLabel)
    const capacityType = requirements.get(CapacityTypeLabel)
    return this.offerings[t]!.filter((offering) =>
      (zone === undefined || hasValue(zone, offering.zone)) &&
      (capacityType === undefined || hasValue(capacityType, offering.capacityType))
    ).map((offering) => offering.capacityType)
  }
}

const byPrice = (a: Offering, b: Offering): number =>
  a.price - b.price || (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : a.capacityType < b.capacityType ? -1 : 1)

/** Well-known labels that the type does not name do not exist on it; it runs Linux on amd64 where it does not say otherwise. */
const requirementsOfType = (
  type: InstanceType,
  offerings: ReadonlyArray<Offering>,
  wellKnown: ReadonlySet<string>
): Requirements => {
  const own = both(requirementsOfLabels(type.labels), requirementsOf(type.requirements))
  const out = new Map<string, ValueSet>()
  for (const key of wellKnown) if (key !== NodePoolLabel && key !== HostnameLabel) out.set(key, noValue)
  out.set(ArchLabel, valuesIn(["amd64"]))
  out.set(OsLabel, valuesIn(["linux"]))
  out.set(ZoneLabel, valuesIn(offerings.map((offering) => offering.zone)))
  out.set(CapacityTypeLabel, valuesIn(offerings.map((offering) => offering.capacityType)))
  for (const [key, set] of own) out.set(key, set)
  out.set(InstanceTypeLabel, valuesIn([type.name]))
  return out
}
