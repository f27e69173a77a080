/** From documents to checked objects: what is read, what is passed over, and everything that is wrong. */
import { Effect, Result } from "effect"
import { BadInput } from "./badInput.ts"
import type { Document } from "./documents.ts"
import { foundText, makeReader } from "./fieldProblems.ts"
import { kinds } from "./kinds.ts"
import type { Inventory } from "./kinds.ts"
import type { Fields } from "./ourKinds.ts"
import { defaults, nodePoolProblems } from "./ourKinds.ts"

export interface Found {
  readonly inventory: Inventory
  /** Kinds that planning has no use for, each once. */
  readonly ignored: ReadonlyArray<string>
}

type Name = keyof typeof kinds

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)
const isKnown = (name: string): name is Name => Object.hasOwn(kinds, name)
const text = (value: unknown): string => typeof value === "string" ? value : ""

/** What the document says it is; a problem where it does not say. */
const kindOf = (value: Fields): Result.Result<{ readonly name: string; readonly kind: string }, string> => {
  const { apiVersion, kind } = value
  const found = (field: unknown): string => field === undefined ? "missing" : `found ${foundText(field)}`
  if (typeof kind !== "string") return Result.fail(`kind: ${found(kind)}, expected the kind of a Kubernetes object such as Pod`)
  if (typeof apiVersion !== "string") {
    return Result.fail(`apiVersion: ${found(apiVersion)}, expected the version of the API such as v1 or karpenter.sh/v1`)
  }
  return Result.succeed({ name: `${apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : ""}/${kind}`, kind })
}

/** `Pod default/web`, as far as the object tells. */
const titleOf = (kind: string, value: Fields, namespaced: boolean): string => {
  const metadata = isObject(value["metadata"]) ? value["metadata"] : {}
  const name = text(metadata["name"])
  if (name === "") return kind
  return `${kind} ${namespaced ? `${text(metadata["namespace"]) || "default"}/` : ""}${name}`
}

const inNamespace = (value: Fields): Fields => {
  const { metadata } = value
  if (!isObject(metadata) || (metadata["namespace"] ?? "") !== "") return value
  return { ...value, metadata: { ...metadata, namespace: "default" } }
}

/** Reads all documents; `allowedLabels` may be required by NodePools although their domain is reserved. */
export const readInventory = (
  documents: ReadonlyArray<Document>,
  allowedLabels: ReadonlySet<string>
): Effect.Effect<Found, BadInput> => Effect.suspend(() => {
  const lists: Record<string, Array<unknown>> = {}
  for (const { list } of Object.values(kinds)) lists[list] = []
  const readers = new Map<Name, ReturnType<typeof makeReader>>()
  const ignored = new Set<string>()
  const first = new Map<string, string>()
  const problems: Array<string> = []

  for (const { value, where } of documents) {
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
    if (!isKnown(name)) {
      ignored.add(kind)
      continue
    }
    const { list, namespaced, schema } = kinds[name]
    const reader = readers.get(name) ?? makeReader(schema)
    readers.set(name, reader)
    const title = titleOf(kind, value, namespaced)
    const object = (defaults[kind] ?? ((same: Fields) => same))(namespaced ? inNamespace(value) : value)
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
