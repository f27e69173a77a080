/** Linode's price list as it holds for one cluster: what may be ordered, for how much, and whether it is to be had. */
import type { Availability, LinodeType, Region } from "../linode/models.ts"

export interface Plan {
  readonly type: LinodeType
  /** US dollars an hour in this region. */
  readonly price: number
  /** False when the region does not have it, as far as the API tells. */
  readonly available: boolean
}

export interface Place {
  readonly id: string
  readonly tier: "standard" | "enterprise"
}

/** The region capability that a plan needs. g7-highmem, unlike its siblings, is sold everywhere. */
const neededCapability = ({ class: kind, id }: LinodeType): string | undefined => {
  if (kind === "premium" || id.startsWith("g7-dedicated-")) return "Premium Plans"
  if (kind === "gpu") return "GPU Linodes"
  if (kind === "accelerated") return "NETINT Quadra T1U"
  return undefined
}

/** Whether LKE takes orders for it at all, as Linode's Cloud Manager decides it. */
const isOrderable = ({ class: kind, id }: LinodeType, { tier }: Place): boolean =>
  kind !== "nanode" && kind !== "metal" && !id.endsWith("-edge") && !(kind === "gpu" && tier === "enterprise")

/**
 * The plans that a pool of this cluster can be made of, by name. A plan without a row in `rows` is not restricted; one
 * without an hourly price is left out.
 */
export const plansOf = (
  place: Place,
  types: ReadonlyArray<LinodeType>,
  regions: ReadonlyArray<Region>,
  rows: ReadonlyArray<Availability>
): ReadonlyArray<Plan> => {
  const capabilities = regions.find((region) => region.id === place.id)?.capabilities ?? []
  const restricted = new Set(rows.filter((row) => row.region === place.id && !row.available).map((row) => row.plan))
  return types.filter((type) => isOrderable(type, place))
    .flatMap((type) => {
      const price = type.region_prices.find((override) => override.id === place.id)?.hourly ?? type.price.hourly
      const needed = neededCapability(type)
      const available = !restricted.has(type.id) && (needed === undefined || capabilities.includes(needed))
      return price === null ? [] : [{ type, price, available }]
    })
    .toSorted((a, b) => a.type.id < b.type.id ? -1 : 1)
}
