/** Has modules of the product loaded with lines of them rewritten: the files stay as they are. */
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Edit } from "./mutations.ts"

export const productRoot = new URL("../../../src/", import.meta.url)

/** The text with the line rewritten. A line that is not there, or there twice, is no line to rewrite. */
export const rewritten = (text: string, { becomes, file, line }: Edit): string => {
  const times = text.split(line).length - 1
  if (times !== 1) throw new Error(`src/${file}: found ${times} times, expected once: ${line.trim()}`)
  return text.replace(line, () => becomes)
}

/** For modules that are loaded from now on. Gives back which files have been loaded with their edit. */
export const rewriteOnLoad = (edits: ReadonlyArray<Edit>): ReadonlySet<string> => {
  const byUrl = new Map<string, ReadonlyArray<Edit>>()
  for (const edit of edits) {
    const url = new URL(edit.file, productRoot).href
    byUrl.set(url, [...byUrl.get(url) ?? [], edit])
  }
  const done = new Set<string>()
  registerHooks({
    load: (url, context, next) => {
      const own = byUrl.get(url)
      if (own === undefined) return next(url, context)
      for (const { file } of own) done.add(file)
      const source = own.reduce(rewritten, readFileSync(fileURLToPath(url), "utf8"))
      return { ...next(pathToFileURL(fileURLToPath(url)).href, context), source, shortCircuit: true }
    }
  })
  return done
}
