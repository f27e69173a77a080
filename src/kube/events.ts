/**
 * Events on objects, for people who run `kubectl describe`. Publishing never fails and never waits: what the server
 * refuses or cannot take fast enough is dropped. The rules are Karpenter's: an event with dedupe values is published
 * once per window, and events marked as rate limited share one bucket.
 */
import { Cause, Clock, Context, Duration, Effect, Layer, Queue, Random } from "effect"
import { Kube } from "./kube.ts"
import type { Event, KubeObject } from "./objects.ts"
import { Events } from "./resources.ts"
import { timestamp } from "./timestamp.ts"

/** Reasons that Karpenter uses, and those of what Linode does to an account and its machines. */
export const eventReasons = [
  "AccountLimitReached", "AwaitingVolumeDetachment", "ConsolidationApproved", "ConsolidationCandidate", "ConsolidationRejected", "Disrupted",
  "DisruptionBlocked", "DisruptionLaunching", "DisruptionTerminating", "DisruptionWaitingReadiness",
  "DoNotDisruptGracePeriodElapsed", "DoNotDisruptUntil", "Evicted", "FailedConsistencyCheck", "FailedDraining",
  "FailedScheduling", "Finalized", "InsufficientCapacityError", "InvalidDoNotDisruptAnnotation",
  "LinodeAuthFailed", "NoCompatibleInstanceTypes", "NodeRepairBlocked", "Nominated", "TerminatingOnInterruption", "TerminationGracePeriodExpiring", "Unconsolidatable",
  "UnregisteredTaintMissing", "WaitingOnNodeClaimTermination"
] as const

/** A transition of a condition is an event whose reason is the condition's type. */
export const conditionReasons = [
  "AccountReady", "ConsistentStateFound", "Consolidatable", "DiskPressure", "DisruptionReason", "Drained", "Drifted", "Initialized",
  "InstanceTerminating", "Launched", "MemoryPressure", "NetworkUnavailable", "NodeClassReady",
  "NodeRegistrationHealthy", "PIDPressure", "Provisioning", "Ready", "ReadyForProvisioning", "Registered", "StaticCapacity",
  "ValidationSucceeded", "VolumesDetached"
] as const

export type EventReason = (typeof eventReasons)[number] | (typeof conditionReasons)[number]

export interface EventInput {
  /** Which object the event is about. */
  readonly object: KubeObject
  readonly type: "Normal" | "Warning"
  readonly reason: EventReason
  readonly message: string
  /** The same reason with the same values is published once per window. Empty: every time. */
  readonly dedupe: ReadonlyArray<string>
  /** How long the window is: 2 minutes unless told. */
  readonly dedupeFor?: Duration.Input
  /** Shares a bucket of 5 per second, burst 10, with all events that say so; beyond it the event is dropped. */
  readonly rateLimited?: boolean
}

export class Recorder extends Context.Service<Recorder, {
  readonly publish: (event: EventInput) => Effect.Effect<void>
}>()("karpenter-linode/kube/Recorder") {}

const component = "karpenter"
const defaultWindow = Duration.minutes(2)
const sweepEveryMillis = 10_000
const bucket = { perSecond: 5, burst: 10 }
/** Events that may wait for the server. */
const capacity = 1_000
/** The API server takes no longer message. */
const longestMessage = 1_024

/** True the first time a key is seen, and again once its window is over. */
const makeDedupe = () => {
  const until = new Map<string, number>()
  let sweepAt = 0
  return (key: string, windowMillis: number, now: number): boolean => {
    if (now >= sweepAt) {
      for (const [old, end] of until) if (end <= now) until.delete(old)
      sweepAt = now + sweepEveryMillis
    }
    if ((until.get(key) ?? 0) > now) return false
    until.set(key, now + windowMillis)
    return true
  }
}

const makeBucket = () => {
  let tokens = bucket.burst
  let at = 0
  return (now: number): boolean => {
    tokens = Math.min(bucket.burst, tokens + ((now - at) / 1000) * bucket.perSecond)
    at = now
    if (tokens < 1) return false
    tokens--
    return true
  }
}

const toEvent = (input: EventInput, now: number, suffix: string): Event => {
  const { metadata, apiVersion, kind } = input.object
  // Events of cluster-scoped objects live in `default`, where kubectl looks for them.
  const namespace = metadata.namespace ?? "default"
  const at = timestamp(now)
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${metadata.name.slice(0, 200)}.${suffix}`, namespace },
    involvedObject: {
      ...(apiVersion === undefined ? {} : { apiVersion }),
      ...(kind === undefined ? {} : { kind }),
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      ...(metadata.uid === undefined ? {} : { uid: metadata.uid })
    },
    type: input.type,
    reason: input.reason,
    message: input.message.slice(0, longestMessage),
    source: { component },
    reportingComponent: component,
    count: 1,
    firstTimestamp: at,
    lastTimestamp: at
  }
}

/** Sends events one after the other, in the order in which they were published, until its scope ends. */
export const layer: Layer.Layer<Recorder, never, Kube> = Layer.effect(Recorder, Effect.gen(function*() {
  const kube = yield* Kube
  const waiting = yield* Queue.dropping<Event>(capacity)
  const isNew = makeDedupe()
  const takeToken = makeBucket()

  const send = (event: Event): Effect.Effect<void> => kube.create(Events, event).pipe(
    Effect.catchCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.logDebug("could not publish an event", cause)),
    Effect.asVoid
  )
  yield* Queue.takeAll(waiting).pipe(
    Effect.flatMap((events) => Effect.forEach(events, send, { discard: true })),
    Effect.forever,
    Effect.forkScoped
  )
  return Recorder.of({
    publish: Effect.fnUntraced(function*(input) {
      const now = yield* Clock.currentTimeMillis
      const key = `${input.reason.toLowerCase()}-${input.dedupe.join("-")}`
      const window = Duration.toMillis(input.dedupeFor ?? defaultWindow)
      if (input.dedupe.length > 0 && !isNew(key, window, now)) return
      if (input.rateLimited === true && !takeToken(now)) return
      const random = yield* Random.nextIntBetween(0, 0x7fffffff)
      yield* Queue.offer(waiting, toEvent(input, now, `${now.toString(16)}${random.toString(16).padStart(8, "0")}`))
    })
  })
}))
