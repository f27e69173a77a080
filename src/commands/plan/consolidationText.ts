/** The commands that would take nodes away, and why the others stay, as a person reads them. Pure. */
import type { Disruption, Kept } from "../../scheduling/consolidation/contract.ts"
import type { Pod } from "../../scheduling/problem.ts"
import type { Consolidated } from "./consolidate.ts"
import { crowdOf, crowdText } from "./crowd.ts"
import type { Crowd } from "./crowd.ts"
import { count, grouped, hourly, wrap } from "./page.ts"
import type { Page } from "./page.ts"
import { boundText, monthly } from "./text.ts"

/** So many nodes that stay for the same reason are named, and so many that go. */
const mostNames = 8

const names = (nodes: ReadonlyArray<string>): string =>
  nodes.length <= mostNames ? nodes.join(", ") : `${nodes.slice(0, mostNames).join(", ")} and ${nodes.length - mostNames} more`

const moveLines = ({ moves, replace }: Disruption, crowd: Crowd, { width }: Page): ReadonlyArray<string> => {
  const bought = new Set(replace.map(({ name }) => name))
  const of = (to: string) => moves.filter((move) => move.to === to).map(({ pod }) => pod)
  const made = replace.flatMap(({ hourlyPrice, instanceType, name, nodePool, zone }) =>
    wrap(`buys ${name}: ${instanceType} ${zone} ${hourly(hourlyPrice)} NodePool ${nodePool}, for ${crowdText(crowd, of(name))}`,
      width, "     ", "       "))
  const others = [...new Set(moves.map(({ to }) => to))].filter((to) => !bought.has(to)).toSorted()
  return [...made, ...others.flatMap((to) => wrap(`to ${to}: ${crowdText(crowd, of(to))}`, width, "     ", "       "))]
}

const commandLines = (disruption: Disruption, i: number, crowd: Crowd, page: Page): ReadonlyArray<string> => {
  const { hourlySavings, podsMoved, remove, replace } = disruption
  const verb = replace.length > 0 ? "replace" : "remove"
  const moved = podsMoved === 0 ? "empty, no pod moves" : `${count(podsMoved, "pod")} ${podsMoved === 1 ? "moves" : "move"}`
  const what = remove.length === 1 ? remove[0]! : `${remove.length} nodes (${names(remove)})`
  return [
    ...wrap(`${i + 1}. ${verb} ${what}: saves ${hourly(hourlySavings)}, ${moved}`, page.width, "", "     ")
      .map((line) => page.paint("bold", line)),
    ...moveLines(disruption, crowd, page)
  ]
}

/** Nodes that are told the same are told together. */
const keptLines = (kept: ReadonlyArray<Kept>, { width }: Page): ReadonlyArray<string> =>
  grouped(kept, ({ message, reason }) => `${reason}\n${message}`).flatMap((group) => {
    const { message, reason } = group[0]!
    return wrap(`${names(group.map(({ node }) => node))}: ${message} (${reason})`, width, "  ", "      ")
  })

const summary = ({ disruptions, totals: { after, before } }: Consolidated): string => {
  if (disruptions.length === 0) return `Nothing to do: ${count(before.nodes, "node")} for ${hourly(before.hourlyPrice)}.`
  const gone = disruptions.reduce((sum, { remove }) => sum + remove.length, 0)
  const bought = disruptions.reduce((sum, { replace }) => sum + replace.length, 0)
  const moved = disruptions.reduce((sum, { podsMoved }) => sum + podsMoved, 0)
  const buys = bought === 0 ? "none is bought" : `${bought} ${bought === 1 ? "is" : "are"} bought`
  return `${count(disruptions.length, "command")}: ${count(gone, "node")} go${gone === 1 ? "es" : ""}, ${buys}, ` +
    `${count(moved, "pod")} ${moved === 1 ? "moves" : "move"}. Saves ${hourly(before.hourlyPrice - after.hourlyPrice)}, ` +
    `${monthly(before.hourlyPrice - after.hourlyPrice)}.`
}

const priceLine = ({ elapsedMs, totals: { after, before } }: Consolidated): string =>
  `Before: ${count(before.nodes, "node")}, ${hourly(before.hourlyPrice)}. After: ${count(after.nodes, "node")}, ` +
  `${hourly(after.hourlyPrice)}${boundText(after)}. Found in ${elapsedMs.toFixed(0)} ms.`

/** The whole page. `pods` are all of the input. */
export const consolidationText = (consolidated: Consolidated, page: Page): ReadonlyArray<string> => {
  const { disruptions, kept, question: { machines } } = consolidated
  const pods: ReadonlyArray<Pod> = machines.flatMap((machine) => machine.pods)
  const crowd = crowdOf(pods)
  const chapter = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
    lines.length === 0 ? [] : ["", page.paint("bold", title), ...lines]
  return [
    ...wrap(summary(consolidated), page.width, "").map((line) => page.paint("bold", line)),
    ...chapter("In this order", disruptions.flatMap((disruption, i) => commandLines(disruption, i, crowd, page))),
    ...chapter("Stays", keptLines(kept, page)),
    "",
    ...wrap(priceLine(consolidated), page.width, "", "  ")
  ]
}
