/** What `-f` names: files, folders, standard input. */
import { Effect } from "effect"
import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { BadInput, badInput } from "./badInput.ts"
import type { Source } from "./documents.ts"

const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "it may not be read",
  EPERM: "it may not be read"
}

const unreadable = (path: string) => (error: unknown): BadInput => {
  const { code = "", message } = error as NodeJS.ErrnoException
  return badInput(`${path}: ${words[code] ?? message}`)
}

const attempt = <A>(path: string, read: () => Promise<A>): Effect.Effect<A, BadInput> =>
  Effect.tryPromise({ try: read, catch: unreadable(path) })

export const readSource = (path: string): Effect.Effect<Source, BadInput> =>
  Effect.map(attempt(path, () => readFile(path, "utf8")), (content) => ({ name: path, text: content }))

const standardInput: Effect.Effect<Source, BadInput> =
  Effect.map(attempt("standard input", () => text(process.stdin)), (content) => ({ name: "standard input", text: content }))

/** The files that kubectl would take of a folder, without those in folders inside it. */
const manifest = /\.(ya?ml|json)$/

const readPath = Effect.fnUntraced(function*(path: string): Effect.fn.Return<ReadonlyArray<Source>, BadInput> {
  const found = yield* attempt(path, () => stat(path))
  if (!found.isDirectory()) return [yield* readSource(path)]
  const entries = yield* attempt(path, () => readdir(path, { withFileTypes: true }))
  const files = entries.filter((entry) => !entry.isDirectory() && manifest.test(entry.name)).map((entry) => entry.name).toSorted()
  if (files.length === 0) return yield* badInput(`${path}: no .yaml, .yml or .json file in this folder`)
  return yield* Effect.forEach(files, (file) => readSource(join(path, file)))
})

/** In the order given; `-` is standard input. Tells of all that cannot be read at once. */
export const readSources = Effect.fnUntraced(function*(
  paths: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<Source>, BadInput> {
  const [sources, problems] = yield* Effect.partition([...new Set(paths)], (path) =>
    path === "-" ? Effect.map(standardInput, (source) => [source]) : readPath(path))
  if (problems.length > 0) return yield* new BadInput({ problems: problems.flatMap((problem) => problem.problems) })
  return sources.flat()
})
