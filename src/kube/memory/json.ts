/** Plain JSON values, as the API server keeps them: immutable, without `undefined`. */
import type { KubeObject } from "../objects.ts"

export type Fields = Readonly<Record<string, unknown>>

/** A stored object of any kind: metadata is known, the rest is JSON. */
export type Stored = KubeObject & Fields

export const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null && !Array.isArray(value)

/**
 * What would be left of a value after it went over the wire as JSON, frozen. Parts that are frozen already were made
 * here and are shared, so an update of a large object costs little.
 */
export const toJson = <A>(value: A): A => copy(value) as A

const copy = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) {
    return typeof value === "number" && !Number.isFinite(value) ? null : value
  }
  if (Object.isFrozen(value)) return value
  if (value instanceof Date) return value.toJSON()
  const result = Array.isArray(value)
    ? value.map((item) => item === undefined ? null : copy(item))
    : Object.fromEntries(Object.entries(value).flatMap(([key, item]) => item === undefined ? [] : [[key, copy(item)]]))
  return Object.freeze(result)
}

/** Equal as JSON; the order of keys does not matter. */
export const equal = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]))
}

/** The value at a path of keys. */
export const at = (value: unknown, ...path: ReadonlyArray<string>): unknown => {
  let current = value
  for (const key of path) {
    if (!isObject(current)) return undefined
    current = current[key]
  }
  return current
}

/** The object with the value at a path replaced; `undefined` takes it away. */
export const put = (object: Fields, path: ReadonlyArray<string>, value: unknown): Fields => {
  const [key, ...rest] = path
  if (key === undefined) return object
  const inner = object[key]
  const next = rest.length === 0 ? value : put(isObject(inner) ? inner : {}, rest, value)
  if (next !== undefined) return { ...object, [key]: next }
  const { [key]: _, ...without } = object
  return without
}
