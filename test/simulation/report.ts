/** What is told of a life that went wrong: little enough to be read, all that is needed to see why. */
import type { Line } from "./record.ts"
import { clock } from "./record.ts"
import type { Violation } from "./stage.ts"
import type { Mode } from "./world.ts"

const longestTrace = 70
const longestLine = 400
/** How far back what has no name of the violation in it may matter, in milliseconds. */
const nearby = 4 * 60_000

export const lineText = ({ at, text, topic }: Line): string => `${clock(at)} ${topic.padEnd(10)} ${text}`

const short = (line: string): string => line.length <= longestLine ? line : `${line.slice(0, longestLine - 1)}…`

/** The names in a violation, with what those are bound to: what happened to them is what matters. */
const namesOf = (text: string, lines: ReadonlyArray<Line>): ReadonlyArray<string> => {
  const names = new Set(text.match(/[a-z]+-[a-z0-9]{5}\b|\b\d{4,}-[0-9a-f]{12}\b|\bvisitor-\d+/g) ?? [])
  for (const { text: line, topic } of lines) {
    const [, claim, node] = topic === "claim" ? /lke-node of (\S+): (\d+-[0-9a-f]+)/.exec(line) ?? [] : []
    if (claim === undefined || node === undefined) continue
    if (names.has(claim)) names.add(node)
    else if (names.has(node)) names.add(claim)
  }
  return [...names]
}

const isPivotal = ({ text, topic }: Line): boolean =>
  topic === "violation" || topic === "program" || (topic === "linode" && text.startsWith("replica")) ||
  (topic === "fault" && /late|killed|frozen|stop|storm|never joins|by hand|dies/.test(text))

/** The lines that tell why: those about what the violation names, and what happened at Linode and to the programs shortly before. */
export const minimalTrace = (lines: ReadonlyArray<Line>, { at, text }: Violation): ReadonlyArray<string> => {
  const names = namesOf(text, lines)
  const told = lines.filter((line) =>
    (line.topic !== "log" || !/"level":"(INFO|DEBUG)"/.test(line.text)) && names.some((name) => line.text.includes(name)) ||
    (at - line.at <= nearby && isPivotal(line)))
  const left = told.length - longestTrace
  if (left <= 0) return told.map((line) => short(lineText(line)))
  const first = told.slice(0, 15)
  const last = told.slice(-(longestTrace - 15))
  return [...first.map((line) => short(lineText(line))), `... ${left} more ...`, ...last.map((line) => short(lineText(line)))]
}

export const replayCommand = (mode: Mode, seed: number): string =>
  `npm run simulate -- ${mode === "lke" ? "" : `--mode ${mode} `}--seed ${seed} --trace`
