/** The patches that do not need to know the kind: RFC 7386 (merge) and RFC 6902 (json). */
import { badRequest, unprocessable } from "./failure.ts"
import { equal, isObject } from "./json.ts"

/** RFC 7386: objects are merged, null takes away, everything else replaces. */
export const mergePatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const result: Record<string, unknown> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = mergePatch(result[key], value)
  }
  return result
}

const parsePointer = (pointer: unknown): ReadonlyArray<string> => {
  if (typeof pointer !== "string" || (pointer !== "" && !pointer.startsWith("/"))) {
    throw badRequest(`bad JSON pointer ${String(pointer)}`)
  }
  return pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
}

const rejected = (why: string): Error => unprocessable(`the server rejected our request due to an error in our request: ${why}`)

const missing = (pointer: string): Error => rejected(`missing value at ${pointer}`)

const indexIn = (list: ReadonlyArray<unknown>, key: string, end: number): number => {
  const index = key === "-" ? list.length : /^(0|[1-9]\d*)$/.test(key) ? Number(key) : -1
  if (index < 0 || index > end) throw missing(key)
  return index
}

const read = (target: unknown, path: ReadonlyArray<string>): unknown => path.reduce((current, key) => {
  if (Array.isArray(current)) return current[indexIn(current, key, current.length - 1)] as unknown
  if (isObject(current) && key in current) return current[key]
  throw missing(`/${path.join("/")}`)
}, target)

type Change = { readonly op: "add" | "replace"; readonly value: unknown } | { readonly op: "remove" }

const write = (target: unknown, path: ReadonlyArray<string>, change: Change): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return change.op === "remove" ? null : change.value
  if (Array.isArray(target)) {
    const list = [...target as ReadonlyArray<unknown>]
    const adds = rest.length === 0 && change.op === "add"
    const index = indexIn(list, key, adds ? list.length : list.length - 1)
    if (adds) list.splice(index, 0, change.value)
    else if (rest.length === 0 && change.op === "remove") list.splice(index, 1)
    else list[index] = write(list[index], rest, change)
    return list
  }
  if (!isObject(target) || ((rest.length > 0 || change.op !== "add") && !(key in target))) throw missing(`/${path.join("/")}`)
  if (rest.length === 0 && change.op === "remove") {
    const { [key]: _, ...without } = target
    return without
  }
  return { ...target, [key]: write(target[key], rest, change) }
}

const apply = (target: unknown, operation: unknown): unknown => {
  if (!isObject(operation)) throw badRequest("a JSON patch is a list of operations")
  const path = parsePointer(operation["path"])
  switch (operation["op"]) {
    case "add": return write(target, path, { op: "add", value: operation["value"] })
    case "replace": return write(target, path, { op: "replace", value: operation["value"] })
    case "remove": return write(target, path, { op: "remove" })
    case "copy": return write(target, path, { op: "add", value: read(target, parsePointer(operation["from"])) })
    case "move": {
      const from = parsePointer(operation["from"])
      return write(write(target, from, { op: "remove" }), path, { op: "add", value: read(target, from) })
    }
    case "test":
      if (equal(read(target, path), operation["value"])) return target
      throw rejected(`testing value ${String(operation["path"])} failed`)
    default: throw badRequest(`unknown JSON patch operation ${String(operation["op"])}`)
  }
}

/** RFC 6902: all operations or none. */
export const jsonPatch = (target: unknown, patch: unknown): unknown => {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch is a list of operations")
  return patch.reduce(apply, target)
}
