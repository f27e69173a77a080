/** Which of Linode's regions the plan is for. Pure. */
import { Result } from "effect"
import { label } from "../../apis/labels.ts"
import type { Region } from "../../linode/models.ts"
import type { Inventory } from "./kinds.ts"

export interface Chosen {
  readonly region: string
  /** What a person has to know who did not name the region. */
  readonly note: string | undefined
}

/** Taken where nothing tells the region: it sells every kind of plan. */
export const defaultRegion = "us-ord"

/** How many letters have to be added, left out or changed. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}

/** The regions whose name is most alike, or whose place is meant. */
const near = (name: string, regions: ReadonlyArray<Region>): ReadonlyArray<string> => {
  const wanted = name.toLowerCase()
  const byPlace = regions.filter((region) => wanted.length > 2 && region.label.toLowerCase().includes(wanted))
  const byName = regions.toSorted((a, b) => distance(wanted, a.id) - distance(wanted, b.id) || (a.id < b.id ? -1 : 1))
  return [...new Set([...byPlace, ...byName].map((region) => `${region.id} (${region.label})`))].slice(0, 4)
}

const mostCommon = (names: ReadonlyArray<string>): string | undefined => {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0]
}

/** The region or zone that each NodePool which names one names alone. */
const poolRegions = (inventory: Inventory): ReadonlyArray<string> => inventory.nodePools.flatMap((pool) =>
  pool.spec.template.spec.requirements.flatMap(({ key, operator, values }) =>
    (key === label.region || key === label.zone) && operator === "In" && values?.length === 1 ? values : []))

/** From `--region`, the nodes' labels, `LINODE_REGION`, what NodePools ask for, and else the default; the first that tells. */
export const chooseRegion = (
  given: { readonly flag: string | undefined; readonly variable: string | undefined },
  inventory: Inventory,
  regions: ReadonlyArray<Region>
): Result.Result<Chosen, string> => {
  const isKnown = (name: string): boolean => regions.some((region) => region.id === name)
  const named = (from: string, name: string): Result.Result<Chosen, string> => isKnown(name)
    ? Result.succeed({ region: name, note: undefined })
    : Result.fail(`${from}: found "${name}", expected a region of Linode; near to it: ${near(name, regions).join(", ")}`)

  if (given.flag !== undefined) return named("--region", given.flag)
  const ofNodes = mostCommon(inventory.nodes.flatMap((node) => node.metadata.labels?.[label.region] ?? []).filter(isKnown))
  if (ofNodes !== undefined) return Result.succeed({ region: ofNodes, note: undefined })
  if (given.variable !== undefined) return named("LINODE_REGION", given.variable)
  const ofPools = mostCommon(poolRegions(inventory).filter(isKnown))
  return Result.succeed(ofPools === undefined
    ? { region: defaultRegion, note: `nothing tells the region: prices are those of ${defaultRegion}; --region takes another` }
    : { region: ofPools, note: `prices are those of ${ofPools}, which a NodePool requires` })
}
