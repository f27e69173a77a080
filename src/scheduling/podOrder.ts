import type { Pod } from "./problem.ts"

/** Oldest first, then by uid, namespace and name: one order for any order of the input. */
const compare = (a: Pod, b: Pod): number => {
  const x = a.metadata
  const y = b.metadata
  return text(x.creationTimestamp, y.creationTimestamp) || text(x.uid, y.uid) ||
    text(x.namespace ?? "default", y.namespace ?? "default") || text(x.name, y.name)
}

const text = (a = "", b = ""): number => a < b ? -1 : a > b ? 1 : 0

/** The positions of the pods in that order. A list that is in order already, as a cache often gives it, is not sorted again. */
export const podOrder = (pods: ReadonlyArray<Pod>): ReadonlyArray<number> => {
  const order = pods.map((_, i) => i)
  for (let i = 1; i < pods.length; i++) {
    if (compare(pods[i - 1]!, pods[i]!) > 0) return order.sort((a, b) => compare(pods[a]!, pods[b]!))
  }
  return order
}
