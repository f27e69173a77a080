/** The plan as a person reads it. Pure: the same plan gives the same lines. */
import { styleText } from "node:util"
import { parseQuantity, subtractResources } from "../../scheduling/index.ts"
import type { NewNode, Placement } from "../../scheduling/plan.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Answer } from "./answer.ts"
import { crowdOf, crowdText } from "./crowd.ts"
import type { Crowd } from "./crowd.ts"
import { planJson, typeFinder } from "./json.ts"
import type { PlanJson } from "./json.ts"
import type { Question } from "./question.ts"

type Style = "bold" | "dim" | "red" | "green"
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_, text) => text
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false })

export interface Page {
  /** Columns. */
  readonly width: number
  readonly paint: Paint
}

const hoursAMonth = 730

const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const digits = (price: number): number => price !== 0 && price < 0.01 ? 4 : 3
export const hourly = (price: number): string => `$${price.toFixed(digits(price))}/h`
const monthly = (price: number): string => `$${(price * hoursAMonth).toFixed(2)}/month`

/** Text as lines of at most the width, the second and later ones with their own indent. */
export const wrap = (text: string, width: number, indent: string, later = indent): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    const begin = lines.length === 0 ? indent : later
    if (line === "") line = begin + word
    else if (line.length + 1 + word.length <= width) line += ` ${word}`
    else {
      lines.push(line)
      line = later + word
    }
  }
  return [...lines, line]
}

const percent = (part: number): string => `${Math.round(part * 100)} %`

/** The share of a resource that is asked for, of what the type has for pods. */
const shareOf = (node: NewNode, type: InstanceType | undefined, resource: string): number => {
  if (type === undefined) return 0
  const has = Number(parseQuantity(subtractResources(type.capacity, type.overhead)[resource] ?? 0))
  return has <= 0 ? 0 : Number(parseQuantity(node.requests[resource] ?? 0)) / has
}

const range = (shares: ReadonlyArray<number>): string => {
  const [least, most] = [percent(Math.min(...shares)), percent(Math.max(...shares))]
  return least === most ? most : `${least.slice(0, -2)}–${most}`
}

const grouped = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<ReadonlyArray<A>> =>
  [...Map.groupBy(items, keyOf).values()]

/** Rows of cells as lines with the cells below each other. */
const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => rows.map((row) =>
  row.map((cell, i) => cell.padEnd(Math.max(...rows.map((other) => other[i]?.length ?? 0)))).join("  ").trimEnd())

const newNodeLines = (
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
  const heads = columns(alike.map((group) => {
    const node = group[0]!
    const share = (resource: string): string => range(group.map((each) => shareOf(each, typeOf(each), resource)))
    return [
      `${String(group.length).padStart(counted)} × ${node.instanceType}`, node.zone, node.capacityType,
      hourly(node.hourlyPrice), `NodePool ${node.nodePool}`, `cpu ${share("cpu")}`, `memory ${share("memory")}`
    ]
  }))
  return alike.flatMap((group, i) => {
    const contents = grouped(group, (node) => crowdText(crowd, node.pods, Infinity))
    const shown = contents.toSorted((a, b) => b.length - a.length).slice(0, 5)
    const hidden = contents.length - shown.length
    const lines = shown.flatMap((same) => {
      const prefix = contents.length === 1 ? group.length === 1 ? "" : "each: " : `${count(same.length, "node")}: `
      return wrap(prefix + crowdText(crowd, same[0]!.pods), width, "      ", "        ")
    })
    return [`  ${paint("bold", heads[i]!)}`, ...lines, ...(hidden === 0 ? [] : [`      ${hidden} other ways to fill the rest`])]
  })
}

const mostGroups = 12

/** Nodes that get the like are told together, those that get most first. */
const existingLines = (placements: ReadonlyArray<Placement>, crowd: Crowd, { width }: Page): ReadonlyArray<string> => {
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

/** Most messages name their NodePool themselves. */
const heading = (nodePool: string, message: string): string =>
  nodePool === "" || message.includes(`NodePool ${nodePool}`) ? "" : `NodePool ${nodePool}: `

const unplacedLines = ({ unschedulable }: PlanJson, crowd: Crowd, { paint, width }: Page): ReadonlyArray<string> =>
  grouped(unschedulable, ({ reasons }) => JSON.stringify(reasons)).flatMap((group) => {
    const pods = group.map(({ pod }) => ({ namespace: pod.slice(0, pod.indexOf("/")), name: pod.slice(pod.indexOf("/") + 1) }))
    const names = group.length <= 3 ? group.map(({ pod }) => pod).join(", ") : crowdText(crowd, pods)
    return [
      ...wrap(`${count(group.length, "pod")}: ${names}`, width, "  ", "    ").map((line) => paint("red", line)),
      ...group[0]!.reasons.flatMap(({ message, nodePool, reason }) =>
        wrap(`${heading(nodePool, message)}${message} (${reason})`, width, "    ", "      "))
    ]
  })

const summary = ({ existingNodes, newNodes, unschedulable }: PlanJson): string => {
  const bought = newNodes.reduce((sum, node) => sum + node.pods.length, 0)
  const fitted = existingNodes.reduce((sum, node) => sum + node.pods.length, 0)
  const all = bought + fitted + unschedulable.length
  if (all === 0) return "Nothing to do: no pod is waiting for a node."
  const parts = [
    ...(bought === 0 ? [] : [`${bought} on ${count(newNodes.length, "new node")}`]),
    ...(fitted === 0 ? [] : [`${fitted} on ${count(existingNodes.length, "node that is there", "nodes that are there")}`]),
    ...(unschedulable.length === 0 ? [] : [`${unschedulable.length} cannot be placed`])
  ]
  return `${count(all, "pod")} to place: ${parts.join(", ")}.`
}

const boundText = ({ hourlyPrice, lowerBound }: PlanJson["totals"]): string => {
  if (lowerBound <= 0) return ""
  const above = (hourlyPrice / lowerBound - 1) * 100
  if (above < 0.05) return "; no plan costs less"
  return `, ${above.toFixed(1)} % above the ${hourly(lowerBound)} that every plan costs at least`
}

const priceLines = ({ elapsedMs, newNodes, totals }: PlanJson): ReadonlyArray<string> => {
  if (newNodes.length === 0) return ["Nothing is bought."]
  return [
    `Price: ${hourly(totals.hourlyPrice)}, ${monthly(totals.hourlyPrice)}${boundText(totals)}.`,
    `First plan after ${elapsedMs.firstFit.toFixed(1)} ms, then ${elapsedMs.search.toFixed(0)} ms of search for a cheaper one.`
  ]
}

/** The whole page. */
export const planText = (question: Question, answer: Answer, page: Page): ReadonlyArray<string> => {
  const { paint, width } = page
  const { plan } = answer
  const json = planJson(question, answer)
  const crowd = crowdOf([...question.problem.pods, ...question.refused.map(({ pod }) => pod)])
  const chapter = (title: string, lines: ReadonlyArray<string>): ReadonlyArray<string> =>
    lines.length === 0 ? [] : ["", paint("bold", title), ...lines]
  return [
    ...wrap(summary(json), width, "").map((line) => paint("bold", line)),
    ...chapter("New nodes", newNodeLines(plan.newNodes, crowd, typeFinder(question.problem), page)),
    ...chapter("Nodes that are there", existingLines(plan.existingNodes, crowd, page)),
    ...chapter("Cannot be placed", unplacedLines(json, crowd, page)),
    "",
    ...priceLines(json).flatMap((line) => wrap(line, width, "", "  "))
  ]
}
