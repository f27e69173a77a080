/**
 * What NodeOverlays make of instance types (Karpenter's cloudprovider/overlay). Pure.
 *
 * Overlays are looked at by weight, the heaviest first, of equal ones the last in the alphabet first. The first that sets the
 * price of an offering or an amount of a resource wins. Two of the same weight that set the same thing are in conflict: the
 * later one counts nowhere.
 */
import { label } from "../apis/labels.ts"
import type { NodeOverlay } from "../apis/nodeOverlay.ts"
import { validateNodeOverlay } from "../apis/nodeOverlayValidation.ts"
import type { NodePool } from "../apis/nodePool.ts"
import { problemsText } from "../apis/nodePoolValidation.ts"
import { compatible, requirementsOf } from "../scheduling/index.ts"
import type { Requirements } from "../scheduling/index.ts"
import type { InstanceType, Offering, Resources } from "../scheduling/problem.ts"

/** A NodePool with the instance types that it can have, as Linode sells them. */
export interface Catalogued {
  readonly pool: NodePool
  readonly types: ReadonlyArray<InstanceType>
}

export interface Rejected {
  readonly overlay: NodeOverlay
  readonly reason: "RuntimeValidation" | "Conflict"
  /** For a person. */
  readonly message: string
}

/** What becomes of one type in one NodePool. */
interface Correction {
  /** By offering: how its price is written, absolute or as a change. */
  readonly prices: ReadonlyMap<string, string>
  readonly capacity: Resources
}

const noCorrection: Correction = { prices: new Map(), capacity: {} }

/** By type. */
export type Corrections = ReadonlyMap<string, Correction>

export interface Overlaid {
  /** By NodePool; one that no overlay is about is not there. */
  readonly corrections: ReadonlyMap<string, Corrections>
  readonly accepted: ReadonlyArray<NodeOverlay>
  readonly rejected: ReadonlyArray<Rejected>
}

/** An instance type says what was corrected; the scheduler does not read it. */
interface Corrected extends InstanceType {
  readonly overlay?: { readonly price: boolean; readonly capacity: boolean }
}

const none = { price: false, capacity: false }

/** What overlays changed of a type. */
export const overlayOf = (type: InstanceType): { readonly price: boolean; readonly capacity: boolean } =>
  (type as Corrected).overlay ?? none

const weightOf = ({ spec }: NodeOverlay): number => spec.weight ?? 0

const inOrder = (overlays: ReadonlyArray<NodeOverlay>): ReadonlyArray<NodeOverlay> => overlays.toSorted((a, b) =>
  weightOf(b) - weightOf(a) || (a.metadata.name > b.metadata.name ? -1 : 1))

const offeringKey = ({ capacityType, reservationId = "", zone }: Offering): string =>
  [zone, capacityType, reservationId].join("/")

/** What a node of the offering is known to be. */
const described = ({ metadata, spec }: NodePool, type: InstanceType, offering: Offering): Requirements => requirementsOf(
  type.requirements,
  Object.entries({
    ...spec.template.metadata?.labels,
    ...type.labels,
    [label.instanceType]: type.name,
    [label.zone]: offering.zone,
    [label.capacityType]: offering.capacityType,
    [label.nodePool]: metadata.name
  }).map(([key, value]) => ({ key, operator: "In", values: [value] }))
)

/** One thing that an overlay sets: the price of an offering, or the amount of a resource. */
interface Target {
  readonly pool: string
  readonly type: string
  readonly offering?: string
  readonly resource?: string
}

const keyOf = ({ offering, pool, resource, type }: Target): string =>
  [pool, type, resource === undefined ? offering : `#${resource}`].join(" ")

const nothing: ReadonlySet<string> = new Set()

/** Nodes of these kinds, described once for all overlays. */
const offeringsOf = (catalogues: ReadonlyArray<Catalogued>) => catalogues.flatMap(({ pool, types }) =>
  types.flatMap((type) => type.offerings.map((offering) => ({
    pool: pool.metadata.name, type: type.name, offering: offeringKey(offering), have: described(pool, type, offering)
  }))))

const targetsOf = ({ spec }: NodeOverlay, offerings: ReturnType<typeof offeringsOf>): ReadonlyMap<string, Target> => {
  const want = requirementsOf(spec.requirements)
  const selected = offerings.filter(({ have }) => compatible(have, want, nothing))
  const hasPrice = spec.price !== undefined || spec.priceAdjustment !== undefined
  const targets = selected.flatMap(({ offering, pool, type }): ReadonlyArray<Target> => [
    ...(hasPrice ? [{ pool, type, offering }] : []),
    ...Object.keys(spec.capacity ?? {}).map((resource) => ({ pool, type, resource }))
  ])
  return new Map(targets.map((target) => [keyOf(target), target]))
}

const conflictOf = (overlay: NodeOverlay, other: NodeOverlay, { offering, pool, resource, type }: Target): Rejected => ({
  overlay,
  reason: "Conflict",
  message: `conflict with another overlay: ${other.metadata.name}, of the same weight, sets ${
    resource === undefined ? `the price of ${type} (${offering?.split("/").slice(0, 2).join(", ")})` : `${resource} of ${type}`
  } in NodePool ${pool} too`
})

/** Which overlays count, and what they change in each NodePool. `catalogues` has all that overlays may be about. */
export const overlay = (overlays: ReadonlyArray<NodeOverlay>, catalogues: ReadonlyArray<Catalogued>): Overlaid => {
  const accepted: Array<NodeOverlay> = []
  const rejected: Array<Rejected> = []
  const offerings = offeringsOf(catalogues)
  /** By target: the overlay that set it last, and so of the least weight so far. */
  const last = new Map<string, NodeOverlay>()
  const corrections = new Map<string, Map<string, Correction>>()

  for (const each of inOrder(overlays)) {
    const problems = validateNodeOverlay(each)
    if (problems.length > 0) {
      rejected.push({ overlay: each, reason: "RuntimeValidation", message: problemsText(problems) })
      continue
    }
    const targets = targetsOf(each, offerings)
    const clash = [...targets].find(([key]) => {
      const other = last.get(key)
      return other !== undefined && weightOf(other) === weightOf(each)
    })
    if (clash !== undefined) {
      rejected.push(conflictOf(each, last.get(clash[0])!, clash[1]))
      continue
    }
    accepted.push(each)
    for (const [key, { offering, pool, resource, type }] of targets) {
      const isFirst = !last.has(key)
      last.set(key, each)
      if (!isFirst) continue
      const ofPool = corrections.get(pool) ?? new Map<string, Correction>()
      const { capacity, prices } = ofPool.get(type) ?? noCorrection
      const { spec } = each
      corrections.set(pool, ofPool.set(type, {
        prices: offering === undefined ? prices : new Map([...prices, [offering, spec.price ?? spec.priceAdjustment ?? ""]]),
        capacity: resource === undefined ? capacity : { ...capacity, [resource]: spec.capacity?.[resource] ?? 0 }
      }))
    }
  }
  return { accepted, rejected, corrections }
}

/** `1.2` takes the place of the price, `+1.2` and `-1.2` are added, `+5%` and `-5%` scale it. Never below 0. */
export const correctedPrice = (price: number, written: string): number => {
  const amount = Number.parseFloat(written)
  const next = !/^[+-]/u.test(written) ? amount : written.endsWith("%") ? price * (1 + amount / 100) : price + amount
  // Sums of decimal fractions are a little beside the mark: a billionth of a dollar is near enough.
  return Math.max(0, Math.round(next * 1e9) / 1e9)
}

/** The types with their corrections; those without any are the same objects. */
export const correct = (types: ReadonlyArray<InstanceType>, corrections: Corrections): ReadonlyArray<InstanceType> =>
  types.map((type): Corrected => {
    const found = corrections.get(type.name)
    if (found === undefined) return type
    const { capacity, prices } = found
    return {
      ...type,
      capacity: { ...type.capacity, ...capacity },
      offerings: type.offerings.map((offering) => {
        const written = prices.get(offeringKey(offering))
        return written === undefined ? offering : { ...offering, price: correctedPrice(offering.price, written) }
      }),
      overlay: { price: prices.size > 0, capacity: Object.keys(capacity).length > 0 }
    }
  })
