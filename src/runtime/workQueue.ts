/**
 * The keyed work queue under every controller: a key is handed to one worker at a time, triggers for a waiting key are
 * one piece of work, a trigger during its run makes it run once more, and of several delays the earliest wins.
 */
import { Clock, Effect, FiberMap, Queue } from "effect"
import type { Scope } from "effect"

interface Entry {
  state: "idle" | "ready" | "running"
  /** Triggered while running. */
  dirty: boolean
  failures: number
  /** When the pending delay ends, in milliseconds of the Clock. */
  wakeAt: number | undefined
}

export interface WorkQueue {
  /** Makes the key ready now. Synchronous, so that a cache's callback may call it. */
  readonly add: (key: string) => void
  /** Makes the key ready after a delay, unless it becomes ready earlier. */
  readonly addAfter: (key: string, millis: number) => Effect.Effect<void>
  /** Waits for a key; the caller owns it until `done`. */
  readonly take: Effect.Effect<string>
  /** Gives the key back. A failed run counts towards `failures`, a good one forgets them. */
  readonly done: (key: string, outcome: "ok" | "failed") => Effect.Effect<void>
  /** Failures in a row of a key. */
  readonly failures: (key: string) => number
  /** Keys ready or running; those that wait for a delay are not counted. */
  readonly depth: () => number
}

export const makeWorkQueue: Effect.Effect<WorkQueue, never, Scope.Scope> = Effect.gen(function*() {
  const ready = yield* Queue.unbounded<string>()
  const delays = yield* FiberMap.make<string>()
  const entries = new Map<string, Entry>()

  const entry = (key: string): Entry => {
    let found = entries.get(key)
    if (found === undefined) {
      found = { state: "idle", dirty: false, failures: 0, wakeAt: undefined }
      entries.set(key, found)
    }
    return found
  }
  const forgetIfIdle = (key: string, e: Entry): void => {
    if (e.state === "idle" && e.failures === 0 && e.wakeAt === undefined) entries.delete(key)
  }
  const add = (key: string): void => {
    const e = entry(key)
    if (e.state === "idle") {
      e.state = "ready"
      Queue.offerUnsafe(ready, key)
    } else if (e.state === "running") {
      e.dirty = true
    }
  }
  const addAfter = Effect.fnUntraced(function*(key: string, millis: number) {
    if (millis <= 0) return add(key)
    const wakeAt = (yield* Clock.currentTimeMillis) + Math.ceil(millis)
    const e = entry(key)
    if (e.wakeAt !== undefined && e.wakeAt <= wakeAt) return
    e.wakeAt = wakeAt
    yield* FiberMap.run(delays, key, Effect.sleep(Math.ceil(millis)).pipe(Effect.andThen(Effect.sync(() => {
      e.wakeAt = undefined
      add(key)
    }))))
  })

  return {
    add,
    addAfter,
    take: Effect.map(Queue.take(ready), (key) => {
      entry(key).state = "running"
      return key
    }),
    done: (key, outcome) => Effect.sync(() => {
      const e = entry(key)
      e.state = "idle"
      e.failures = outcome === "ok" ? 0 : e.failures + 1
      if (e.dirty) {
        e.dirty = false
        add(key)
      } else {
        forgetIfIdle(key, e)
      }
    }),
    failures: (key) => entries.get(key)?.failures ?? 0,
    depth: () => {
      let n = 0
      for (const e of entries.values()) if (e.state !== "idle") n++
      return n
    }
  }
})
