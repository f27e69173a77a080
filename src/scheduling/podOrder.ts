import type { Pod } from "./problem.ts"

/** Oldest first, then by uid, namespace and name: one order for any order of the input. */
const comparePods = ({ metadata: a }: Pod, { metadata: b }: Pod): number =>
  text(a.creationTimestamp, b.creationTimestamp) || text(a.uid, b.uid) ||
  text(a.namespace ?? "default", b.namespace ?? "default") || text(a.name, b.name)

const text = (a = "", b = ""): number => a === b ? 0 : a < b ? -1 : 1

/**
 * That order for positions in a list. Comparing texts is what takes time, so the beginnings of uids are compared as numbers where
 * the pods were made at one time, as those of a batch often are.
 */
export const podOrder = (pods: ReadonlyArray<Pod>): (a: number, b: number) => number => {
  const time = pods[0]?.metadata.creationTimestamp
  const keys = new Float64Array(pods.length)
  for (let i = 0; i < pods.length; i++) {
    const { creationTimestamp, uid } = pods[i]!.metadata
    const key = creationTimestamp === time ? beginning(uid ?? "") : -1
    if (key < 0) return (a, b) => comparePods(pods[a]!, pods[b]!)
    keys[i] = key
  }
  return (a, b) => keys[a]! - keys[b]! || comparePods(pods[a]!, pods[b]!)
}

/** The first characters of a text as a number that sorts as they do; -1 where they are not plain. */
const beginning = (uid: string): number => {
  let key = 0
  for (let i = 0; i < 7; i++) {
    const code = i < uid.length ? uid.charCodeAt(i) : 0
    if (code > 127) return -1
    key = key * 128 + code
  }
  return key
}
