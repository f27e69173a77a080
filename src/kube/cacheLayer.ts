/** The caches of a controller process: one store and one reflector for each kind that controllers read. */
import { Cause, Context, Deferred, Effect, Exit, Latch, Layer, Schema } from "effect"
import type { Scope } from "effect"
import { label } from "../apis/labels.ts"
import { CapacityBuffers } from "../apis/capacityBuffer.ts"
import { LinodeNodeClasses } from "../apis/linodeNodeClass.ts"
import { NodeClaims } from "../apis/nodeClaim.ts"
import { NodeOverlays } from "../apis/nodeOverlay.ts"
import { NodePools } from "../apis/nodePool.ts"
import { Caches, index, unbound } from "./caches.ts"
import type { Store } from "./caches.ts"
import { Kube } from "./kube.ts"
import { leanNode, leanPod } from "./lean.ts"
import type { KubeObject } from "./objects.ts"
import * as observed from "./observed.ts"
import { reflect } from "./reflector.ts"
import {
  apiVersion, CSINodes, DaemonSets, Namespaces, Nodes, PersistentVolumeClaims, PersistentVolumes, PodDisruptionBudgets, Pods,
  PodTemplates, ReplicaSets, ReplicationControllers, Services, StatefulSets, StorageClasses, VolumeAttachments
} from "./resources.ts"
import type { Resource } from "./resources.ts"
import { makeStore } from "./store.ts"
import type { IndexBy, WritableStore } from "./store.ts"

/** A bug ended one of the loops that fill the caches: from now on they would lie, so the process must end. */
export class CacheLoopDied extends Schema.TaggedError<CacheLoopDied>()("CacheLoopDied", {
  kind: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `the watch loop of ${this.kind} died: ${this.detail}`
  }
}

/** The loops behind the caches. `join` never returns: it fails when one of them died. */
export class CacheLoops extends Context.Service<CacheLoops, {
  readonly join: Effect.Effect<never, CacheLoopDied>
}>()("karpenter-linode/kube/CacheLoops") {}

/**
 * Whether what selects pods is cached too: Services, and the controllers of pods. Only default topology spread needs to know
 * them, and a cluster has many of them.
 */
export const CacheSelectors = Context.Reference<boolean>("karpenter-linode/kube/CacheSelectors", { defaultValue: () => false })

/** Kinds that are cached only where a feature needs them: their CRDs may not be installed. */
export const CacheFeatures = Context.Reference<{ readonly nodeOverlays: boolean; readonly capacityBuffers: boolean }>(
  "karpenter-linode/kube/CacheFeatures", { defaultValue: () => ({ nodeOverlays: false, capacityBuffers: false }) }
)

type Run = <A extends KubeObject>(
  resource: Resource<A>,
  indexes?: Readonly<Record<string, IndexBy<A>>>,
  trim?: (object: A) => A
) => Effect.Effect<void, never, Scope.Scope>

const everyKind = Effect.fnUntraced(function*(run: Run) {
  yield* run(Pods, {
    [index.podNode]: (pod) => pod.spec.nodeName,
    [index.podUnbound]: (pod) => (pod.spec.nodeName ?? "") === "" ? unbound : undefined
  }, leanPod)
  yield* run(Nodes, { [index.nodeProviderID]: (node) => node.spec?.providerID }, leanNode)
  yield* run(NodeClaims, {
    [index.claimProviderID]: (claim) => claim.status?.providerID,
    [index.claimNodeName]: (claim) => claim.status?.nodeName,
    [index.claimNodePool]: (claim) => claim.metadata.labels?.[label.nodePool],
    [index.nodeClass]: (claim) => claim.spec.nodeClassRef.name
  })
  yield* run(NodePools, { [index.nodeClass]: (pool) => pool.spec.template.spec.nodeClassRef.name })
  yield* run(LinodeNodeClasses)
  yield* run(DaemonSets)
  yield* run(PodDisruptionBudgets)
  yield* run(Namespaces)
  yield* run(PersistentVolumeClaims)
  yield* run(PersistentVolumes)
  yield* run(StorageClasses)
  yield* run(CSINodes)
  yield* run(VolumeAttachments, { [index.attachmentNode]: (attachment) => attachment.spec.nodeName })
  const features = yield* CacheFeatures
  if (features.nodeOverlays) yield* run(NodeOverlays)
  if (features.capacityBuffers) {
    yield* run(CapacityBuffers)
    yield* run(PodTemplates)
  }
  if (!(yield* CacheSelectors)) return
  yield* run(Services)
  yield* run(ReplicationControllers)
  yield* run(ReplicaSets)
  yield* run(StatefulSets)
})

const nameOf = (resource: Resource<never> | Resource): string => `${apiVersion(resource)}/${resource.plural}`

/** Lists and watches from the moment it is built; needs the right to list and watch every kind above. */
export const layerCaches: Layer.Layer<Caches | CacheLoops, never, Kube> = Layer.effectContext(Effect.gen(function*() {
  const kube = yield* Kube
  const stores = new Map<string, WritableStore<never>>()
  const latches: Array<Latch.Latch> = []
  const died = yield* Deferred.make<never, CacheLoopDied>()

  yield* everyKind(Effect.fnUntraced(function*(resource, indexes, trim) {
    const store = makeStore(resource, indexes, trim)
    const latch = yield* Latch.make(false)
    stores.set(nameOf(resource), store as unknown as WritableStore<never>)
    latches.push(latch)
    yield* reflect(kube, store, latch.open).pipe(
      Effect.onExit((exit) => Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)
        ? Effect.void
        : Deferred.fail(died, new CacheLoopDied({ kind: resource.kind, detail: Cause.pretty(exit.cause) }))),
      Effect.forkScoped
    )
  }))
  const storeOf = <A extends KubeObject>(resource: Resource<A>): WritableStore<A> | undefined =>
    stores.get(nameOf(resource)) as unknown as WritableStore<A> | undefined

  return Context.make(CacheLoops, { join: Deferred.await(died) }).pipe(Context.add(Caches, {
    store: <A extends KubeObject>(resource: Resource<A>): Store<A> => {
      const store = storeOf(resource)
      if (store === undefined) throw new Error(`${nameOf(resource)} is not cached`)
      return store
    },
    synced: Effect.forEach(latches, (latch) => latch.await, { discard: true }),
    observe: (resource, object) => Effect.sync(() => storeOf(resource)?.observe(object))
  }))
}))

/** What controllers stand on: the caches over the given Kube, and a Kube that shows them its writes. */
export const layer: Layer.Layer<Kube | Caches | CacheLoops, never, Kube> = observed.layer.pipe(Layer.provideMerge(layerCaches))
