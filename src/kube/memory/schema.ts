/** A structural schema as CRDs hold it, and what the server does with it before it validates: pruning and defaulting. */
import { isObject } from "./json.ts"
import type { Fields } from "./json.ts"

export interface Rule {
  readonly rule: string
  readonly message?: string
  readonly fieldPath?: string
}

export interface Schema {
  readonly type?: string
  readonly default?: unknown
  readonly nullable?: boolean
  readonly enum?: ReadonlyArray<unknown>
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: boolean
  readonly exclusiveMaximum?: boolean
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly "x-kubernetes-int-or-string"?: boolean
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean
  readonly "x-kubernetes-list-type"?: string
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>
  readonly "x-kubernetes-validations"?: ReadonlyArray<Rule>
}

const extra = (schema: Schema): Schema | undefined => {
  const additional = schema.additionalProperties
  return additional === true ? { "x-kubernetes-preserve-unknown-fields": true } : additional === false ? undefined : additional
}

/** The schema of one member of an object; `undefined` for a field that the schema does not know. */
export const member = (schema: Schema, key: string): Schema | undefined =>
  schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : extra(schema)

const mapMembers = (object: Fields, change: (key: string, value: unknown) => unknown): Fields => {
  let changed = false
  const next: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(object)) {
    const mapped = change(key, value)
    changed ||= mapped !== value
    if (mapped !== undefined) next[key] = mapped
  }
  return changed ? next : object
}

const mapItems = (list: ReadonlyArray<unknown>, change: (value: unknown) => unknown): ReadonlyArray<unknown> => {
  const next = list.map(change)
  return next.some((item, i) => item !== list[i]) ? next : list
}

/** Drops the fields that the schema does not know. */
export const prune = (schema: Schema, value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = schema.items
    return items === undefined ? value : mapItems(value, (item) => prune(items, item))
  }
  if (!isObject(value)) return value
  return mapMembers(value, (key, item) => {
    const known = member(schema, key)
    return known !== undefined ? prune(known, item) : schema["x-kubernetes-preserve-unknown-fields"] === true ? item : undefined
  })
}

/**
 * Fills in defaults, from the outside in: a default object is itself completed. A null where the schema does not allow it
 * counts as absent when there is a default, and goes away otherwise.
 */
export const complete = (schema: Schema, value: unknown): unknown => {
  if (Array.isArray(value)) {
    const items = schema.items
    return items === undefined ? value : mapItems(value, (item) => complete(items, item))
  }
  if (!isObject(value)) return value
  const missing: Record<string, unknown> = {}
  for (const [key, known] of Object.entries(schema.properties ?? {})) {
    const present = value[key] !== undefined && !(value[key] === null && known.nullable !== true)
    if (!present && known.default !== undefined) missing[key] = known.default
  }
  const filled = Object.keys(missing).length === 0 ? value : { ...value, ...missing }
  return mapMembers(filled, (key, item) => {
    const known = member(schema, key)
    if (known === undefined) return item
    return item === null && known.nullable !== true ? undefined : complete(known, item)
  })
}

/** Every schema inside a schema, itself first. */
export const everySchema = (schema: Schema): ReadonlyArray<Schema> => {
  const inner = [...Object.values(schema.properties ?? {}), schema.items, extra(schema)]
  return [schema, ...inner.flatMap((each) => each === undefined ? [] : everySchema(each))]
}
