/** The simulated Linode as a service: its world moves with Effect's clock, on virtual, fast or real time. */
import { Clock, Context, Effect, Layer, Queue } from "effect"
import * as snapshot from "../../linode/snapshot.ts"
import { LinodeApi } from "./linodeApi.ts"
import { LinodeCloud } from "./linodeCloud.ts"
import type { RateLimits } from "./rateLimits.ts"
import { documentedLimits } from "./rateLimits.ts"
import type { Timeline } from "./timeline.ts"
import type { CloudOptions } from "./world.ts"

export class LinodeSimulator extends Context.Service<LinodeSimulator, {
  readonly cloud: LinodeCloud
  readonly api: LinodeApi
}>()("karpenter-linode/simulator/LinodeSimulator") {}

export interface SimulatorOptions extends Partial<Omit<CloudOptions, "now">> {
  /** The documented ones without it; `"none"` lets any number of requests through. */
  readonly rateLimits?: RateLimits | "none"
}

/** Lets everything happen at its time, also while no request comes. Never ends. */
export const drive = (timeline: Timeline): Effect.Effect<never> =>
  Effect.gen(function*() {
    const changed = yield* Queue.sliding<void>(1)
    timeline.onScheduled(() => Queue.offerUnsafe(changed, undefined))
    const turn = Effect.suspend(() => {
      timeline.advance()
      const { next } = timeline
      const sooner = Queue.take(changed)
      if (next === undefined) return sooner
      return Effect.timeoutOrElse(sooner, { duration: Math.max(0, next - timeline.now()), orElse: () => Effect.void })
    })
    return yield* Effect.forever(turn)
  })

/** A Linode with Linode's own types and regions (as shipped) unless told otherwise, and no clusters yet. */
export const layer = (options: SimulatorOptions = {}): Layer.Layer<LinodeSimulator> =>
  Layer.effect(LinodeSimulator, Effect.gen(function*() {
    const { rateLimits, ...rest } = options
    const clock = yield* Clock.Clock
    const types = options.types ?? (yield* snapshot.types)
    const regions = options.regions ?? (yield* snapshot.regions)
    const cloud = new LinodeCloud({ ...rest, types, regions, now: () => clock.currentTimeMillisUnsafe() })
    const api = new LinodeApi(cloud, { rateLimits: rateLimits === "none" ? undefined : rateLimits ?? documentedLimits })
    yield* Effect.forkScoped(drive(cloud.timeline))
    return LinodeSimulator.of({ cloud, api })
  }))
