/** Work per key that never overlaps and is shared by all who ask before it begins. */
import { Deferred, Effect, Semaphore } from "effect"
import type { Duration, Scope } from "effect"

export interface Locks {
  /** Runs the effect when no other runs under this key. */
  readonly withLock: (key: string) => <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** One lock a key; keys are few (a NodePool's types) and kept. */
export const makeLocks = (): Locks => {
  const locks = new Map<string, Semaphore.Semaphore>()
  return {
    withLock: (key) => (effect) => Effect.suspend(() => {
      const lock = locks.get(key) ?? Semaphore.makeUnsafe(1)
      locks.set(key, lock)
      return lock.withPermit(effect)
    })
  }
}

/**
 * Whoever asks within `window`, or while an earlier run of the key still goes on, shares the next run. A run belongs to
 * `scope`: it ends with it, and not when one of those who asked is interrupted.
 */
export const makeGather = <Item, A, E>(options: {
  readonly scope: Scope.Scope
  readonly locks: Locks
  readonly window: Duration.Input
  readonly run: (key: string, items: ReadonlyArray<Item>) => Effect.Effect<A, E>
}): (key: string, item: Item) => Effect.Effect<A, E> => {
  interface Batch {
    readonly items: Array<Item>
    readonly done: Deferred.Deferred<A, E>
  }
  const open = new Map<string, Batch>()
  const close = (key: string, batch: Batch) => {
    if (open.get(key) === batch) open.delete(key)
  }
  return (key, item) => Effect.suspend(() => {
    const joined = open.get(key)
    if (joined !== undefined) {
      joined.items.push(item)
      return Deferred.await(joined.done)
    }
    const batch: Batch = { items: [item], done: Deferred.makeUnsafe<A, E>() }
    open.set(key, batch)
    const begin = Effect.suspend(() => {
      close(key, batch)
      return options.run(key, batch.items)
    })
    return Effect.sleep(options.window).pipe(
      Effect.andThen(options.locks.withLock(key)(begin)),
      Effect.onExit((exit) => {
        close(key, batch)
        return Deferred.done(batch.done, exit)
      }),
      Effect.exit,
      Effect.forkIn(options.scope),
      Effect.andThen(Deferred.await(batch.done))
    )
  })
}

/** A read that is shared by all who ask before it is sent, so that each gets an answer to a question asked after its own. */
export const makeSharedRead = <A, E>(scope: Scope.Scope, read: Effect.Effect<A, E>): Effect.Effect<A, E> => {
  const gather = makeGather<undefined, A, E>({ scope, locks: makeLocks(), window: 0, run: () => read })
  return gather("", undefined)
}

/**
 * Work per key that is under way at most once: whoever asks meanwhile gets its outcome. It belongs to `scope`: who asked may
 * give up.
 */
export const makeInFlight = <A, E>(scope: Scope.Scope): (key: string, work: Effect.Effect<A, E>) => Effect.Effect<A, E> => {
  const running = new Map<string, Deferred.Deferred<A, E>>()
  return (key, work) => Effect.suspend(() => {
    const joined = running.get(key)
    if (joined !== undefined) return Deferred.await(joined)
    const done = Deferred.makeUnsafe<A, E>()
    running.set(key, done)
    return work.pipe(
      Effect.onExit((exit) => {
        running.delete(key)
        return Deferred.done(done, exit)
      }),
      Effect.exit,
      Effect.forkIn(scope),
      Effect.andThen(Deferred.await(done))
    )
  })
}
