/**
 * A controller: watches stores, turns changes into keys, and reconciles each key until it is as it should be.
 *
 * `reconcile` gets a name and reads everything else itself (level-triggered, idempotent). A failure is logged and tried
 * again with a back-off; so is a defect, as Karpenter recovers panics. The controller itself ends only with its scope.
 */
import { Cause, Duration, Effect, Exit, Random } from "effect"
import type { Scope } from "effect"
import type { Change, Store } from "../kube/caches.ts"
import { isConflict, KubeError } from "../kube/kubeError.ts"
import type { KubeObject, Ref } from "../kube/objects.ts"
import type { Resource } from "../kube/resources.ts"
import { Metrics } from "./metrics.ts"
import { makeWorkQueue } from "./workQueue.ts"

export interface Result {
  /** Run this key again after so long, even when nothing changes. */
  readonly requeueAfter?: Duration.Input
}

export const done: Result = {}
export const requeueAfter = (duration: Duration.Input): Result => ({ requeueAfter: duration })

/** The earlier of two wishes. */
export const sooner = (a: Result, b: Result): Result => {
  if (a.requeueAfter === undefined) return b
  if (b.requeueAfter === undefined) return a
  return Duration.toMillis(a.requeueAfter) <= Duration.toMillis(b.requeueAfter) ? a : b
}

/** Which keys a change of some store concerns. */
export interface Trigger {
  readonly attach: (add: (ref: Ref) => void) => Effect.Effect<void, never, Scope.Scope>
}

/** Changes of a store that concern the object itself. `only` leaves changes out. */
export const onSelf = <A extends KubeObject>(store: Store<A>, only: (change: Change<A>) => boolean = () => true): Trigger => ({
  attach: (add) => store.subscribe((change) => {
    if (only(change)) add(change.object.metadata)
  })
})

/** Changes of a store that concern other objects. */
export const onOther = <A extends KubeObject>(store: Store<A>, refs: (change: Change<A>) => Iterable<Ref>): Trigger => ({
  attach: (add) => store.subscribe((change) => {
    for (const ref of refs(change)) add(ref)
  })
})

export interface ControllerOptions<E extends Error, R> {
  /** Karpenter's name for it: `nodeclaim.lifecycle`. */
  readonly name: string
  /** The kind that the keys name; for logs. */
  readonly kind: Resource<never> | Resource
  readonly workers: number
  readonly backoff: { readonly base: Duration.Input; readonly max: Duration.Input }
  readonly triggers: ReadonlyArray<Trigger>
  readonly reconcile: (ref: Ref) => Effect.Effect<Result, E, R>
}

const keyOf = (ref: Ref): string => ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`
const refOf = (key: string): Ref => {
  const slash = key.indexOf("/")
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** Somebody else wrote first: not a failure, only a reason to look again. */
const isRace = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.every((reason) => Cause.isFailReason(reason) && reason.error instanceof KubeError && isConflict(reason.error))

const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  return isRace(cause) ? Effect.logDebug("somebody else wrote first", cause) : Effect.logError("Reconciler error", cause)
}

const reconcileID = Effect.map(
  Effect.all([Random.nextIntBetween(0, 0xffffffff), Random.nextIntBetween(0, 0xffffffff)]),
  (parts) => parts.map((part) => (part >>> 0).toString(16).padStart(8, "0")).join("-")
)

/** Runs the controller until its scope ends. */
export const runController = Effect.fnUntraced(function*<E extends Error, R>(options: ControllerOptions<E, R>) {
  const queue = yield* makeWorkQueue
  const metrics = yield* Metrics
  const base = Duration.toMillis(options.backoff.base)
  const max = Duration.toMillis(options.backoff.max)
  for (const trigger of options.triggers) yield* trigger.attach((ref) => queue.add(keyOf(ref)))

  const one = Effect.gen(function*() {
    const key = yield* queue.take
    const ref = refOf(key)
    const exit = yield* options.reconcile(ref).pipe(
      Effect.tapCause(report),
      Effect.annotateLogs({
        controller: options.name,
        controllerGroup: options.kind.group,
        controllerKind: options.kind.kind,
        [options.kind.kind]: ref.namespace === undefined ? { name: ref.name } : { name: ref.name, namespace: ref.namespace },
        namespace: ref.namespace ?? "",
        name: ref.name,
        reconcileID: yield* reconcileID
      }),
      metrics.timeReconcile(options.name),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) {
      yield* queue.done(key, "ok")
      if (exit.value.requeueAfter !== undefined) yield* queue.addAfter(key, Duration.toMillis(exit.value.requeueAfter))
    } else {
      const failures = queue.failures(key)
      yield* queue.done(key, "failed")
      yield* queue.addAfter(key, Math.min(max, base * 2 ** Math.min(failures, 30)))
    }
  })
  const worker = Effect.forever(one)
  return yield* Effect.all(Array.from({ length: options.workers }, () => worker), { concurrency: "unbounded", discard: true }).pipe(
    Effect.andThen(Effect.never)
  )
}, Effect.scoped)

/** A loop without keys: runs again after what it asked for, or after `backoff` when it failed. */
export const runSingleton = <E extends Error, R>(options: {
  readonly name: string
  readonly backoff: { readonly base: Duration.Input; readonly max: Duration.Input }
  readonly reconcile: Effect.Effect<Result, E, R>
}): Effect.Effect<never, never, R | Metrics> => Effect.gen(function*() {
  const metrics = yield* Metrics
  const base = Duration.toMillis(options.backoff.base)
  const max = Duration.toMillis(options.backoff.max)
  let failures = 0
  return yield* Effect.gen(function*() {
    const exit = yield* options.reconcile.pipe(
      Effect.tapCause(report),
      Effect.annotateLogs({ controller: options.name, namespace: "", name: "", reconcileID: yield* reconcileID }),
      metrics.timeReconcile(options.name),
      Effect.exit
    )
    if (Exit.isSuccess(exit)) {
      failures = 0
      if (exit.value.requeueAfter !== undefined) yield* Effect.sleep(exit.value.requeueAfter)
      else yield* Effect.yieldNow
    } else {
      yield* Effect.sleep(Math.min(max, base * 2 ** Math.min(failures, 30)))
      failures++
    }
  }).pipe(Effect.forever)
})
