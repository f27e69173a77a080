/** Validation of custom resources against their structural schema, with the messages of a real API server. */
import { judge } from "./cel.ts"
import type { FieldError } from "./failure.ts"
import { equal, isObject } from "./json.ts"
import type { Fields } from "./json.ts"
import { member } from "./schema.ts"
import type { Schema } from "./schema.ts"

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

const text = (schema: Schema, field: string, value: string): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  const length = [...value].length
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    errors.push({ field, message: `Too long: may not be more than ${schema.maxLength} bytes` })
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

const items = (schema: Schema, field: string, list: ReadonlyArray<unknown>, old: unknown): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  if (schema.maxItems !== undefined && list.length > schema.maxItems) {
    errors.push({ field, message: `Too many: ${list.length}: must have at most ${schema.maxItems} items` })
  }
  if (schema.minItems !== undefined && list.length < schema.minItems) {
    errors.push({ field, message: `Invalid value: ${list.length}: ${field} in body should have at least ${schema.minItems} items` })
  }
  const identities = isKeyed(schema) ? list.map((item) => identityOf(schema, item)) : []
  identities.forEach((identity, i) => {
    if (identities.indexOf(identity) < i) errors.push({ field: `${field}[${i}]`, message: `Duplicate value: ${identity}` })
  })
  // Only the items of keyed lists have an earlier self.
  const before = new Map(Array.isArray(old) && schema["x-kubernetes-list-type"] === "map"
    ? old.map((item) => [identityOf(schema, item), item] as const)
    : [])
  const inner = schema.items
  if (inner === undefined) return errors
  list.forEach((item, i) => errors.push(...validate(inner, `${field}[${i}]`, item, before.get(identities[i] ?? ""))))
  return errors
}

const join = (field: string, key: string): string => field === "" ? key : `${field}.${key}`

const members = (schema: Schema, field: string, object: Fields, old: unknown): ReadonlyArray<FieldError> => {
  const errors: Array<FieldError> = []
  const size = Object.keys(object).length
  if (schema.maxProperties !== undefined && size > schema.maxProperties) {
    errors.push({ field, message: `Too many: ${size}: must have at most ${schema.maxProperties} items` })
  }
  if (schema.minProperties !== undefined && size < schema.minProperties) {
    errors.push({ field, message: `Invalid value: ${size}: ${field} in body should have at least ${schema.minProperties} properties` })
  }
  for (const key of schema.required ?? []) {
    if (object[key] === undefined) errors.push({ field: join(field, key), message: "Required value" })
  }
  for (const [key, value] of Object.entries(object)) {
    const known = member(schema, key)
    if (known !== undefined) errors.push(...validate(known, join(field, key), value, isObject(old) ? old[key] : undefined))
  }
  return errors
}

/**
 * What is wrong with a value. What an update leaves as it was is not looked at again: the server tolerates what it once
 * took. CEL rules are judged where the rest of the value is sound.
 */
export const validate = (schema: Schema, field: string, value: unknown, old: unknown): ReadonlyArray<FieldError> => {
  if (old !== undefined && equal(value, old)) return []
  if (!hasType(schema, value)) {
    const expected = schema["x-kubernetes-int-or-string"] === true ? "integer,string" : schema.type
    return [{ field, message: `Invalid value: ${quote(typeOf(value))}: ${field} in body must be of type ${expected}: ${quote(typeOf(value))}` }]
  }
  const errors: Array<FieldError> = []
  if (schema.enum !== undefined && !schema.enum.some((option) => equal(option, value))) {
    errors.push({ field, message: `Unsupported value: ${quote(value)}: supported values: ${schema.enum.map(quote).join(", ")}` })
  }
  if (typeof value === "string") errors.push(...text(schema, field, value))
  else if (typeof value === "number") errors.push(...numeric(schema, field, value))
  else if (Array.isArray(value)) errors.push(...items(schema, field, value, old))
  else if (isObject(value)) errors.push(...members(schema, field, value, old))
  if (errors.length > 0) return errors
  for (const rule of schema["x-kubernetes-validations"] ?? []) {
    if (!judge(rule.rule, value, old)) {
      const said = rule.message ?? `failed rule: ${rule.rule}`
      errors.push({ field: `${field}${rule.fieldPath ?? ""}`, message: `Invalid value: ${quote(isObject(value) ? "object" : value)}: ${said}` })
    }
  }
  return errors
}
