/**
 * How long a NodePool is left alone after its replacements have failed: a pool whose nodes cannot be had would else be tried again and
 * again, and keep the others from their turn. A restart forgets it, which costs one try.
 */
import { Clock, Effect, Random } from "effect"
import type { DisruptionReason } from "../../apis/nodePool.ts"

const baseMillis = 60_000
/** Where replacements cannot be had. */
const mostMillis = 600_000

export interface Backoff {
  readonly failed: (reason: DisruptionReason, nodePools: ReadonlyArray<string>) => Effect.Effect<void>
  readonly succeeded: (reason: DisruptionReason, nodePools: ReadonlyArray<string>) => Effect.Effect<void>
  /** When the NodePool has its turn again, in milliseconds; undefined where it has it now. */
  readonly waitsUntil: (reason: DisruptionReason, nodePool: string, nowMillis: number) => number | undefined
}

/** `most`: the longest wait, in milliseconds. */
export const makeBackoff = (most: number = mostMillis): Backoff => {
  const known = new Map<string, { readonly failures: number; readonly until: number }>()
  const keyOf = (reason: DisruptionReason, nodePool: string): string => `${reason}/${nodePool}`
  return {
    failed: Effect.fnUntraced(function*(reason, nodePools) {
      const now = yield* Clock.currentTimeMillis
      for (const nodePool of nodePools) {
        const key = keyOf(reason, nodePool)
        const failures = known.get(key)?.failures ?? 0
        const whole = Math.min(most, baseMillis * 2 ** failures)
        // Half of it by chance, so that pools which failed together do not come back together.
        const wait = whole / 2 + (yield* Random.nextIntBetween(0, whole / 2 + 1))
        known.set(key, { failures: Math.min(failures + 1, 10), until: now + wait })
      }
    }),
    succeeded: (reason, nodePools) => Effect.sync(() => {
      for (const nodePool of nodePools) known.delete(keyOf(reason, nodePool))
    }),
    waitsUntil: (reason, nodePool, nowMillis) => {
      const until = known.get(keyOf(reason, nodePool))?.until
      return until !== undefined && nowMillis < until ? until : undefined
    }
  }
}
