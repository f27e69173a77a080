/** What a NodePool has (Karpenter's state/statenodepool.go), and what of its limits is taken. */
import type { ResourceList } from "../kube/objects.ts"
import type { StateNode } from "./cluster.ts"
import { sum } from "./amounts.ts"

type Amounts = Readonly<Record<string, string>>

const total = (nodePool: string, nodes: ReadonlyArray<StateNode>, amountOf: (node: StateNode) => ResourceList): Amounts =>
  sum(nodes.filter((node) => node.nodePool === nodePool && !node.markedForDeletion).map(amountOf))

/** Capacity by resource, `nodes` included, of the pool's machines that are not going away; in-flight claims count. */
export const usageOf = (nodePool: string, nodes: ReadonlyArray<StateNode>): Amounts =>
  total(nodePool, nodes, ({ capacity }) => capacity)

/** What `limits` are compared with: more than the usage while a claim may become larger than it is expected to be. */
export const chargeOf = (nodePool: string, nodes: ReadonlyArray<StateNode>): Amounts =>
  total(nodePool, nodes, ({ charge }) => charge)
