/** Strategic merge patch, for the lists of Kubernetes' own kinds that are merged by a key or as a set. */
import { isObject } from "./json.ts"
import type { Fields } from "./json.ts"

/**
 * By field name, which says enough for the kinds served here. Lists that are not named are replaced as a whole: taints
 * and tolerations among them.
 */
const mergeKeys: Readonly<Record<string, string>> = {
  conditions: "type",
  addresses: "type",
  ownerReferences: "uid",
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  volumes: "name",
  env: "name",
  imagePullSecrets: "name",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
  containerStatuses: "name"
}
const sets: ReadonlyArray<string> = ["finalizers"]

const list = (value: unknown): ReadonlyArray<unknown> => Array.isArray(value) ? value : []

const mergeKeyed = (target: ReadonlyArray<unknown>, patch: ReadonlyArray<unknown>, key: string): ReadonlyArray<unknown> => {
  if (patch.some((item) => isObject(item) && item["$patch"] === "replace" && Object.keys(item).length === 1)) {
    return patch.filter((item) => isObject(item) && item["$patch"] === undefined)
  }
  const result = [...target]
  for (const item of patch) {
    if (!isObject(item)) continue
    const index = result.findIndex((known) => isObject(known) && known[key] === item[key])
    if (item["$patch"] === "delete") {
      if (index >= 0) result.splice(index, 1)
    } else if (index >= 0) result[index] = strategicPatch(result[index], item)
    else result.push(strategicPatch({}, item))
  }
  return result
}

const mergeMember = (target: unknown, patch: unknown, name: string): unknown => {
  const key = mergeKeys[name]
  if (Array.isArray(patch) && key !== undefined) return mergeKeyed(list(target), patch, key)
  if (Array.isArray(patch) && sets.includes(name)) return [...new Set([...list(target), ...patch as ReadonlyArray<unknown>])]
  return strategicPatch(target, patch)
}

const deletion = "$deleteFromPrimitiveList/"

/** Merges as Kubernetes' own kinds say; knows `$patch`, `$retainKeys` and `$deleteFromPrimitiveList`. */
export const strategicPatch = (target: unknown, patch: unknown): unknown => {
  if (!isObject(patch)) return patch
  const { $patch: directive, $retainKeys: retained, ...members } = patch
  if (directive === "delete") return {}
  const base: Fields = directive === "replace" || !isObject(target) ? {} : target
  const result: Record<string, unknown> = Array.isArray(retained)
    ? Object.fromEntries(Object.entries(base).filter(([key]) => retained.includes(key)))
    : { ...base }
  for (const [name, value] of Object.entries(members)) {
    if (name.startsWith(deletion)) {
      const field = name.slice(deletion.length)
      result[field] = list(result[field]).filter((item) => !list(value).includes(item))
    } else if (name.startsWith("$setElementOrder/")) continue
    else if (value === null) delete result[name]
    else result[name] = mergeMember(result[name], value, name)
  }
  return result
}
