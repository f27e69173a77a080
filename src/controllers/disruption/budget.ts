/** How many more nodes of a NodePool may go now. Pure. */
import { allowedDisruptions } from "../../apis/budgets.ts"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import type { DisruptionReason, NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { oncePer } from "../../kube/oncePer.ts"
import { isReady } from "../node/isReady.ts"
import { isLeaving } from "./candidate.ts"

/** A NodePool as the methods ask about it. */
export interface Pool {
  readonly name: string
  readonly isStatic: boolean
  /** consolidateAfter is Never. */
  readonly never: boolean
  /** consolidationPolicy; absent: WhenEmptyOrUnderutilized. */
  readonly policy?: string | undefined
  /** How many more of its nodes may go now. */
  readonly remaining: number
}

export interface Budgeted extends Pool {
  /** What the budgets allow for nodes of this number, those that are on their way out included. */
  readonly allowed: number
  readonly nodes: number
  readonly disrupting: number
}

const isUnready = ({ node }: StateNode): boolean => node === undefined || !isReady(node)

/**
 * Nodes that a pool's budgets are about, and those of them that use the budgets up: on their way out, or broken (Karpenter's
 * disruption/helpers.go).
 */
export interface Census {
  readonly nodes: number
  readonly disrupting: number
}

/** What a machine counts for; undefined where the budgets are not about it. */
const share = oncePer((node: StateNode): { readonly nodePool: string; readonly disrupting: 0 | 1 } | undefined => {
  const { claim, initialized, nodePool } = node
  if (nodePool === undefined || claim === undefined || !initialized) return undefined
  if (nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)) return undefined
  return { nodePool, disrupting: isLeaving(node) || isUnready(node) ? 1 : 0 }
})

/** By NodePool. */
export const censusOf = oncePer((nodes: ReadonlyArray<StateNode>): ReadonlyMap<string, Census> => {
  const result = new Map<string, { nodes: number; disrupting: number }>()
  for (const node of nodes) {
    const counted = share(node)
    if (counted === undefined) continue
    const census = result.get(counted.nodePool) ?? { nodes: 0, disrupting: 0 }
    census.nodes++
    census.disrupting += counted.disrupting
    result.set(counted.nodePool, census)
  }
  return result
})

/** What a pool's budgets leave for a reason now. */
export const budgeted = (
  pool: NodePool, reason: DisruptionReason, { disrupting, nodes }: Census = { nodes: 0, disrupting: 0 }, nowMillis: number
): Budgeted => {
  const allowed = allowedDisruptions(pool, reason, nodes, nowMillis)
  return {
    name: pool.metadata.name,
    isStatic: pool.spec.replicas !== undefined,
    never: pool.spec.disruption?.consolidateAfter === "Never",
    policy: pool.spec.disruption?.consolidationPolicy,
    remaining: Math.max(0, allowed - disrupting),
    allowed,
    nodes,
    disrupting
  }
}

/** Since when each of these NodePools may lose no more nodes, by its name, in milliseconds. */
export type UsedUp = ReadonlyMap<string, number>

/** As it is now; `before` is what the look before gave. */
export const usedUpSince = (before: UsedUp, budgets: ReadonlyArray<Budgeted>, nowMillis: number): UsedUp =>
  new Map(budgets.filter(({ remaining }) => remaining === 0).map(({ name }) => [name, before.get(name) ?? nowMillis]))
