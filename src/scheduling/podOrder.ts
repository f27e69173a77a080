import { drained } from "./drained.ts"
import type { Pod } from "./problem.ts"

/** Oldest first, then by uid, namespace and name: one order for any order of the input. */
const comparePods = ({ metadata: a }: Pod, { metadata: b }: Pod): number =>
  text(a.creationTimestamp, b.creationTimestamp) || text(a.uid, b.uid) ||
  text(a.namespace ?? "default", b.namespace ?? "default") || text(a.name, b.name)

const text = (a = "", b = ""): number => a === b ? 0 : a < b ? -1 : 1

/** The positions of the pods in that order. */
export const podOrder = (pods: ReadonlyArray<Pod>): ReadonlyArray<number> => drained(ordering(pods))

/** As `podOrder`, a part at a time. */
export function* ordering(pods: ReadonlyArray<Pod>): Generator<void, ReadonlyArray<number>> {
  if (yield* isInOrder(pods)) return pods.map((_, i) => i)
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
    if ((i + 1) % atOnce === 0) yield
  }
  const out: Array<number> = []
  for (const time of yield* sorted([...byTime.keys()])) {
    const own = byTime.get(time)!
    const before = out.length
    for (const i of own.length === 1 ? own : yield* sameAge(pods, own)) out.push(i)
    if (Math.floor(out.length / atOnce) > Math.floor(before / atOnce)) yield
  }
  return out
}

/** Pods without uids and times, as in manifests, come by name. */
function* isInOrder(pods: ReadonlyArray<Pod>): Generator<void, boolean> {
  for (let i = 1; i < pods.length; i++) {
    if (comparePods(pods[i - 1]!, pods[i]!) > 0) return false
    if (i % atOnce === 0) yield
  }
  return true
}

/** After so many pods others may have their turn. */
const atOnce = 2 ** 14

/** In order of the alphabet; many are put in order in parts, which are merged. */
function* sorted(texts: ReadonlyArray<string>): Generator<void, ReadonlyArray<string>> {
  const parts: Array<ReadonlyArray<string>> = []
  for (let from = 0; from < texts.length; from += atOnce) {
    if (from > 0) yield
    parts.push(texts.slice(from, from + atOnce).sort())
  }
  while (parts.length > 1) {
    const [a, b] = parts.splice(0, 2) as [ReadonlyArray<string>, ReadonlyArray<string>]
    const out: Array<string> = []
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
      out.push(j === b.length || (i < a.length && a[i]! < b[j]!) ? a[i++]! : b[j++]!)
      if (out.length % atOnce === 0) yield
    }
    parts.push(out)
  }
  return parts[0] ?? []
}

const places = 2 ** 18
const charsCompared = 5

/**
 * Comparing texts is what takes time. So the beginning of a uid is written as a number, and the pod's place below it in the 53 bits
 * that are exact, and numbers are sorted; only pods whose uids begin alike are compared.
 */
function* sameAge(pods: ReadonlyArray<Pod>, positions: Array<number>): Generator<void, ReadonlyArray<number>> {
  const compare = (a: number, b: number): number => comparePods(pods[a]!, pods[b]!)
  const keys = positions.length > places ? undefined : keysOf(pods, positions)
  if (keys === undefined) return positions.sort(compare)
  if (keys.length > atOnce) yield
  keys.sort()
  if (keys.length > atOnce) yield
  const out: Array<number> = []
  let turns = 0
  for (let from = 0, to = 0; from < keys.length; from = to) {
    const begin = Math.floor(keys[from]! / places)
    for (; to < keys.length && keys[to]! < (begin + 1) * places; to++) out.push(positions[keys[to]! - begin * places]!)
    if (to - from > 1) for (const position of out.splice(from).sort(compare)) out.push(position)
    if (Math.floor(to / atOnce) > turns) {
      turns = Math.floor(to / atOnce)
      yield
    }
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
