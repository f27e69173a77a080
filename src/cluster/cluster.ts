/** What is out there, put together from the caches: nodes with their claims and pods, nominations. */
import { Context } from "effect"
import type { Duration, Effect } from "effect"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Node, Pod, ResourceList, Taint } from "../kube/objects.ts"

/** A machine as Kubernetes and Karpenter know it: a Node, a NodeClaim, or both (Karpenter's state/statenode.go). */
export interface StateNode {
  /** The Node's name, known from the claim before the node joins; the claim's own name while it is not. */
  readonly name: string
  readonly node: Node | undefined
  readonly claim: NodeClaim | undefined
  readonly nodePool: string | undefined
  readonly registered: boolean
  readonly initialized: boolean
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  /** Without what a young node loses by itself. */
  readonly taints: ReadonlyArray<Taint>
  readonly capacity: ResourceList
  /** What it takes from its NodePool's limits: its capacity, and the most that it may become until Linode has said what it is. */
  readonly charge: ResourceList
  readonly allocatable: ResourceList
  /** Bound to it and not ended. */
  readonly pods: ReadonlyArray<Pod>
  /** It is being deleted, or will be as soon as its replacements are there. */
  readonly markedForDeletion: boolean
  /** A pending pod was promised room here a moment ago. */
  readonly nominated: boolean
}

export class Cluster extends Context.Service<Cluster, {
  /** Every machine, in-flight claims included, by name. Built anew from the caches at each call. */
  readonly nodes: Effect.Effect<ReadonlyArray<StateNode>>
  /** Remembers for a while that a pending pod was promised room on this machine (name of the claim, else of the node). */
  readonly nominate: (name: string, window: Duration.Input) => Effect.Effect<void>
  /**
   * Runs alone among all that judge what limits leave and buy by it, so that two of them never take the same room: each sees the
   * claims of those before it. (NodePools of a fixed size have places instead: see controllers/static/places.ts.)
   */
  readonly alone: <A, E, R>(purchase: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Resolves when the caches have been filled once. */
  readonly synced: Effect.Effect<void>
}>()("karpenter-linode/cluster/Cluster") {}
