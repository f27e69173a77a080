/**
 * `capacitybuffer`: works out for which pods each CapacityBuffer keeps room, and says on it how that goes (Karpenter's
 * capacitybuffer). The provisioner buys nodes for them as for pending pods, and emptiness leaves those nodes alone.
 */
import { Effect } from "effect"
import { CapacityBuffers } from "../../apis/capacityBuffer.ts"
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import { PodTemplates } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Trigger } from "../../runtime/controller.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { Settings } from "../../settings/settings.ts"
import { reportTransitions } from "../transitions.ts"
import { BufferRoom, isServed, keyOf } from "./bufferRoom.ts"
import { resolve } from "./resolve.ts"
import { bufferSize } from "./size.ts"
import { judged } from "./status.ts"
import { virtualPods } from "./virtualPods.ts"

/** Workloads scale without anybody telling. */
const lookEvery = "30 seconds"

const write = Effect.fnUntraced(function*(before: CapacityBuffer, after: CapacityBuffer) {
  if (after === before) return
  const kube = yield* Kube
  const { podTemplateGeneration = null, podTemplateRef = null, ...status } = after.status ?? {}
  yield* kube.patch(CapacityBuffers, before.metadata, {
    metadata: { resourceVersion: before.metadata.resourceVersion },
    status: { ...status, podTemplateRef, podTemplateGeneration }
  }, { kind: "merge", subresource: "status" }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  yield* reportTransitions(before, after, ["ReadyForProvisioning", "Provisioning"])
})

const run: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const room = yield* BufferRoom
  const buffers = caches.store(CapacityBuffers)
  const onFit: Trigger = {
    attach: (add) => room.subscribe((key) => {
      const [namespace = "", name = ""] = key.split("/")
      add({ namespace, name })
    })
  }
  return yield* runController({
    name: "capacitybuffer",
    kind: CapacityBuffers,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(buffers, (change) => change.type === "deleted" || change.previous === undefined ||
        change.previous.metadata.generation !== change.object.metadata.generation ||
        change.object.metadata.deletionTimestamp !== undefined),
      onOther(caches.store(PodTemplates), ({ object: { metadata: { name, namespace } } }) => buffers.list()
        .filter(({ metadata, spec }) => spec.podTemplateRef?.name === name && metadata.namespace === namespace)
        .map(({ metadata }) => metadata)),
      onFit
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const buffer = buffers.get(ref)
      if (buffer === undefined || !isServed(buffer)) {
        yield* room.forget(`${ref.namespace}/${ref.name}`)
        return done
      }
      const key = keyOf(buffer)
      const resolution = yield* resolve(buffer)
      const count = resolution.is === "resolved" ? bufferSize(buffer.spec, resolution.template.spec, resolution.own) : 0
      if (resolution.is === "resolved") yield* room.keep(key, virtualPods(buffer, resolution.template, count))
      // What cannot be read for the moment keeps the room that it has.
      else if (resolution.error?.reason._tag !== "Unavailable") yield* room.keep(key, [])
      yield* write(buffer, judged(buffer, resolution, count, room.fitOf(key), yield* isoNow))
      if (resolution.is === "failed" && resolution.error !== undefined) return yield* resolution.error
      return requeueAfter(lookEvery)
    })
  })
})

/** Runs until it is interrupted; does nothing while the feature gate CapacityBuffer is off. */
export const capacityBuffer = Effect.flatMap(Settings, ({ featureGates }) => featureGates.CapacityBuffer ? run : Effect.never)
