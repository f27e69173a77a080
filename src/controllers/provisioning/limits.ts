/** Whether a planned node may still be bought: limits may have been lowered since the plan was made. Pure. */
import type { NodePool } from "../../apis/nodePool.ts"
import { excess, most, sum } from "../../cluster/amounts.ts"
import type { ResourceList } from "../../kube/objects.ts"
import type { NewNode } from "../../scheduling/plan.ts"
import type { InstanceType } from "../../scheduling/problem.ts"

interface Creation {
  readonly action: "create"
  readonly planned: NewNode
  readonly pool: NodePool
}

interface Refusal {
  readonly action: "refuse"
  readonly planned: NewNode
  readonly reason: "NodePoolGone" | "NodePoolTerminating" | "LimitsExceeded"
  readonly message: string
}

export type Verdict = Creation | Refusal

const exceeded = (pool: NodePool, usage: ResourceList): string | undefined => {
  const limits = pool.spec.limits ?? {}
  const limited = Object.fromEntries(Object.entries(usage).filter(([name]) => limits[name] !== undefined))
  const [over] = excess(limited, limits)
  if (over === undefined) return undefined
  return `${over} could become ${usage[over]}, NodePool ${pool.metadata.name} is limited to ${limits[over]}`
}

/**
 * Judges the nodes of a plan in their order, each as the most that it may become, on top of those before it. `charged` is what
 * the limits of each pool are charged already.
 */
export const judge = (
  planned: ReadonlyArray<NewNode>,
  pools: ReadonlyMap<string, NodePool>,
  charged: (nodePool: string) => ResourceList,
  types: ReadonlyMap<string, ReadonlyArray<InstanceType>>
): ReadonlyArray<Verdict> => {
  const used = new Map<string, ResourceList>()
  return planned.map((node): Verdict => {
    const refuse = (reason: Refusal["reason"], message: string): Refusal => ({ action: "refuse", planned: node, reason, message })
    const pool = pools.get(node.nodePool)
    if (pool === undefined) return refuse("NodePoolGone", `NodePool ${node.nodePool} could not be read`)
    if (pool.metadata.deletionTimestamp !== undefined) {
      return refuse("NodePoolTerminating", `NodePool ${node.nodePool} is being deleted`)
    }
    if (pool.spec.limits === undefined) return { action: "create", planned: node, pool }
    const options = (types.get(node.nodePool) ?? []).filter(({ name }) => node.instanceTypeOptions.includes(name))
    const before = used.get(node.nodePool) ?? charged(node.nodePool)
    const after = sum([before, { ...most(options.map(({ capacity }) => capacity)), nodes: 1 }])
    const message = exceeded(pool, after)
    if (message !== undefined) return refuse("LimitsExceeded", message)
    used.set(node.nodePool, after)
    return { action: "create", planned: node, pool }
  })
}
