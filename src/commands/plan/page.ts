/** How text is laid out: width, colour, numbers, columns. Pure. */
import { styleText } from "node:util"

type Style = "bold" | "red"
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_, text) => text
export const coloured: Paint = (style, text) => styleText(style, text, { validateStream: false })

export interface Page {
  /** Columns. */
  readonly width: number
  readonly paint: Paint
}

/** `1 pod`, `2 pods`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

const digits = (price: number): number => price !== 0 && price < 0.01 ? 4 : 3
/** A price as people write it. */
export const hourly = (price: number): string => `$${price.toFixed(digits(price))}/h`

/** Items with the same key together, in the order in which the keys come. */
export const grouped = <A>(items: ReadonlyArray<A>, keyOf: (item: A) => string): ReadonlyArray<ReadonlyArray<A>> =>
  [...Map.groupBy(items, keyOf).values()]

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

/** Rows of cells as lines with the cells below each other. */
export const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => rows.map((row) =>
  row.map((cell, i) => cell.padEnd(Math.max(...rows.map((other) => other[i]?.length ?? 0)))).join("  ").trimEnd())
