/** Instance types of one array, read once: what they hold, how they are labelled, where they are sold and for how much. */
import type { Bits } from "./bits.ts"
import { addBits, noBits, setBit } from "./bits.ts"
import type { Dimensions } from "./dimensions.ts"
import { MEMORY } from "./dimensions.ts"
import { keepAlive } from "./keepAlive.ts"
import type { InstanceType, Offering } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { reservationOf } from "./reservations.ts"
import type { ValueSet } from "./valueSet.ts"
import { hasValue, identityOf, intersection, noValue, overlaps, valueSet, valuesIn } from "./valueSet.ts"
import { withAttachable } from "./volumeRoom.ts"
import { ArchLabel, CapacityTypeLabel, HostnameLabel, InstanceTypeLabel, namesOf, NodePoolLabel, OsLabel, ZoneLabel } from "./wellKnown.ts"

/** The types that say the same about one label. */
interface Alike {
  readonly set: ValueSet
  readonly types: Bits
}

/** What the types say about one label. */
interface Column {
  readonly sets: ReadonlyArray<ValueSet | undefined>
  readonly alike: ReadonlyArray<Alike>
  /** Types that say something; undefined where none does. */
  readonly named: Bits | undefined
  readonly matching: Map<string, Bits>
}

/** What each type is bought as, by those requirements that tell offerings apart. */
export interface Market {
  /** By type: its cheapest offering allowed; undefined where it has none. */
  readonly offerings: ReadonlyArray<Offering | undefined>
  /** The types that have one, cheapest first, then by name. */
  readonly order: ReadonlyArray<number>
  readonly sold: Bits
  /** The capacity types that are to be had. */
  readonly capacityTypes: ReadonlyArray<string>
  /** By type: which of them it is to be had as, as bits. */
  readonly soldAs: Uint8Array
}

export class Catalogue {
  readonly types: ReadonlyArray<InstanceType>
  /** By type and dimension. */
  readonly capacity: Float64Array
  /** What is left of the capacity for pods. */
  readonly allocatable: Float64Array
  /** Those that are to be had. */
  readonly offerings: ReadonlyArray<ReadonlyArray<Offering>>
  private readonly columns: Map<string, Column> = new Map()
  private readonly markets: Map<string, Market> = new Map()
  private readonly reader: TypeReader
  private readonly reservationIdLabel: string | undefined
  /** The labels that tell offerings of one type apart. */
  private readonly offeringKeys: ReadonlyArray<string>

  constructor(
    types: ReadonlyArray<InstanceType>, dimensions: Dimensions, wellKnown: ReadonlySet<string>, reservationIdLabel?: string
  ) {
    this.reservationIdLabel = reservationIdLabel
    this.offeringKeys = [ZoneLabel, CapacityTypeLabel, ...(reservationIdLabel === undefined ? [] : [reservationIdLabel])]
    const D = dimensions.size
    // By name, so that the order of the input decides nothing.
    this.types = [...types].sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
    this.capacity = new Float64Array(types.length * D)
    this.allocatable = new Float64Array(types.length * D)
    this.offerings = this.types.map((type) => cheapestFirst(type.offerings.filter(isToBeHad)))
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
    this.reader = new TypeReader(wellKnown, reservationIdLabel)
    keepAlive("types", this.reader)
  }

  /** What a type requires of a label; read for all types when the first is asked about. */
  requirement(t: number, key: string): ValueSet | undefined {
    return this.column(key).sets[t]
  }

  private column(key: string): Column {
    let column = this.columns.get(key)
    if (column === undefined) {
      column = this.read(key)
      this.columns.set(key, column)
    }
    return column
  }

  private read(key: string): Column {
    const sets = this.reader.read(this.types, this.offerings, key)
    const alike = new Map<string, Alike>()
    let named: Bits | undefined
    let last: Alike | undefined
    sets.forEach((set, t) => {
      if (set === undefined) return
      named ??= noBits(this.types.length)
      setBit(named, t)
      // Neighbours often share one.
      if (last?.set !== set) {
        const identity = identityOf(set)
        last = alike.get(identity) ?? { set, types: noBits(this.types.length) }
        alike.set(identity, last)
      }
      setBit(last.types, t)
    })
    return { sets, alike: [...alike.values()], named, matching: new Map() }
  }

  /** The types that a requirement on one label leaves: those whose own intersects it, and those that say nothing about it. */
  matching(key: string, set: ValueSet): Bits | undefined {
    const { alike, matching, named } = this.column(key)
    if (named === undefined) return undefined
    const identity = identityOf(set)
    let bits = matching.get(identity)
    if (bits === undefined) {
      bits = named.map((word) => ~word)
      for (const { set: own, types } of alike) if (overlaps(own, set)) addBits(bits, types)
      matching.set(identity, bits)
    }
    return bits
  }

  /** What the types cost that can be had under the requirements; worked out once for all that agree about offerings. */
  market(requirements: Requirements): Market {
    const identity = this.offeringKeys.map((key) => {
      const set = requirements.get(key)
      return set === undefined ? "" : identityOf(set)
    }).join("\n")
    let market = this.markets.get(identity)
    if (market === undefined) {
      market = marketOf(this.offerings, this.allowing(requirements))
      this.markets.set(identity, market)
    }
    return market
  }

  /** The cheapest offering of a type that the requirements allow. */
  offering(t: number, requirements: Requirements): Offering | undefined {
    return this.market(requirements).offerings[t]
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

/** Few, and mostly in order: quicker than to sort. */
const cheapestFirst = (offerings: Array<Offering>): ReadonlyArray<Offering> => {
  for (let i = 1; i < offerings.length; i++) {
    const offering = offerings[i]!
    let at = i
    for (; at > 0 && byPrice(offerings[at - 1]!, offering) > 0; at--) offerings[at] = offerings[at - 1]!
    offerings[at] = offering
  }
  return offerings
}

const byPrice = (a: Offering, b: Offering): number =>
  a.price - b.price || (a.zone < b.zone ? -1 : a.zone > b.zone ? 1 : a.capacityType < b.capacityType ? -1 : 1)

const marketOf = (
  all: ReadonlyArray<ReadonlyArray<Offering>>, allows: (offering: Offering) => boolean
): Market => {
  const offerings: Array<Offering | undefined> = []
  const sold = noBits(all.length)
  const order: Array<number> = []
  const capacityTypes: Array<string> = []
  const soldAs = new Uint8Array(all.length)
  for (let t = 0; t < all.length; t++) {
    const ofType = all[t]!
    let cheapest: Offering | undefined
    for (let o = 0; o < ofType.length; o++) {
      if (!allows(ofType[o]!)) continue
      cheapest ??= ofType[o]!
      let as = capacityTypes.indexOf(ofType[o]!.capacityType)
      if (as < 0) as = capacityTypes.push(ofType[o]!.capacityType) - 1
      soldAs[t]! |= 1 << as
    }
    offerings.push(cheapest)
    if (cheapest === undefined) continue
    setBit(sold, t)
    order.push(t)
  }
  // Types come by name, and sorting is stable.
  order.sort((a, b) => offerings[a]!.price - offerings[b]!.price)
  return { offerings, order, sold, capacityTypes, soldAs }
}

const amd64 = valuesIn(["amd64"])
const linux = valuesIn(["linux"])

/** Reads what types require of a label; what many of them say alike is one set. */
class TypeReader {
  private readonly undefinedLabels: ReadonlySet<string>
  private readonly known: Map<string, ValueSet> = new Map()

  /** Which reservation a node is of is up to the offering. */
  constructor(wellKnown: ReadonlySet<string>, reservationIdLabel: string | undefined) {
    this.undefinedLabels = new Set([...wellKnown].filter((key) =>
      key !== NodePoolLabel && key !== HostnameLabel && key !== reservationIdLabel))
  }

  /** By type. `offerings` are those to be had. */
  read(
    types: ReadonlyArray<InstanceType>, offerings: ReadonlyArray<ReadonlyArray<Offering>>, key: string
  ): ReadonlyArray<ValueSet | undefined> {
    const names = namesOf(key)
    return types.map((type, t) => key === InstanceTypeLabel ? valuesIn([type.name])
      : ownRequirement(type, names) ?? this.byDefault(key, offerings[t]!))
  }

  /** Well-known labels that a type does not name do not exist on it; it runs Linux on amd64 where it does not say otherwise. */
  private byDefault(key: string, offerings: ReadonlyArray<Offering>): ValueSet | undefined {
    switch (key) {
      case ArchLabel:
        return amd64
      case OsLabel:
        return linux
      case ZoneLabel:
        return this.valuesOf(offerings, (offering) => offering.zone)
      case CapacityTypeLabel:
        return this.valuesOf(offerings, (offering) => offering.capacityType)
      default:
        return this.undefinedLabels.has(key) ? noValue : undefined
    }
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

/** What the labels and requirements of a type say about a label that goes by these names. */
const ownRequirement = ({ labels, requirements }: InstanceType, names: ReadonlyArray<string>): ValueSet | undefined => {
  let out: ValueSet | undefined
  const add = (set: ValueSet): void => {
    out = out === undefined ? set : intersection(out, set)
  }
  for (const name of names) {
    const value = labels?.[name]
    if (value !== undefined) add(valuesIn([value]))
    for (const requirement of requirements ?? []) if (requirement.key === name) add(valueSet(requirement))
  }
  return out
}
