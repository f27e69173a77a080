/** The nodes of a plan as a person reads them: those that are alike in one line. Pure. */
import { parseQuantity, subtractResources } from "../../scheduling/index.ts"
import type { NewNode, Placement } from "../../scheduling/plan.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import { crowdText } from "./crowd.ts"
import type { Crowd } from "./crowd.ts"
import { columns, count, grouped, hourly, wrap } from "./page.ts"
import type { Page } from "./page.ts"

/** So many ways to fill the nodes of a group are shown, and so many groups of nodes that are there. */
const mostWays = 5
const mostGroups = 12

const percent = (part: number): string => `${Math.round(part * 100)} %`

/** The share of a resource that is asked for, of what the type has for pods. */
const shareOf = (node: NewNode, type: InstanceType | undefined, resource: string): number => {
  if (type === undefined) return 0
  const has = Number(parseQuantity(subtractResources(type.capacity, type.overhead)[resource] ?? 0))
  return has <= 0 ? 0 : Number(parseQuantity(node.requests[resource] ?? 0)) / has
}

const range = (shares: ReadonlyArray<number>): string => {
  const least = percent(shares.reduce((a, b) => Math.min(a, b)))
  const most = percent(shares.reduce((a, b) => Math.max(a, b)))
  return least === most ? most : `${least.slice(0, -2)}–${most}`
}

/** What is on the nodes of a group: those filled the same way together, the most frequent ways first. */
const contentLines = (group: ReadonlyArray<NewNode>, crowd: Crowd, width: number): ReadonlyArray<string> => {
  const contents = grouped(group, (node) => crowdText(crowd, node.pods, Infinity)).toSorted((a, b) => b.length - a.length)
  const hidden = contents.length - mostWays
  return [
    ...contents.slice(0, mostWays).flatMap((same) => {
      const prefix = contents.length > 1 ? `${count(same.length, "node")}: ` : group.length > 1 ? "each: " : ""
      return wrap(prefix + crowdText(crowd, same[0]!.pods), width, "      ", "        ")
    }),
    ...(hidden > 0 ? [`      ${hidden} other ways to fill the rest`] : [])
  ]
}

/** What is bought, where, for how much, and how full it gets; on a narrow page in two lines. */
export const newNodeLines = (
  nodes: ReadonlyArray<NewNode>,
  crowd: Crowd,
  typeOf: (node: NewNode) => InstanceType | undefined,
  { paint, width }: Page
): ReadonlyArray<string> => {
  const boughtAs = (node: NewNode): string =>
    [node.nodePool, node.instanceType, node.zone, node.capacityType, node.hourlyPrice].join("\n")
  const alike = grouped(nodes, boughtAs)
    .toSorted((a, b) => b.length - a.length || (a[0]!.name < b[0]!.name ? -1 : 1))
  const counted = Math.max(0, ...alike.map((group) => String(group.length).length))
  const share = (group: ReadonlyArray<NewNode>, resource: string): string =>
    `${resource} ${range(group.map((node) => shareOf(node, typeOf(node), resource)))}`
  const cells = alike.map((group) => {
    const { capacityType, hourlyPrice, instanceType, nodePool, zone } = group[0]!
    const bought = [`${String(group.length).padStart(counted)} × ${instanceType}`, zone, capacityType, hourly(hourlyPrice)]
    return { bought, filled: [`NodePool ${nodePool}`, share(group, "cpu"), share(group, "memory")] }
  })
  const wide = columns(cells.map(({ bought, filled }) => [...bought, ...filled]))
  const isNarrow = wide.some((line) => line.length + 2 > width)
  const narrow = columns(cells.map(({ bought }) => bought))
  return alike.flatMap((group, i) => {
    const heads = isNarrow ? [narrow[i]!, `    ${cells[i]!.filled.join("  ")}`] : [wide[i]!]
    return [...heads.map((line) => `  ${paint("bold", line)}`), ...contentLines(group, crowd, width)]
  })
}

/** Nodes that get the like are told together, those that get most first. */
export const existingLines = (placements: ReadonlyArray<Placement>, crowd: Crowd, { width }: Page): ReadonlyArray<string> => {
  const groups = grouped(placements, ({ pods }) => crowdText(crowd, pods, Infinity)).toSorted((a, b) => b.length - a.length)
  const hidden = groups.slice(mostGroups).reduce((sum, group) => sum + group.length, 0)
  return [
    ...groups.slice(0, mostGroups).flatMap((group) => {
      const [first] = group
      const names = group.slice(0, 3).map(({ name }) => name).join(", ")
      const who = group.length <= 3 ? names : `${group.length} nodes (${names}, …)`
      return wrap(`${who}: ${group.length === 1 ? "" : "each "}${crowdText(crowd, first!.pods)}`, width, "  ", "      ")
    }),
    ...(hidden === 0 ? [] : [`  and ${count(hidden, "other node")}`])
  ]
}
