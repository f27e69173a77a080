import type { Pod } from "./problem.ts"

/** Oldest first, then by uid, namespace and name: one order for any order of the input. */
export const comparePods = ({ metadata: a }: Pod, { metadata: b }: Pod): number =>
  text(a.creationTimestamp, b.creationTimestamp) || text(a.uid, b.uid) ||
  text(a.namespace ?? "default", b.namespace ?? "default") || text(a.name, b.name)

const text = (a = "", b = ""): number => a === b ? 0 : a < b ? -1 : 1
