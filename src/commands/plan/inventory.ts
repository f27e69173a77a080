/** From documents to checked objects: what is read, what is passed over, and everything that is wrong. */
import { Effect, Result } from "effect"
import { BadInput } from "./badInput.ts"
import type { Document } from "./documents.ts"
import { foundText, makeReader } from "./fieldProblems.ts"
import { kindOf } from "./kindOf.ts"
import type { KindName } from "./kindOf.ts"
import { kinds } from "./kinds.ts"
import type { Inventory } from "./kinds.ts"
import type { Fields } from "./ourKinds.ts"
import { defaults, nodePoolProblems } from "./ourKinds.ts"

export interface Found {
  readonly inventory: Inventory
  /** Kinds that planning has no use for, each once. */
  readonly ignored: ReadonlyArray<string>
}

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)
const text = (value: unknown): string => typeof value === "string" ? value : ""

/** `Pod default/web`, as far as the object tells. */
const titleOf = (kind: string, value: Fields, namespaced: boolean): string => {
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {}
  const name = text(metadata["name"])
  if (name === "") return kind
  return `${kind} ${namespaced ? `${text(metadata["namespace"]) || "default"}/` : ""}${name}`
}

/** With the namespace and the name that the API server would give it; `number` makes the name one of its own. */
const settled = (value: Fields, namespaced: boolean, number: number): Fields => {
  const { metadata } = value
  if (!isObject(metadata)) return value
  const stem = text(metadata["generateName"])
  const needsName = stem !== "" && (metadata["name"] ?? "") === ""
  const needsNamespace = namespaced && (metadata["namespace"] ?? "") === ""
  if (!needsName && !needsNamespace) return value
  const name = needsName ? { name: `${stem}${number}` } : {}
  const namespace = needsNamespace ? { namespace: "default" } : {}
  return { ...value, metadata: { ...metadata, ...name, ...namespace } }
}

/** Reads all documents; `allowedLabels` may be required by NodePools although their domain is reserved. */
export const readInventory = (
  documents: ReadonlyArray<Document>,
  allowedLabels: ReadonlySet<string>
): Effect.Effect<Found, BadInput> => Effect.suspend(() => {
  const lists: Record<string, Array<unknown>> = {}
  for (const { list } of Object.values(kinds)) lists[list] = []
  const readers = new Map<KindName, ReturnType<typeof makeReader>>()
  const ignored = new Set<string>()
  const first = new Map<string, string>()
  const problems: Array<string> = []

  for (const [i, { value, where }] of documents.entries()) {
    if (!isObject(value)) {
      problems.push(`${where}: found ${foundText(value)}, expected a Kubernetes object`)
      continue
    }
    const said = kindOf(value)
    if (Result.isFailure(said)) {
      problems.push(`${where}: ${said.failure}`)
      continue
    }
    const { kind, name } = said.success
    if (name === undefined) {
      ignored.add(kind)
      continue
    }
    const { list, namespaced, schema } = kinds[name]
    const reader = readers.get(name) ?? makeReader(schema)
    readers.set(name, reader)
    const given = settled(value, namespaced, i + 1)
    const title = titleOf(kind, given, namespaced)
    const object = defaults[kind]?.(given) ?? given
    const read = reader(object)
    const found = Result.isFailure(read) ? read.failure : []
    const all = kind === "NodePool" ? nodePoolProblems(object, found, allowedLabels) : found
    problems.push(...all.map((problem) => `${where} (${title}): ${problem}`))
    const other = title === kind ? undefined : first.get(`${name} ${title}`)
    if (other !== undefined) problems.push(`${where} (${title}): this name is already at ${other}, expected each object once`)
    else first.set(`${name} ${title}`, where)
    if (Result.isSuccess(read)) lists[list]!.push(read.success)
  }
  return problems.length > 0
    ? Effect.fail(new BadInput({ problems }))
    : Effect.succeed({ inventory: lists as unknown as Inventory, ignored: [...ignored].toSorted() })
})
