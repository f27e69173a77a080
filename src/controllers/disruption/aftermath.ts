/**
 * What came of a consolidation. The cluster's scheduler has the last word on where pods go: where it puts those that move elsewhere
 * than planned, others find no room, and a node is bought that was not planned. The same plan would then be made again, for ever.
 * So such a NodePool is left alone for a while, longer each time. A restart forgets it, which costs one try.
 */
import { Effect } from "effect"
import { annotation } from "../../apis/labels.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { makeBackoff } from "./backoff.ts"
import type { Backoff } from "./backoff.ts"

/** Who was left in peace for so long has found its places. */
const settledAfterMillis = 15 * 60_000
const longestMillis = 60 * 60_000

export interface Aftermath {
  readonly consolidated: (nodePools: ReadonlyArray<string>, nowMillis: number) => void
  /** Looks at what was bought since. */
  readonly judge: (
    nodes: ReadonlyArray<StateNode>, nodePools: ReadonlyMap<string, NodePool>, nowMillis: number
  ) => Effect.Effect<void>
  readonly isWaiting: (nodePool: string, nowMillis: number) => boolean
}

export const makeAftermath = (): Aftermath => {
  const since = new Map<string, number>()
  const backoff: Backoff = makeBackoff(longestMillis)
  return {
    consolidated: (nodePools, nowMillis) => {
      for (const nodePool of nodePools) since.set(nodePool, nowMillis)
    },
    judge: Effect.fnUntraced(function*(nodes, nodePools, nowMillis) {
      if (since.size === 0) return
      const unplanned = nodes.flatMap(({ claim, nodePool }) =>
        claim === undefined || claim.metadata.annotations?.[annotation.replaces] !== undefined ||
          nodePools.get(nodePool ?? "")?.spec.replicas !== undefined
          ? [] : [Date.parse(claim.metadata.creationTimestamp ?? "")])
      const last = Math.max(...unplanned)
      for (const [nodePool, at] of since) {
        if (last > at) yield* backoff.failed("Underutilized", [nodePool])
        else if (nowMillis - at >= settledAfterMillis) yield* backoff.succeeded("Underutilized", [nodePool])
        else continue
        since.delete(nodePool)
      }
    }),
    isWaiting: (nodePool, nowMillis) => backoff.isWaiting("Underutilized", nodePool, nowMillis)
  }
}
