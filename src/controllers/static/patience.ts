/**
 * How long a static NodePool waits for the next try when its claims end before they have a machine, as when its types are sold
 * out: nothing else would slow down a circle of creating and deleting. A restart forgets it, which costs one try.
 */
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { Change } from "../../kube/caches.ts"

const baseMillis = 5_000
const mostMillis = 180_000

export interface Patience {
  readonly observe: (change: Change<NodeClaim>, nowMillis: number) => void
  /** Milliseconds until the pool may try again; 0: now. */
  readonly left: (pool: string, nowMillis: number) => number
}

const hasMachine = (claim: NodeClaim): boolean => nodeClaimConditions.isTrue(claim, conditionType.launched)

export const makePatience = (): Patience => {
  const pools = new Map<string, { readonly failures: number; readonly until: number }>()
  /** Claims that count already, by uid. */
  const counted = new Set<string>()
  return {
    observe: (change, nowMillis) => {
      const { deletionTimestamp, labels, uid = "" } = change.object.metadata
      const pool = labels?.[label.nodePool] ?? ""
      const ends = (change.type === "deleted" || deletionTimestamp !== undefined) && !counted.has(uid)
      if (ends && !hasMachine(change.object)) {
        counted.add(uid)
        const { failures, until } = pools.get(pool) ?? { failures: 0, until: 0 }
        // Those of one batch end together.
        if (until <= nowMillis) {
          const wait = failures === 0 ? 0 : Math.min(mostMillis, baseMillis * 2 ** (failures - 1))
          pools.set(pool, { failures: Math.min(failures + 1, 10), until: nowMillis + wait })
        }
      }
      if (change.type === "deleted") counted.delete(uid)
      else if (change.previous !== undefined && !hasMachine(change.previous) && hasMachine(change.object)) pools.delete(pool)
    },
    left: (pool, nowMillis) => Math.max(0, (pools.get(pool)?.until ?? 0) - nowMillis)
  }
}
