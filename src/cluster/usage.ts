/** What a NodePool has bought: the number that `limits` are compared with (Karpenter's state/statenodepool.go). */
import type { StateNode } from "./cluster.ts"
import { sum } from "./amounts.ts"

/** Capacity by resource, `nodes` included, of the pool's machines that are not going away; in-flight claims count. */
export const usageOf = (nodePool: string, nodes: ReadonlyArray<StateNode>): Readonly<Record<string, string>> =>
  sum(nodes.filter((node) => node.nodePool === nodePool && !node.markedForDeletion).map((node) => node.capacity))
