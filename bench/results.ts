/** RESULTS.md: a section for each kind of figure, each measured when its heading says. */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { resolve } from "node:path"

const file = resolve(import.meta.dirname, "RESULTS.md")

export interface Section {
  readonly title: string
  readonly text: string
}

/** What everything below it depends on. */
export const machine = (): string =>
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? "unknown"}, Node ${process.version}`

export const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!

export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => [
  `| ${head.join(" | ")} |`, `|${head.map(() => "---|").join("")}`, ...rows.map((row) => `| ${row.join(" | ")} |`)
].join("\n")

const order = ["Scheduling", "Cost", "Consolidation", "Controller", "Scale"]

/** Puts a section in the place of its predecessor, and leaves the others as they were measured. */
export const keep = ({ text, title }: Section): void => {
  const old = existsSync(file) ? readFileSync(file, "utf8") : ""
  const sections = new Map(old.split(/^## /m).slice(1).map((part) => {
    const end = part.indexOf("\n")
    return [part.slice(0, end).trim(), part.slice(end + 1).trim()]
  }))
  sections.set(title, text)
  const parts = order.flatMap((each) => sections.has(each) ? [`## ${each}\n\n${sections.get(each)}\n`] : [])
  writeFileSync(file, ["# Figures\n\nWhat `npm run bench` measured.\n", ...parts].join("\n"))
}
