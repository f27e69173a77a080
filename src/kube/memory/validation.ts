/** Validation of custom resources against their structural schema and its CEL rules, in the words of a real API server. */
import { judge } from "./cel.ts"
import type { FieldError } from "./failure.ts"
import { equal, isObject } from "./json.ts"
import type { Fields } from "./json.ts"
import { member } from "./schema.ts"
import type { Schema } from "./schema.ts"

interface Problem extends FieldError {
  /** CEL rules are not judged beside it. */
  readonly blocking?: true
}

const quote = (value: unknown): string => JSON.stringify(value) ?? "null"

const typeOf = (value: unknown): string => {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number"
  return typeof value
}

const hasType = (schema: Schema, value: unknown): boolean => {
  if (value === null) return schema.nullable === true
  const type = typeOf(value)
  if (schema["x-kubernetes-int-or-string"] === true) return type === "integer" || type === "string"
  return schema.type === undefined || schema.type === type || (schema.type === "number" && type === "integer")
}

const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i

const text = (schema: Schema, field: string, value: string): ReadonlyArray<Problem> => {
  const errors: Array<Problem> = []
  const length = [...value].length
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.push({ field, message: `Too long: may not be more than ${schema.maxLength} bytes`, blocking: true })
  }
  const wrong = (what: string) => errors.push({ field, message: `Invalid value: ${quote(value)}: ${field} in body ${what}` })
  if (schema.minLength !== undefined && length < schema.minLength) wrong(`should be at least ${schema.minLength} chars long`)
  if (schema.pattern !== undefined && !new RegExp(schema.pattern, "u").test(value)) wrong(`should match '${schema.pattern}'`)
  if (schema.format === "date-time" && !dateTime.test(value)) wrong(`must be of type date-time: ${quote(value)}`)
  return errors
}

const numeric = (schema: Schema, field: string, value: number): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  const wrong = (what: string) => errors.push({ field, message: `Invalid value: ${value}: ${field} in body should be ${what}` })
  const { minimum, maximum } = schema
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    wrong(schema.exclusiveMinimum === true ? `greater than ${minimum}` : `greater than or equal to ${minimum}`)
  }
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    wrong(schema.exclusiveMaximum === true ? `less than ${maximum}` : `less than or equal to ${maximum}`)
  }
  return errors
}

const identityOf = (schema: Schema, item: unknown): string => {
  if (schema["x-kubernetes-list-type"] !== "map" || !isObject(item)) return quote(item)
  return quote(Object.fromEntries((schema["x-kubernetes-list-map-keys"] ?? []).map((key) => [key, item[key]])))
}

const isKeyed = (schema: Schema): boolean => ["set", "map"].includes(schema["x-kubernetes-list-type"] ?? "")

const join = (field: string, key: string): string => field === "" ? key : `${field}.${key}`

interface Inner {
  readonly schema: Schema
  readonly field: string
  readonly value: unknown
  readonly old: unknown
}

/** The values inside a value that the schema says something of, each with its earlier self. */
const inner = (schema: Schema, field: string, value: unknown, old: unknown): ReadonlyArray<Inner> => {
  if (Array.isArray(value)) {
    const item = schema.items
    if (item === undefined) return []
    // Only the items of keyed lists have an earlier self.
    const keyed = schema["x-kubernetes-list-type"] === "map" && Array.isArray(old)
    const before = new Map<string, unknown>(keyed ? old.map((each) => [identityOf(schema, each), each]) : [])
    return value.map((each: unknown, i) =>
      ({ schema: item, field: `${field}[${i}]`, value: each, old: keyed ? before.get(identityOf(schema, each)) : undefined }))
  }
  return !isObject(value) ? [] : Object.entries(value).flatMap(([key, each]) => {
    const known = member(schema, key)
    if (known === undefined) return []
    return [{ schema: known, field: join(field, key), value: each, old: isObject(old) ? old[key] : undefined }]
  })
}

const innerErrors = (schema: Schema, field: string, value: unknown, old: unknown): ReadonlyArray<Problem> =>
  inner(schema, field, value, old).flatMap((each) => structural(each.schema, each.field, each.value, each.old))

const items = (schema: Schema, field: string, list: ReadonlyArray<unknown>, old: unknown): ReadonlyArray<Problem> => {
  const errors: Array<Problem> = []
  if (schema.maxItems !== undefined && list.length > schema.maxItems) {
    errors.push({ field, message: `Too many: ${list.length}: must have at most ${schema.maxItems} items`, blocking: true })
  }
  if (schema.minItems !== undefined && list.length < schema.minItems) {
    const message = `Invalid value: ${list.length}: ${field} in body should have at least ${schema.minItems} items`
    errors.push({ field, message })
  }
  const identities = isKeyed(schema) ? list.map((item) => identityOf(schema, item)) : []
  identities.forEach((identity, i) => {
    if (identities.indexOf(identity) < i) errors.push({ field: `${field}[${i}]`, message: `Duplicate value: ${identity}` })
  })
  return [...errors, ...innerErrors(schema, field, list, old)]
}

const members = (schema: Schema, field: string, object: Fields, old: unknown): ReadonlyArray<Problem> => {
  const errors: Array<Problem> = []
  const size = Object.keys(object).length
  if (schema.maxProperties !== undefined && size > schema.maxProperties) {
    errors.push({ field, message: `Too many: ${size}: must have at most ${schema.maxProperties} items`, blocking: true })
  }
  if (schema.minProperties !== undefined && size < schema.minProperties) {
    const message = `Invalid value: ${size}: ${field} in body should have at least ${schema.minProperties} properties`
    errors.push({ field, message })
  }
  for (const key of schema.required ?? []) {
    if (object[key] === undefined) errors.push({ field: join(field, key), message: "Required value", blocking: true })
  }
  return [...errors, ...innerErrors(schema, field, object, old)]
}

const unchanged = (value: unknown, old: unknown): boolean => old !== undefined && equal(value, old)

/** What is wrong with a value, CEL rules apart. What an update leaves as it was is not looked at again. */
const structural = (schema: Schema, field: string, value: unknown, old: unknown): ReadonlyArray<Problem> => {
  if (unchanged(value, old)) return []
  if (!hasType(schema, value)) {
    const expected = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : schema.type
    const found = quote(typeOf(value))
    return [{ field, message: `Invalid value: ${found}: ${field} in body must be of type ${expected}: ${found}`, blocking: true }]
  }
  const errors: Array<Problem> = []
  if (schema.enum !== undefined && !schema.enum.some((option) => equal(option, value))) {
    const supported = schema.enum.map(quote).join(", ")
    errors.push({ field, message: `Unsupported value: ${quote(value)}: supported values: ${supported}`, blocking: true })
  }
  if (typeof value === "string") errors.push(...text(schema, field, value))
  else if (typeof value === "number") errors.push(...numeric(schema, field, value))
  else if (Array.isArray(value)) errors.push(...items(schema, field, value, old))
  else if (isObject(value)) errors.push(...members(schema, field, value, old))
  return errors
}

const ruleErrors = (schema: Schema, field: string, value: unknown, old: unknown): ReadonlyArray<FieldError> => {
  if (unchanged(value, old)) return []
  const shown = typeof value === "object" ? "" : `${quote(value)}: `
  const broken = (schema["x-kubernetes-validations"] ?? []).filter(({ rule }) => !judge(rule, value, old))
  return [
    ...broken.map(({ rule, message, fieldPath }) => ({
      field: `${field}${fieldPath ?? ""}`,
      message: `Invalid value: ${shown}${message ?? `failed rule: ${rule}`}`
    })),
    ...inner(schema, field, value, old).flatMap((each) => ruleErrors(each.schema, each.field, each.value, each.old))
  ]
}

const notChecked: FieldError = {
  field: "<nil>",
  message: "Invalid value: null: some validation rules were not checked because the object was invalid; " +
    "correct the existing errors to complete validation"
}

/** What is wrong with an object. CEL rules are judged when its shape is right. */
export const validate = (schema: Schema, object: unknown, old: unknown): ReadonlyArray<FieldError> => {
  const errors = structural(schema, "", object, old)
  const blocked = errors.some(({ blocking }) => blocking === true)
  return [...errors, ...blocked ? [notChecked] : ruleErrors(schema, "", object, old)]
}
