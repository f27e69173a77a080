/** Draws a scene as lines of text. Pure: the same scene gives the same lines. */
import { styleText } from "node:util"
import type { Happening, NodeBar, NodeState, Scene } from "./scene.ts"

type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

export const colours: Paint = (style, text) => styleText(style, text, { validateStream: false })
export const plain: Paint = (_, text) => text

/** `mm:ss` of simulated time; hours only when there are any. */
export const clock = (millis: number): string => {
  const seconds = Math.max(0, Math.floor(millis / 1000))
  const parts = [Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, "0"))
  return [...(seconds >= 3600 ? [String(Math.floor(seconds / 3600))] : []), ...parts].join(":")
}

export const dollars = (hourly: number): string => `$${hourly.toFixed(3)}/h`

const states: Readonly<Record<NodeState, { readonly word: string; readonly style: Style }>> = {
  ordered: { word: "ordered", style: "cyan" },
  joining: { word: "joining", style: "yellow" },
  ready: { word: "ready", style: "green" },
  draining: { word: "draining", style: "magenta" },
  leaving: { word: "leaving", style: "gray" }
}

const barWidth = 24

const bar = (node: NodeBar, paint: Paint): string => {
  const filled = node.cores === 0 ? 0 : Math.min(barWidth, Math.round(node.requested / node.cores * barWidth))
  return paint(states[node.state].style, "█".repeat(filled)) + paint("gray", "░".repeat(barWidth - filled))
}

const cores = (n: number): string => Number.isInteger(n) ? String(n) : n.toFixed(1)

const nodeLine = (node: NodeBar, paint: Paint): string => [
  "  ",
  node.name.padEnd(28),
  node.type.padEnd(17),
  paint(states[node.state].style, states[node.state].word.padEnd(9)),
  bar(node, paint),
  ` ${cores(node.requested)}/${cores(node.cores)} CPU`.padEnd(13),
  `${node.pods} pod${node.pods === 1 ? "" : "s"}`.padEnd(9),
  dollars(node.hourlyPrice)
].join(" ")

const sources: Readonly<Record<Happening["source"], Style>> = { you: "bold", karpenter: "green", linode: "cyan", kubernetes: "gray" }

export const happeningLine = (happening: Happening, paint: Paint): string =>
  `  ${paint("gray", clock(happening.at))}  ${paint(sources[happening.source], happening.source.padEnd(10))} ${happening.text}`

const podDots = (scene: Scene, paint: Paint): string => {
  const most = 48
  const running = Math.min(most, scene.running)
  return paint("green", "●".repeat(running)) + paint("yellow", "○".repeat(Math.min(most - running, scene.pending)))
}

/** The whole picture, `rows` lines at most: a heading, pods and price, a bar per node, and the latest happenings. */
export const draw = (options: {
  readonly title: string
  readonly scene: Scene
  readonly happenings: ReadonlyArray<Happening>
  readonly rows: number
  readonly paint: Paint
}): ReadonlyArray<string> => {
  const { happenings, paint, rows, scene, title } = options
  const head = [
    `${paint("bold", title)}  ${paint("gray", clock(scene.elapsedMillis))}`,
    "",
    `  Pods   ${podDots(scene, paint)}  ${scene.running} running, ${scene.pending} pending`,
    `  Price  ${paint("bold", dollars(scene.hourlyPrice))}  ${paint("gray", `(most so far ${dollars(scene.peakHourlyPrice)})`)}`,
    "",
    paint("gray", `  Linodes bought by Karpenter: ${scene.nodes.length === 0 ? "none" : scene.nodes.length}`)
  ]
  const room = Math.max(3, rows - head.length - 2)
  const bars = scene.nodes.slice(0, Math.max(1, room - 6)).map((node) => nodeLine(node, paint))
  const hidden = scene.nodes.length - bars.length
  const body = [...head, ...bars, ...(hidden > 0 ? [paint("gray", `   and ${hidden} more`)] : []), ""]
  return [...body, ...happenings.slice(-Math.max(1, rows - body.length - 1)).map((each) => happeningLine(each, paint))]
}
