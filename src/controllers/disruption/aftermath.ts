/**
 * What came of a consolidation. The cluster's scheduler has the last word on where pods go: where it puts those that move elsewhere
 * than planned, others find no room, and a node is bought that was not planned. The same plan would then be made again, for ever.
 * So such a NodePool is left alone for a while, longer each time. A restart forgets it, which costs one try.
 */
import { Effect } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isReschedulable } from "../../cluster/podPredicates.ts"
import { makeBackoff } from "./backoff.ts"
import type { Backoff } from "./backoff.ts"

/** Who was left in peace for so long has found its places. */
const settledAfterMillis = 15 * 60_000
const longestMillis = 60 * 60_000

export interface Aftermath {
  /** `leaving` are the nodes that go; `nodes` are all as they were before. */
  readonly consolidated: (
    nodePools: ReadonlyArray<string>, leaving: ReadonlyArray<StateNode>, nodes: ReadonlyArray<StateNode>, nowMillis: number
  ) => void
  /**
   * Looks at what was bought since: a node on which those run that had to move was not planned. Where more pods run than before, it
   * was bought for those; where only others run on it, for others.
   */
  readonly judge: (
    nodes: ReadonlyArray<StateNode>, nodePools: ReadonlyMap<string, NodePool>, nowMillis: number
  ) => Effect.Effect<void>
  /** When the NodePool has its turn again, in milliseconds; undefined where it has it now. */
  readonly waitsUntil: (nodePool: string, nowMillis: number) => number | undefined
}

/** A consolidation that was not judged yet, or several. */
interface Pending {
  readonly at: number
  /** How many pods ran in all. */
  readonly pods: number
  /** Who makes the pods anew that had to move, by uid. */
  readonly owners: ReadonlySet<string>
}

const podsOn = (nodes: ReadonlyArray<StateNode>): number =>
  nodes.reduce((sum, { pods }) => sum + pods.filter(isReschedulable).length, 0)

const ownersOn = (nodes: ReadonlyArray<StateNode>): ReadonlySet<string> => new Set(nodes.flatMap(({ pods }) =>
  pods.filter(isReschedulable).flatMap(({ metadata: { ownerReferences } }) =>
    ownerReferences?.find(({ controller }) => controller === true)?.uid ?? [])))

/** Whether a machine was bought since because pods waited. */
const isUnplanned = ({ claim, nodePool }: StateNode, since: number, nodePools: ReadonlyMap<string, NodePool>): boolean =>
  claim !== undefined && claim.metadata.annotations?.[annotation.replaces] === undefined &&
  nodePools.get(nodePool ?? "")?.spec.replicas === undefined && Date.parse(claim.metadata.creationTimestamp ?? "") > since

export const makeAftermath = (): Aftermath => {
  const pending = new Map<string, Pending>()
  const backoff: Backoff = makeBackoff(longestMillis)
  return {
    consolidated: (nodePools, leaving, nodes, nowMillis) => {
      const owners = ownersOn(leaving)
      for (const nodePool of nodePools) {
        // What was not judged yet is judged with what comes now.
        const before = pending.get(nodePool) ?? { at: nowMillis, pods: podsOn(nodes), owners: [] }
        pending.set(nodePool, { ...before, owners: new Set([...before.owners, ...owners]) })
      }
    },
    judge: Effect.fnUntraced(function*(nodes, nodePools, nowMillis) {
      if (pending.size === 0) return
      const pods = podsOn(nodes)
      for (const [nodePool, { at, owners, pods: before }] of pending) {
        const isOver = nowMillis - at >= settledAfterMillis
        const unplanned = nodes.filter((node) => isUnplanned(node, at, nodePools))
        // Those that moved are waiting as yet: whether there are more is seen when they run.
        if (unplanned.length > 0 && pods < before && !isOver) continue
        const moved = [...ownersOn(unplanned)].some((owner) => owners.has(owner))
        if (moved && pods <= before) yield* backoff.failed("Underutilized", [nodePool])
        else if (isOver) yield* backoff.succeeded("Underutilized", [nodePool])
        else if (unplanned.length === 0 || pods <= before) continue
        pending.delete(nodePool)
      }
    }),
    waitsUntil: (nodePool, nowMillis) => backoff.waitsUntil("Underutilized", nodePool, nowMillis)
  }
}
