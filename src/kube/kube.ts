/**
 * The API server as a service. Two layers implement it: `kube/live.ts` (a real server) and `kube/memory/` (one in this
 * process); `test/contract/` holds both to the same behaviour.
 *
 * Objects go in and out as plain JSON. Reads go to the server; code that runs often reads from `Caches` instead.
 */
import { Context } from "effect"
import type { Effect, Stream } from "effect"
import type { KubeError } from "./kubeError.ts"
import type { KubeObject, Ref } from "./objects.ts"
import type { Resource } from "./resources.ts"

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** Page size. The reply's `continue` asks for the next page. */
  readonly limit?: number
  readonly continue?: string
}

export interface ObjectList<A> {
  readonly resourceVersion: string
  readonly continue?: string
  readonly items: ReadonlyArray<A>
}

/**
 * `merge` replaces what it names (RFC 7386; lists as a whole), `json` is RFC 6902, `strategic` merges Kubernetes' keyed
 * lists and is refused by the server for custom resources.
 */
export type PatchKind = "merge" | "json" | "strategic"

export interface PatchOptions {
  readonly kind: PatchKind
  readonly subresource?: "status" | "scale"
}

export interface DeleteOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly gracePeriodSeconds?: number
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan"
}

export interface EvictOptions {
  /** Evict only this very pod, never a later one of the same name. */
  readonly uid?: string
  readonly gracePeriodSeconds?: number
}

export type WatchEvent<A> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: A }
  /** Nothing happened up to this version. */
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string }

export interface WatchOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  /** From a list or an earlier event: every later change is delivered. */
  readonly resourceVersion: string
}

export class Kube extends Context.Service<Kube, {
  /** What the server calls its version: `v1.36.3`, or `v1.36.3+k3s1`. */
  readonly serverVersion: Effect.Effect<string, KubeError>
  readonly get: <A extends KubeObject>(resource: Resource<A>, ref: Ref) => Effect.Effect<A, KubeError>
  /** One page (all of it when no `limit` is given). Items carry `apiVersion` and `kind`. */
  readonly list: <A extends KubeObject>(resource: Resource<A>, options?: ListOptions) => Effect.Effect<ObjectList<A>, KubeError>
  readonly create: <A extends KubeObject>(resource: Resource<A>, object: A) => Effect.Effect<A, KubeError>
  /** Replaces the object. With a resourceVersion in it a stale one fails with Conflict. */
  readonly update: <A extends KubeObject>(resource: Resource<A>, object: A) => Effect.Effect<A, KubeError>
  readonly updateStatus: <A extends KubeObject>(resource: Resource<A>, object: A) => Effect.Effect<A, KubeError>
  /** With `metadata.resourceVersion` in a merge patch a stale one fails with Conflict. */
  readonly patch: <A extends KubeObject>(resource: Resource<A>, ref: Ref, patch: unknown, options: PatchOptions) => Effect.Effect<A, KubeError>
  /** Starts deletion: an object with finalizers (or a pod with a grace period) stays, with a deletionTimestamp. */
  readonly delete: <A extends KubeObject>(resource: Resource<A>, ref: Ref, options?: DeleteOptions) => Effect.Effect<void, KubeError>
  /** The Eviction API: fails with DisruptionBlocked where a PodDisruptionBudget says no. */
  readonly evict: (pod: Ref, options?: EvictOptions) => Effect.Effect<void, KubeError>
  /**
   * Changes after a version, in order. Ends when the server closes the connection (watch again from the last version
   * seen); fails with Expired when that version is too old (list again).
   */
  readonly watch: <A extends KubeObject>(resource: Resource<A>, options: WatchOptions) => Stream.Stream<WatchEvent<A>, KubeError>
}>()("karpenter-linode/kube/Kube") {}
