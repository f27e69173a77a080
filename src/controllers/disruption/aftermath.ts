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
  /** `nodes` are all as they were before. */
  readonly consolidated: (nodePools: ReadonlyArray<string>, nodes: ReadonlyArray<StateNode>, nowMillis: number) => void
  /** Looks at what was bought since. Where more pods run than before, it was bought for those. */
  readonly judge: (
    nodes: ReadonlyArray<StateNode>, nodePools: ReadonlyMap<string, NodePool>, nowMillis: number
  ) => Effect.Effect<void>
  readonly isWaiting: (nodePool: string, nowMillis: number) => boolean
}

const podsOn = (nodes: ReadonlyArray<StateNode>): number =>
  nodes.reduce((sum, { pods }) => sum + pods.filter(isReschedulable).length, 0)

export const makeAftermath = (): Aftermath => {
  const since = new Map<string, { readonly at: number; readonly pods: number }>()
  const backoff: Backoff = makeBackoff(longestMillis)
  return {
    consolidated: (nodePools, nodes, nowMillis) => {
      // What was not judged yet is judged with what comes now.
      for (const nodePool of nodePools) {
        if (!since.has(nodePool)) since.set(nodePool, { at: nowMillis, pods: podsOn(nodes) })
      }
    },
    judge: Effect.fnUntraced(function*(nodes, nodePools, nowMillis) {
      if (since.size === 0) return
      const unplanned = nodes.flatMap(({ claim, nodePool }) =>
        claim === undefined || claim.metadata.annotations?.[annotation.replaces] !== undefined ||
          nodePools.get(nodePool ?? "")?.spec.replicas !== undefined
          ? [] : [Date.parse(claim.metadata.creationTimestamp ?? "")])
      const last = Math.max(...unplanned)
      const pods = podsOn(nodes)
      for (const [nodePool, { at, pods: before }] of since) {
        const isOver = nowMillis - at >= settledAfterMillis
        // Those that moved are waiting as yet: whether there are more is seen when they run.
        if (last > at && pods < before && !isOver) continue
        if (last > at && pods <= before) yield* backoff.failed("Underutilized", [nodePool])
        else if (last <= at && isOver) yield* backoff.succeeded("Underutilized", [nodePool])
        else if (last <= at) continue
        since.delete(nodePool)
      }
    }),
    isWaiting: (nodePool, nowMillis) => backoff.isWaiting("Underutilized", nodePool, nowMillis)
  }
}
