/** Instance types to buy: made up ones, and Linode's own. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { InstanceType } from "../../../src/scheduling/index.ts"
import type { Dice } from "./dice.ts"
import type { Themes } from "./names.ts"
import { label } from "./names.ts"

interface LinodePlan {
  readonly id: string
  readonly class: string
  readonly vcpus: number
  readonly memory: number
  readonly price: { readonly hourly: number }
}

const plans = (JSON.parse(readFileSync(join(import.meta.dirname, "../../../data/linode-types.json"), "utf8")) as {
  readonly data: ReadonlyArray<LinodePlan>
}).data.filter((plan) => ["standard", "dedicated", "highmem", "premium"].includes(plan.class))

const sold = (d: Dice, themes: Themes, zones: ReadonlyArray<string>, name: string, price: number): InstanceType["offerings"] => {
  const kinds = themes.has("capacityTypes") ? d.pick([["on-demand"], ["on-demand", "spot"]]) : ["on-demand"]
  const dearer = d.chance(0.3)
  const open = zones.flatMap((zone, i) => kinds.map((capacityType) => ({
    zone,
    capacityType,
    price: Math.round(price * (capacityType === "spot" ? 0.4 : 1) * (dearer ? 1 + i / 10 : 1) * 1e4) / 1e4,
    ...(d.chance(0.05) ? { available: false } : {})
  })))
  if (!themes.has("reservations") || !d.chance(0.3)) return open
  const zone = d.pick(zones)
  // Paid for already, so that it is taken first.
  const reserved = { zone, capacityType: "reserved", price: Math.round(price * 10) / 1e4 }
  return [...open, { ...reserved, reservationId: `reserved-${name}`, reservationCapacity: 1 + d.upTo(3) }]
}

const made = (d: Dice, themes: Themes, zones: ReadonlyArray<string>, name: string): InstanceType => {
  const cpu = d.pick([1, 2, 4, 4, 8, 8, 16, 32])
  const gi = cpu * d.pick([1, 2, 2, 4])
  return {
    name,
    capacity: { cpu: String(cpu), memory: `${gi}Gi`, pods: d.pick(["8", "30", "110"]) },
    ...(d.chance(0.8) ? { overhead: { cpu: "100m", memory: d.pick(["128Mi", "400Mi"]) } } : {}),
    labels: {
      [label.family]: d.pick(["shared", "dedicated"]), ...(d.chance(0.9) ? { [label.cpus]: String(cpu) } : {}),
      ...(d.chance(0.1) ? { [label.arch]: "arm64" } : {})
    },
    offerings: sold(d, themes, zones, name, (cpu * 0.012 + gi * 0.003) * (0.8 + d.upTo(5) / 10))
  }
}

const linode = (d: Dice, themes: Themes, zones: ReadonlyArray<string>, plan: LinodePlan): InstanceType => {
  const { class: family, id, memory, price, vcpus } = plan
  return {
    name: id,
    capacity: { cpu: String(vcpus), memory: `${memory}Mi`, pods: "110" },
    overhead: { cpu: "100m", memory: `${400 + Math.round(memory * 0.02)}Mi` },
    labels: { [label.family]: family, [label.cpus]: String(vcpus) },
    offerings: sold(d, themes, zones, id, price.hourly)
  }
}

/** 5 to 30 types, sold in each of the zones. */
export const catalogue = (d: Dice, themes: Themes, zones: ReadonlyArray<string>): ReadonlyArray<InstanceType> => d.chance(0.4)
  ? d.some(5 + d.upTo(26), plans).map((plan) => linode(d, themes, zones, plan))
  : Array.from({ length: 5 + d.upTo(16) }, (_, i) => made(d, themes, zones, `type-${i}`))
