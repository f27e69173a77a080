/** Pods that no node can take lead to NodeClaims: triggers fill a batch, each batch is one pass, for ever. */
import { Effect } from "effect"
import type { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { done, runSingleton } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { BufferRoom } from "../capacitybuffer/bufferRoom.ts"
import { Settings } from "../../settings/settings.ts"
import { makeBatcher } from "./batcher.ts"
import { makePass } from "./pass.ts"
import { runTriggers } from "./triggers.ts"

export type ProvisionerServices = Caches | CloudProvider | Cluster | Kube | Metrics | Recorder | Settings

/** Runs the provisioner until it is interrupted. */
export const provisioner: Effect.Effect<never, never, ProvisionerServices> = Effect.gen(function*() {
  const cluster = yield* Cluster
  const settings = yield* Settings
  const batcher = yield* makeBatcher({ idle: settings.batchIdleDuration, max: settings.batchMaxDuration })
  const pass = yield* makePass
  const passes = runSingleton({
    name: "provisioner",
    backoff: { base: "100 millis", max: "10 seconds" },
    reconcile: batcher.wait.pipe(Effect.andThen(cluster.synced), Effect.andThen(pass.run), Effect.as(done))
  })
  const room = yield* BufferRoom
  const lookAfterBuffers = batcher.trigger("capacity buffers")
  const others = Effect.forever(Effect.andThen(room.changed, lookAfterBuffers))
  // Pods that come take the room of buffers without anybody asking.
  const again = Effect.suspend(() => room.pods().length > 0 ? lookAfterBuffers : Effect.void).pipe(
    Effect.delay("30 seconds"), Effect.forever
  )
  const loops = [passes, runTriggers(batcher), others, again]
  return yield* Effect.all(loops, { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
})
