/** Hashes that tell whether a node was made from what its NodePool and LinodeNodeClass say now (static drift). */
import { durationMillis } from "./durations.ts"
import type { LinodeNodeClassSpec } from "./linodeNodeClass.ts"
import type { NodePoolTemplate } from "./nodePool.ts"

/**
 * Versions of the two hashes: written beside them, and raised whenever the same object would hash differently.
 *
 * They differ from those of the Go controller (`v3`, `v1alpha1`) on purpose. Its hash is an accident of a Go library;
 * with a version of our own, taking over a cluster stamps every node anew instead of declaring all of them drifted.
 */
export const nodePoolHashVersion = "v3-linode-1"
export const nodeClassHashVersion = "v1-linode-1"

/**
 * One text for all values that mean the same: keys in order, lists as sets, and nothing of what is empty, zero or false,
 * so that a field which gets a zero default later does not make nodes drift.
 */
const canonical = (value: unknown): string | undefined => {
  if (value === null || value === undefined || value === false || value === 0) return undefined
  if (Array.isArray(value)) {
    const items = new Set(value.map((item) => canonical(item) ?? "null"))
    return items.size === 0 ? undefined : `[${[...items].toSorted().join(",")}]`
  }
  if (typeof value === "object") {
    const fields = Object.entries(value)
      .map(([key, field]) => [key, canonical(field)] as const)
      .filter(([, text]) => text !== undefined)
      .toSorted(([a], [b]) => a < b ? -1 : 1)
    return fields.length === 0 ? undefined : `{${fields.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(",")}}`
  }
  return value === "" ? undefined : JSON.stringify(String(value))
}

/** FNV-1a, 64 bits, as a decimal number: the form that the annotations have in Karpenter. */
const fnv1a = (text: string): string => {
  let hash = 0xcbf29ce484222325n
  for (const byte of new TextEncoder().encode(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash.toString()
}

/** Durations count by what they mean: `60m` is `1h`, `Never` is the same as no duration. */
const duration = (text: string | undefined): string => {
  const millis = durationMillis(text)
  return millis === undefined ? "" : `${millis}ms`
}

/** As a set of texts: a label with an empty value is still a label. */
const pairs = (map: Readonly<Record<string, string>> | undefined): ReadonlyArray<string> =>
  Object.entries(map ?? {}).map(([key, value]) => `${key}=${value}`)

/** Hash of a NodePool's template without its requirements: those are compared with the node's labels, not hashed. */
export const nodePoolHash = (template: typeof NodePoolTemplate.Type): string => {
  const { requirements: _, ...spec } = template.spec
  return fnv1a(canonical({
    labels: pairs(template.metadata?.labels),
    annotations: pairs(template.metadata?.annotations),
    spec: {
      ...spec,
      expireAfter: duration(spec.expireAfter),
      terminationGracePeriod: duration(spec.terminationGracePeriod)
    }
  }) ?? "")
}

/** Hash of a LinodeNodeClass's spec without its tags: other tags do not make another machine. */
export const nodeClassHash = (spec: typeof LinodeNodeClassSpec.Type): string => {
  const { tags: _, ...hashed } = spec
  return fnv1a(canonical(hashed) ?? "")
}
