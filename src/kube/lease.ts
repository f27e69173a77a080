/**
 * Leader election over a coordination Lease, compatible with client-go's: of the processes that compete for one lease
 * at most one works at a time, and another takes over within the lease's duration when the leader falls silent.
 */
import { Clock, Duration, Effect, Random, Schedule, Schema } from "effect"
import { Kube } from "./kube.ts"
import { isConflict } from "./kubeError.ts"
import type { Lease, Ref } from "./objects.ts"
import { Leases } from "./resources.ts"

/** This process held the lease and no longer can be sure of it. Its work has been interrupted. */
export class LeadershipLost extends Schema.TaggedError<LeadershipLost>()("LeadershipLost", {
  lease: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `leader election lost: ${this.lease}: ${this.detail}`
  }
}

export interface LeaseOptions {
  readonly namespace: string
  readonly name: string
  /** Unique among the competitors; see `leaseIdentity`. */
  readonly identity: string
  /** How long others wait after the last sign of life of the leader. */
  readonly lease: Duration.Input
  /** The leader stops when it could not renew for so long; shorter than `lease`. */
  readonly renew: Duration.Input
  readonly retry: Duration.Input
}

/** Karpenter's lease name and controller-runtime's timing. */
export const leaseDefaults = {
  name: "karpenter-leader-election",
  lease: Duration.seconds(15),
  renew: Duration.seconds(10),
  retry: Duration.seconds(2)
} as const

/** `<host>_<random>`: two processes of one host, or one before and after a restart, are not taken for each other. */
export const leaseIdentity = (host: string): Effect.Effect<string> =>
  Effect.map(
    Effect.forEach([0, 0, 0, 0], () => Random.nextIntBetween(0, 0x7fffffff)),
    (parts) => `${host}_${parts.map((part) => part.toString(16).padStart(8, "0")).join("")}`
  )

/** MicroTime: the API server insists on six digits after the second. */
const microTime = (millis: number): string => new Date(millis).toISOString().replace("Z", "000Z")

/** How long the release of the lease may hold up the end of the process. */
const releaseTimeout = Duration.seconds(3)

/**
 * Waits until this process holds the lease, then runs `work`, renewing all the while. Fails with LeadershipLost, after
 * `work` has been interrupted, when no renewal landed within `renew` or somebody else holds the lease. However it ends,
 * the lease is given back after `work` has stopped, so that the next process need not wait.
 */
export const whileLeader = (options: LeaseOptions) =>
  Effect.fnUntraced(function*<A, E, R>(work: Effect.Effect<A, E, R>): Effect.fn.Return<A, E | LeadershipLost, R | Kube> {
    const kube = yield* Kube
    const ref: Ref & { readonly namespace: string } = { name: options.name, namespace: options.namespace }
    const title = `${options.namespace}/${options.name}`
    // Expiry is judged by when this process last saw the record change, never by comparing clocks of two machines.
    let seen: { readonly version: string; readonly at: number } | undefined
    let mayHold = false
    let failing = false
    /** When the renewal began that landed last, in milliseconds of the Clock. */
    let renewedAt = 0

    const specOf = (now: number, previous: Lease["spec"]): NonNullable<Lease["spec"]> => ({
      ...previous,
      holderIdentity: options.identity,
      leaseDurationSeconds: Math.ceil(Duration.toSeconds(options.lease)),
      ...(previous?.holderIdentity === options.identity && previous.acquireTime !== undefined
        ? { acquireTime: previous.acquireTime, leaseTransitions: previous.leaseTransitions ?? 0 }
        : { acquireTime: microTime(now), leaseTransitions: previous === undefined ? 0 : (previous.leaseTransitions ?? 0) + 1 }),
      renewTime: microTime(now)
    })

    const attempt = Effect.gen(function*() {
      const found = yield* kube.get(Leases, ref).pipe(
        Effect.catchReason("KubeError", "NotFound", () => Effect.void)
      )
      const now = yield* Clock.currentTimeMillis
      if (found === undefined) {
        mayHold = true
        yield* kube.create(Leases, {
          apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: ref, spec: specOf(now, undefined)
        })
        renewedAt = now
        return "held" as const
      }
      const version = found.metadata.resourceVersion ?? ""
      if (version !== seen?.version) seen = { version, at: now }
      const holder = found.spec?.holderIdentity ?? ""
      const duration = (found.spec?.leaseDurationSeconds ?? Duration.toSeconds(options.lease)) * 1000
      if (holder !== "" && holder !== options.identity && now - seen.at < duration) return "other" as const
      mayHold = true
      yield* kube.update(Leases, { ...found, spec: specOf(now, found.spec) })
      renewedAt = now
      return "held" as const
    }).pipe(
      Effect.tap(() => Effect.sync(() => { failing = false })),
      Effect.timeout(options.renew),
      Effect.catch((error) => {
        const expected = error._tag === "KubeError" && (isConflict(error) || error.reason._tag === "AlreadyExists")
        const log = failing || expected ? Effect.logDebug : Effect.logWarning
        failing = failing || !expected
        return log("could not renew the leader lease").pipe(
          Effect.annotateLogs({ lease: title, error: error.message }),
          Effect.as("failed" as const)
        )
      })
    )

    const acquire = attempt.pipe(Effect.repeat({
      until: (outcome) => outcome === "held",
      schedule: Schedule.spaced(options.retry).pipe(Schedule.jittered)
    }))
    const lost = (detail: string) => Effect.fail(new LeadershipLost({ lease: title, detail }))
    const keep = Effect.gen(function*() {
      const left = renewedAt + Duration.toMillis(options.renew) - (yield* Clock.currentTimeMillis)
      const outcome = yield* Effect.sleep(options.retry).pipe(
        Effect.andThen(attempt),
        Effect.repeat({ until: (outcome) => outcome !== "failed" }),
        Effect.timeoutOrElse({ duration: Math.max(0, left), orElse: () => lost("could not renew in time") })
      )
      if (outcome === "other") return yield* lost("somebody else holds it")
    }).pipe(Effect.forever)
    const release = Effect.suspend(() => !mayHold ? Effect.void : kube.get(Leases, ref).pipe(
      Effect.flatMap((found) => found.spec?.holderIdentity !== options.identity ? Effect.void : Effect.flatMap(
        Clock.currentTimeMillis,
        (now) => kube.update(Leases, {
          ...found,
          spec: { ...found.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(now) }
        })
      )),
      Effect.interruptible,
      Effect.timeout(releaseTimeout),
      Effect.ignore
    ))

    return yield* Effect.logInfo("attempting to acquire leader lease").pipe(
      Effect.annotateLogs({ lease: title }),
      Effect.andThen(acquire),
      Effect.andThen(Effect.logInfo("successfully acquired lease").pipe(Effect.annotateLogs({ lease: title }))),
      Effect.andThen(Effect.raceFirst(work, keep)),
      Effect.ensuring(release)
    )
  })
