/** Instance types of one array, read once: what they hold, how they are labelled, where they are sold and for how much. */
import type { Bits } from "./bits.ts"
import { addBits, noBits, setBit } from "./bits.ts"
import type { Dimensions } from "./dimensions.ts"
import { MEMORY } from "./dimensions.ts"
import { keepAlive } from "./keepAlive.ts"
import type { InstanceType, Offering } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import { reservationOf } from "./reservations.ts"
import type { ValueSet } from "./valueSet.ts"
import { hasValue, identityOf, noValue, overlaps, valuesIn } from "./valueSet.ts"
import { withAttachable } from "./volumeRoom.ts"
import { ArchLabel, CapacityTypeLabel, HostnameLabel, InstanceTypeLabel, NodePoolLabel, OsLabel, ZoneLabel } from "./wellKnown.ts"

/** The types that say the same about one label. */
interface Alike {
  readonly set: ValueSet
  readonly types: Bits
}

interface KeyIndex {
  readonly alike: Map<string, Alike>
  /** Neighbours often share one. */
  last: Alike | undefined
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

  private readonly reservationIdLabel: string | undefined

  constructor(
    types: ReadonlyArray<InstanceType>, dimensions: Dimensions, wellKnown: ReadonlySet<string>, reservationIdLabel?: string
  ) {
    this.reservationIdLabel = reservationIdLabel
    const D = dimensions.size
    // By name, so that the order of the input decides nothing.
    this.types = [...types].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    this.capacity = new Float64Array(types.length * D)
    this.allocatable = new Float64Array(types.length * D)
    this.offerings = this.types.map((type) => type.offerings.filter(isToBeHad).sort(byPrice))
    this.types.forEach((type, t) => {
      const capacity = dimensions.supply(withAttachable(type.capacity, type.volumeLimits, dimensions.names))
      this.capacity.set(capacity, t * D)
      const row = this.allocatable.subarray(t * D, t * D + D)
      row.set(capacity)
      dimensions.addTo(row, type.overhead, "up", -1)
      const isPages = (name: string): boolean => name.startsWith("hugepages-")
      const pages = dimensions.names.reduce((sum, name, d) => isPages(name) ? sum + this.capacity[t * D + d]! : sum, 0)
      if (pages > 0) row[MEMORY] = Math.max(0, row[MEMORY]! - pages)
    })
    const reader = new TypeReader(wellKnown, reservationIdLabel)
    this.requirements = this.types.map((type, t) => reader.read(type, this.offerings[t]!))
    keepAlive("types", reader)
    this.requirements.forEach((requirements, t) => this.index(requirements, t))
  }

  private index(requirements: Requirements, t: number): void {
    for (const [key, set] of requirements) {
      let entry = this.byKey.get(key)
      if (entry === undefined) {
        entry = { alike: new Map(), last: undefined, named: noBits(this.types.length), matching: new Map() }
        this.byKey.set(key, entry)
      }
      setBit(entry.named, t)
      if (entry.last?.set !== set) {
        const identity = identityOf(set)
        let alike = entry.alike.get(identity)
        if (alike === undefined) {
          alike = { set, types: noBits(this.types.length) }
          entry.alike.set(identity, alike)
        }
        entry.last = alike
      }
      setBit(entry.last.types, t)
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
    return this.offerings[t]!.find(this.allowing(requirements))
  }

  /** All offerings of a type that the requirements allow, cheapest first. */
  offeringsFor(t: number, requirements: Requirements): ReadonlyArray<Offering> {
    return this.offerings[t]!.filter(this.allowing(requirements))
  }

  /** Whether requirements allow an offering, for who has many to ask about. */
  allowing(requirements: Requirements): (offering: Offering) => boolean {
    const zone = requirements.get(ZoneLabel)
    const capacityType = requirements.get(CapacityTypeLabel)
    const reservation = this.reservationIdLabel === undefined ? undefined : requirements.get(this.reservationIdLabel)
    return ({ zone: at, capacityType: as, reservationId: id }) =>
      (zone === undefined || hasValue(zone, at)) && (capacityType === undefined || hasValue(capacityType, as)) &&
      (reservation === undefined || (id === undefined ? reservation.absent : hasValue(reservation, id)))
  }
}

const isToBeHad = (offering: Offering): boolean =>
  offering.available !== false && (reservationOf(offering) === undefined || (offering.reservationCapacity ?? 0) > 0)

const byPrice = (a: Offering, b: Offering): number =>
  a.price - b.price || (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : a.capacityType < b.capacityType ? -1 : 1)

const amd64 = valuesIn(["amd64"])
const linux = valuesIn(["linux"])

/** Reads the requirements of types; what many of them say alike is one set. */
class TypeReader {
  private readonly undefinedLabels: ReadonlyMap<string, ValueSet>
  private readonly known: Map<string, ValueSet> = new Map()

  /** Which reservation a node is of is up to the offering. */
  constructor(wellKnown: ReadonlySet<string>, reservationIdLabel: string | undefined) {
    const labels = new Map<string, ValueSet>()
    for (const key of wellKnown) if (key !== NodePoolLabel && key !== HostnameLabel && key !== reservationIdLabel) labels.set(key, noValue)
    this.undefinedLabels = labels
  }

  /** Well-known labels that the type does not name do not exist on it; it runs Linux on amd64 where it does not say otherwise. */
  read(type: InstanceType, offerings: ReadonlyArray<Offering>): Requirements {
    const out = new Map(this.undefinedLabels)
    out.set(ArchLabel, amd64)
    out.set(OsLabel, linux)
    out.set(ZoneLabel, this.valuesOf(offerings, (offering) => offering.zone))
    out.set(CapacityTypeLabel, this.valuesOf(offerings, (offering) => offering.capacityType))
    if (type.labels !== undefined || type.requirements !== undefined) {
      for (const [key, set] of both(requirementsOfLabels(type.labels), requirementsOf(type.requirements))) out.set(key, set)
    }
    out.set(InstanceTypeLabel, valuesIn([type.name]))
    return out
  }

  private valuesOf(offerings: ReadonlyArray<Offering>, of: (offering: Offering) => string): ValueSet {
    let key = ""
    for (const offering of offerings) key += `${of(offering)}\n`
    let set = this.known.get(key)
    if (set === undefined) {
      set = valuesIn(offerings.map(of))
      this.known.set(key, set)
    }
    return set
  }
}
