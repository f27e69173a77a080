/**
 * What the controllers know of the cluster: one store per kind, fed by list and watch.
 *
 * A store is never half a list, and it has seen a write of ours as soon as the write returned (`observe`). Its content
 * may be older than the server's all the same: write with a resourceVersion where that matters.
 */
import { Context } from "effect"
import type { Effect, Scope } from "effect"
import type { KubeObject, Ref } from "./objects.ts"
import type { Resource } from "./resources.ts"

export type Change<A> =
  | { readonly type: "applied"; readonly object: A; readonly previous: A | undefined }
  | { readonly type: "deleted"; readonly object: A }

export interface Store<A extends KubeObject> {
  readonly resource: Resource<A>
  readonly get: (ref: Ref) => A | undefined
  /** In no particular order; the array is shared, do not change it. */
  readonly list: () => ReadonlyArray<A>
  /** The objects for which the named index gives `value`. */
  readonly by: (index: string, value: string) => ReadonlyArray<A>
  readonly synced: () => boolean
  /**
   * Calls back on every change, synchronously and after the store has changed; first for every object already there.
   * The callback must not throw and must be quick: it runs inside the watch loop. Ends with the scope.
   */
  readonly subscribe: (onChange: (change: Change<A>) => void) => Effect.Effect<void, never, Scope.Scope>
}

export class Caches extends Context.Service<Caches, {
  /** The store of a kind. Asking for a kind that is not cached is a defect. */
  readonly store: <A extends KubeObject>(resource: Resource<A>) => Store<A>
  /** Resolves when every store has been listed once. */
  readonly synced: Effect.Effect<void>
  /** Tells the store of an object that the server just returned, unless it knows a newer one. */
  readonly observe: <A extends KubeObject>(resource: Resource<A>, object: A) => Effect.Effect<void>
}>()("karpenter-linode/kube/Caches") {}

/** Names of the indexes that the stores keep. */
export const index = {
  /** Pods by `spec.nodeName`. */
  podNode: "spec.nodeName",
  /** Pods without a node, under `unbound`: few, where pods are many. */
  podUnbound: "spec.nodeName=",
  /** Nodes by `spec.providerID`. */
  nodeProviderID: "spec.providerID",
  /** NodeClaims by `status.providerID`. */
  claimProviderID: "status.providerID",
  /** NodeClaims by `status.nodeName`, known before the node joins. */
  claimNodeName: "status.nodeName",
  /** NodeClaims by the label `karpenter.sh/nodepool`. */
  claimNodePool: "nodepool",
  /** NodeClaims and NodePools by the name in their nodeClassRef. */
  nodeClass: "nodeClassRef.name",
  /** VolumeAttachments by the node that the volume is attached to. */
  attachmentNode: "volumeattachment.spec.nodeName"
} as const

/** The value of `index.podUnbound`. */
export const unbound = "unbound"
