/**
 * What is known in this process of capacity buffers: the pods that they keep room for, and where the last pass of the
 * provisioner found it. A restart learns all of it anew, and until it has, no node counts as empty.
 */
import { Context, Effect, Latch } from "effect"
import type { Scope } from "effect"
import { activeCapacity, CapacityBuffers } from "../../apis/capacityBuffer.ts"
import type { CapacityBuffer } from "../../apis/capacityBuffer.ts"
import { Caches } from "../../kube/caches.ts"
import type { Pod } from "../../kube/objects.ts"
import { Settings } from "../../settings/settings.ts"

/** How the pods of one buffer fared in a pass. */
export interface Fit {
  /** On nodes that are ready. */
  readonly ready: number
  /** On nodes that are on their way, or were ordered. */
  readonly coming: number
  /** Nowhere. */
  readonly left: number
  /** What the first of those was told. */
  readonly why: string
}

/** What a pass made of all virtual pods. */
export interface Placed {
  /** By buffer, `namespace/name`. */
  readonly fits: ReadonlyMap<string, Fit>
  /** Machines that hold room for one of them, by the name they are nominated under. */
  readonly machines: ReadonlySet<string>
}

interface BufferRoomShape {
  /** The virtual pods of all buffers; the same array while they are the same. */
  readonly pods: () => ReadonlyArray<Pod>
  /** What this buffer keeps room for from now on. */
  readonly keep: (buffer: string, pods: ReadonlyArray<Pod>) => Effect.Effect<void>
  readonly forget: (buffer: string) => Effect.Effect<void>
  /** Waits until the pods are others than before. */
  readonly changed: Effect.Effect<void>
  /** A pass was made of these pods. */
  readonly place: (pods: ReadonlyArray<Pod>, placed: Placed) => Effect.Effect<void>
  readonly fitOf: (buffer: string) => Fit | undefined
  /** Calls back with each buffer that fares otherwise than before. Ends with the scope. */
  readonly subscribe: (onFit: (buffer: string) => void) => Effect.Effect<void, never, Scope.Scope>
  /** Whether the machine holds room for a buffer. Unknown while there is a buffer whose pods no pass has placed. */
  readonly holdsRoom: (machine: string) => boolean | "unknown"
}

export const nowhere: Placed = { fits: new Map(), machines: new Set() }

/** Without the feature gate there are no buffers. */
const off: BufferRoomShape = {
  pods: () => [],
  keep: () => Effect.void,
  forget: () => Effect.void,
  changed: Effect.never,
  place: () => Effect.void,
  fitOf: () => undefined,
  subscribe: () => Effect.void,
  holdsRoom: () => false
}

export const BufferRoom = Context.Reference<BufferRoomShape>("karpenter-linode/controllers/BufferRoom", {
  defaultValue: () => off
})

export const keyOf = ({ metadata: { name, namespace = "default" } }: CapacityBuffer): string => `${namespace}/${name}`

/** Buffers that are deleted, or kept in another way, are none of ours. */
export const isServed = ({ metadata, spec }: CapacityBuffer): boolean =>
  metadata.deletionTimestamp === undefined && (spec.provisioningStrategy ?? activeCapacity) === activeCapacity

/** For the controllers of one process, as the feature gate CapacityBuffer says. */
export const makeBufferRoom: Effect.Effect<BufferRoomShape, never, Caches | Settings> = Effect.gen(function*() {
  if (!(yield* Settings).featureGates.CapacityBuffer) return off
  const store = (yield* Caches).store(CapacityBuffers)
  const dirty = yield* Latch.make(false)
  const kept = new Map<string, ReadonlyArray<Pod>>()
  const subscribers = new Set<{ readonly onFit: (buffer: string) => void }>()
  let all: ReadonlyArray<Pod> = []
  let placedPods: ReadonlyArray<Pod> = all
  let last: Placed = nowhere

  const renew = Effect.suspend(() => {
    all = [...kept].toSorted(([a], [b]) => a < b ? -1 : 1).flatMap(([, pods]) => pods)
    return dirty.open
  })
  return {
    pods: () => all,
    keep: (buffer, pods) => Effect.suspend(() => {
      const isSame = JSON.stringify(kept.get(buffer) ?? []) === JSON.stringify(pods)
      kept.set(buffer, pods)
      return isSame ? Effect.void : renew
    }),
    forget: (buffer) => Effect.suspend(() => {
      const had = kept.get(buffer)?.length ?? 0
      kept.delete(buffer)
      return had === 0 ? Effect.void : renew
    }),
    changed: Effect.andThen(dirty.await, dirty.close),
    place: (pods, placed) => Effect.sync(() => {
      const before = last
      last = placed
      placedPods = pods
      for (const buffer of new Set([...before.fits.keys(), ...placed.fits.keys()])) {
        if (JSON.stringify(before.fits.get(buffer)) === JSON.stringify(placed.fits.get(buffer))) continue
        for (const { onFit } of subscribers) onFit(buffer)
      }
    }),
    fitOf: (buffer) => last.fits.get(buffer),
    subscribe: (onFit) => Effect.asVoid(Effect.acquireRelease(
      Effect.sync(() => {
        const subscriber = { onFit }
        subscribers.add(subscriber)
        return subscriber
      }),
      (subscriber) => Effect.sync(() => subscribers.delete(subscriber))
    )),
    holdsRoom: (machine) => {
      if (last.machines.has(machine)) return true
      const isPlaced = placedPods === all && store.list().every((buffer) => !isServed(buffer) || kept.has(keyOf(buffer)))
      return isPlaced ? false : "unknown"
    }
  }
})
