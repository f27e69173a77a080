/** What can be bought where, and for how much. */
import type { Availability, LinodeType, Region } from "../../linode/models.ts"
import { Refusal } from "./world.ts"

/** Plans of these classes need a capability of the region; only they have rows in the availability list. */
const needs: Readonly<Record<string, string>> = {
  premium: "Premium Plans",
  gpu: "GPU Linodes",
  accelerated: "NETINT Quadra T1U"
}

export class Stock {
  private readonly types: ReadonlyMap<string, LinodeType>
  private readonly regions: ReadonlyMap<string, Region>
  private readonly gone = new Set<string>()

  constructor(types: ReadonlyArray<LinodeType>, regions: ReadonlyArray<Region>) {
    this.types = new Map(types.map((type) => [type.id, type]))
    this.regions = new Map(regions.map((region) => [region.id, region]))
  }

  soldOut(type: string, region: string): () => void {
    const key = `${type} ${region}`
    this.gone.add(key)
    return () => {
      this.gone.delete(key)
    }
  }

  /** USD an hour; 0 for a type whose price isn't known. */
  hourlyPrice(type: string, region: string): number {
    const known = this.types.get(type)
    return known?.region_prices.find((price) => price.id === region)?.hourly ?? known?.price.hourly ?? 0
  }

  /** The rows of a region. An ordinary plan has none, not even when it is sold out: only buying tells. */
  availability(region: Region): ReadonlyArray<Availability> {
    return [...this.types.values()].filter((type) => needs[type.class] !== undefined)
      .map((type) => ({ region: region.id, plan: type.id, available: this.has(type, region) }))
  }

  /**
   * For a node of LKE, which takes no Nanodes.
   * @throws Refusal 400 that names the type
   */
  checkNode(id: string, regionId: string): void {
    if (this.types.get(id)?.class === "nanode") throw new Refusal(400, "type is not valid", "type")
    this.check(id, regionId)
  }

  /** @throws Refusal 400 that names the type */
  check(id: string, regionId: string): void {
    const type = this.types.get(id)
    const region = this.regions.get(regionId)
    if (type === undefined) throw new Refusal(400, "type is not valid", "type")
    if (region === undefined || !this.has(type, region)) {
      throw new Refusal(400, `The selected plan ${id} is currently unavailable in ${regionId}`, "type")
    }
  }

  private has(type: LinodeType, region: Region): boolean {
    const capability = needs[type.class]
    return !this.gone.has(`${type.id} ${region.id}`) && (capability === undefined || region.capabilities.includes(capability))
  }
}
