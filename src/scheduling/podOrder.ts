import type { Pod } from "./problem.ts"

/** Oldest first, then by uid, namespace and name: one order for any order of the input. */
const comparePods = ({ metadata: a }: Pod, { metadata: b }: Pod): number =>
  text(a.creationTimestamp, b.creationTimestamp) || text(a.uid, b.uid) ||
  text(a.namespace ?? "default", b.namespace ?? "default") || text(a.name, b.name)

const text = (a = "", b = ""): number => a === b ? 0 : a < b ? -1 : 1

/** The positions of the pods in that order. */
export const podOrder = (pods: ReadonlyArray<Pod>): ReadonlyArray<number> => {
  const byTime = new Map<string, Array<number>>()
  let last: Array<number> | undefined
  let lastTime: string | undefined
  for (let i = 0; i < pods.length; i++) {
    const time = pods[i]!.metadata.creationTimestamp ?? ""
    // Pods of a batch are often of one age.
    if (last === undefined || time !== lastTime) {
      last = byTime.get(time) ?? []
      byTime.set(time, last)
      lastTime = time
    }
    last.push(i)
  }
  return [...byTime.keys()].sort().flatMap((time) => sameAge(pods, byTime.get(time)!))
}

const places = 2 ** 18
const charsCompared = 5

/**
 * Comparing texts is what takes time. So the beginning of a uid is written as a number, and the pod's place below it in the 53 bits
 * that are exact, and numbers are sorted; only pods whose uids begin alike are compared.
 */
const sameAge = (pods: ReadonlyArray<Pod>, positions: Array<number>): ReadonlyArray<number> => {
  const compare = (a: number, b: number): number => comparePods(pods[a]!, pods[b]!)
  const keys = positions.length > places ? undefined : keysOf(pods, positions)
  if (keys === undefined) return positions.sort(compare)
  keys.sort()
  const begins = keys.map((key) => Math.floor(key / places))
  const out = Array.from(keys, (key, i) => positions[key - begins[i]! * places]!)
  for (let from = 0, to = 1; from < out.length; from = to) {
    for (to = from + 1; to < out.length && begins[to] === begins[from]; to++);
    if (to - from > 1) out.slice(from, to).sort(compare).forEach((position, i) => { out[from + i] = position })
  }
  return out
}

/** Undefined where a uid has other characters than uids have. */
const keysOf = (pods: ReadonlyArray<Pod>, positions: ReadonlyArray<number>): Float64Array | undefined => {
  const keys = new Float64Array(positions.length)
  for (let i = 0; i < positions.length; i++) {
    const uid = pods[positions[i]!]!.metadata.uid ?? ""
    let key = 0
    for (let c = 0; c < charsCompared; c++) {
      const code = c < uid.length ? uid.charCodeAt(c) : 0
      if (code > 127) return undefined
      key = key * 128 + code
    }
    keys[i] = key * places + i
  }
  return keys
}
