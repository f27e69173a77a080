/** Which arms a run entered, by what V8 counted (`NODE_V8_COVERAGE`). Several processes add up. */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Arm } from "./arms.ts"
import { armsOf } from "./arms.ts"

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}

/** V8's account of one script in one process. */
export interface Script {
  readonly url: string
  readonly functions: ReadonlyArray<{ readonly ranges: ReadonlyArray<Range> }>
}

/** How often the place was passed: the innermost range around it says. */
const timesAt = (ranges: ReadonlyArray<Range>, at: number): number => {
  let innermost: Range | undefined
  for (const range of ranges) {
    if (range.startOffset > at || range.endOffset <= at) continue
    if (innermost === undefined || range.endOffset - range.startOffset <= innermost.endOffset - innermost.startOffset) innermost = range
  }
  return innermost?.count ?? 0
}

export interface FileCoverage {
  readonly file: string
  readonly arms: ReadonlyArray<Arm>
  readonly missed: ReadonlyArray<Arm>
}

export const reachedIn = (file: string, source: string, scripts: ReadonlyArray<Script>): FileCoverage => {
  const arms = armsOf(source)
  const runs = scripts.map(({ functions }) => functions.flatMap(({ ranges }) => ranges))
  return { file, arms, missed: arms.filter(({ at }) => runs.every((ranges) => timesAt(ranges, at) === 0)) }
}

const read = (folder: string): ReadonlyArray<Script> => readdirSync(folder).filter((name) => name.endsWith(".json"))
  .flatMap((name) => (JSON.parse(readFileSync(join(folder, name), "utf8")) as { readonly result: ReadonlyArray<Script> }).result)

/** For each `.ts` file below these folders of `root`, loaded or not. `folder` is where the processes left what V8 counted. */
export const coverageOf = (folder: string, root: string, below: ReadonlyArray<string>): ReadonlyArray<FileCoverage> => {
  const scripts = Map.groupBy(read(folder), ({ url }) => url)
  return below.flatMap((place) => readdirSync(join(root, place), { recursive: true, encoding: "utf8" }).toSorted()
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const path = join(root, place, name)
      return reachedIn(join(place, name), readFileSync(path, "utf8"), scripts.get(pathToFileURL(path).href) ?? [])
    }))
}

const percent = (part: number, whole: number): string => whole === 0 ? "-" : `${(100 * part / whole).toFixed(1)} %`

/** A line for each folder, after those of its files where some arm was missed. */
export const summary = (files: ReadonlyArray<FileCoverage>, below: ReadonlyArray<string>): ReadonlyArray<string> => {
  const line = (name: string, of: ReadonlyArray<FileCoverage>): string => {
    const arms = of.reduce((sum, each) => sum + each.arms.length, 0)
    const missed = of.reduce((sum, each) => sum + each.missed.length, 0)
    return `${percent(arms - missed, arms).padStart(7)} ${`${arms - missed}/${arms}`.padStart(10)}  ${name}`
  }
  return [
    ...files.filter(({ missed }) => missed.length > 0).map((each) => line(each.file, [each])),
    ...below.map((place) => line(`branches of ${place}`, files.filter(({ file }) => file.startsWith(`${place}/`))))
  ]
}
