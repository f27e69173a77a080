/** The plan as a person reads it. Pure: the same plan gives the same lines. */
import type { Answer } from "./answer.ts"
import { crowdOf, crowdText } from "./crowd.ts"
import type { Crowd } from "./crowd.ts"
import { planJson, typeFinder } from "./json.ts"
import type { PlanJson } from "./json.ts"
import { existingLines, newNodeLines } from "./nodesText.ts"
import { count, grouped, hourly, wrap } from "./page.ts"
import type { Page } from "./page.ts"
import type { Question } from "./question.ts"

const hoursAMonth = 730

export const monthly = (price: number): string => `$${(price * hoursAMonth).toFixed(2)}/month`

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

/** How far a price is above one that nothing is below. */
export const boundText = (
  { hourlyPrice, lowerBound }: { readonly hourlyPrice: number; readonly lowerBound: number }
): string => {
  if (lowerBound <= 0) return ""
  const above = (hourlyPrice / lowerBound - 1) * 100
  if (above < 1e-6) return "; no plan costs less"
  const percents = above < 0.1 ? "less than 0.1 %" : `${above.toFixed(1)} %`
  return `, ${percents} above the ${hourly(lowerBound)} that every plan costs at least`
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
