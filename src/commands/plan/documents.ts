/** From the text of a file to the objects in it: YAML with several documents, JSON, several JSON values, lists of objects. */
import { Effect } from "effect"
import { BadInput, badInput } from "./badInput.ts"

export interface Source {
  /** What to call it in messages. */
  readonly name: string
  readonly text: string
}

/** One object as it was written, and where. */
export interface Document {
  /** `pods.yaml, document 2` or `pods.json, document 1, items[4]`. */
  readonly where: string
  readonly value: unknown
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)

/** Where the values of a text begin and end that holds JSON values one after the other. */
const jsonValues = (text: string): ReadonlyArray<string> => {
  const values: Array<string> = []
  let depth = 0
  let start = 0
  const marks = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\]]/gs
  for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
    if (match[0] === "{" || match[0] === "[") depth++
    if (match[0] !== "}" && match[0] !== "]") continue
    depth--
    if (depth > 0) continue
    values.push(text.slice(start, marks.lastIndex))
    start = marks.lastIndex
  }
  return text.slice(start).trim() === "" ? values : [...values, text.slice(start)]
}

/** Undefined where the text is not JSON. */
const readJson = (text: string): ReadonlyArray<unknown> | undefined => {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return [JSON.parse(text)]
  } catch {
    try {
      return jsonValues(text).map((value): unknown => JSON.parse(value))
    } catch {
      return undefined
    }
  }
}

interface YamlMark {
  readonly line: number
  readonly column: number
}

const yamlProblem = (error: unknown): string => {
  const { mark, message, reason } = error as { readonly message: string; readonly mark?: YamlMark; readonly reason?: string }
  return mark === undefined ? message : `line ${mark.line + 1}, column ${mark.column + 1}: ${reason ?? message}`
}

// Every YAML text that is JSON as well is read as JSON, which is many times faster.
const readValues = Effect.fnUntraced(function*({ name, text }: Source) {
  const json = readJson(text)
  if (json !== undefined) return json
  const { CORE_SCHEMA, loadAll, mergeTag } = yield* Effect.promise(() => import("js-yaml"))
  return yield* Effect.try({
    try: (): ReadonlyArray<unknown> => loadAll(text.replace(/^\uFEFF/, ""), { schema: CORE_SCHEMA.withTags(mergeTag) }),
    catch: (error) => badInput(`${name}, ${yamlProblem(error)}`)
  })
})

/** A null counts as absent, as for the API server. */
const withoutNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = value.map(withoutNulls)
    return items.some((item, i) => item !== value[i]) ? items : value
  }
  if (!isObject(value)) return value
  let changed: Record<string, unknown> | undefined
  for (const key in value) {
    const before = value[key]
    const after = before === null ? undefined : withoutNulls(before)
    if (after === before) continue
    changed ??= { ...value }
    if (after === undefined) delete changed[key]
    else changed[key] = after
  }
  return changed ?? value
}

/** The items of a `List` or of a typed list such as `PodList`, whose items need not name their kind; else the object itself. */
const itemsOf = (document: Document): ReadonlyArray<Document> => {
  const { where, value } = document
  if (!isObject(value)) return [document]
  const { apiVersion, items, kind } = value
  if (typeof kind !== "string" || !kind.endsWith("List") || !Array.isArray(items)) return [document]
  const typed = kind === "List" ? {} : { apiVersion, kind: kind.slice(0, -"List".length) }
  return items.flatMap((item: unknown, i) =>
    itemsOf({ where: `${where}, items[${i}]`, value: isObject(item) ? { ...typed, ...item } : item }))
}

const isContent = (value: unknown): boolean => value !== null && value !== undefined

/**
 * The objects of all sources, in order. Documents without content are left out; where no source has any that is a mistake, while
 * a list without items is none.
 */
export const readDocuments = Effect.fnUntraced(function*(
  sources: ReadonlyArray<Source>
): Effect.fn.Return<ReadonlyArray<Document>, BadInput> {
  const [read, problems] = yield* Effect.partition(sources, (source) =>
    Effect.map(readValues(source), (values) => ({ name: source.name, values })))
  if (problems.length > 0) return yield* new BadInput({ problems: problems.flatMap((problem) => problem.problems) })
  if (!read.some(({ values }) => values.some(isContent))) {
    return yield* badInput(`${sources.map(({ name }) => name).join(", ")}: nothing in it, expected Kubernetes objects`)
  }
  return read.flatMap(({ name, values }) => values.flatMap((value, i) =>
    isContent(value) ? itemsOf({ where: `${name}, document ${i + 1}`, value: withoutNulls(value) }) : []))
})
