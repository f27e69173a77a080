/** What there is at the simulated Linode: plain values, changed only by `LinodeCloud`. */
import type { LinodeType, Region } from "../../linode/models.ts"
import type { AccountOptions } from "./account.ts"
import type { Range } from "./chance.ts"

export type Tier = "standard" | "enterprise"

export interface SimulatedCluster {
  readonly id: number
  readonly label: string
  readonly region: string
  readonly tier: Tier
  readonly k8sVersion: string
  readonly createdAt: number
}

export interface SimulatedTaint {
  readonly key: string
  readonly value: string
  readonly effect: string
}

export interface SimulatedPool {
  readonly id: number
  readonly clusterId: number
  readonly type: string
  /** What the owner asked for; for a while there may be fewer nodes (enterprise tier). */
  count: number
  labels: Readonly<Record<string, string>>
  taints: ReadonlyArray<SimulatedTaint>
  tags: ReadonlyArray<string>
  firewallId: number | undefined
  k8sVersion: string
  updateStrategy: string
  readonly nodes: Array<LkeNode>
  /** False while an enterprise pool has no nodes yet. */
  populated: boolean
  deleted: boolean
}

/**
 * A machine that becomes a Kubernetes node: LKE's, in a pool, or a Linode that was bought by itself and has neither pool nor
 * cluster.
 */
export interface SimulatedNode {
  /** `<pool>-<12 hex>`, as the API tells it; the label of a Linode by itself. */
  readonly id: string
  /** `lke<cluster>-<id>`: the name of the Kubernetes node and the label of the instance. */
  readonly name: string
  readonly poolId: number | undefined
  readonly clusterId: number | undefined
  readonly type: string
  readonly region: string
  readonly createdAt: number
  instanceId: number | undefined
  status: "not_ready" | "ready"
  deletedAt: number | undefined
}

export interface LkeNode extends SimulatedNode {
  readonly poolId: number
  readonly clusterId: number
}

export interface SimulatedInstance {
  readonly id: number
  readonly label: string
  readonly type: string
  readonly region: string
  readonly createdAt: number
  readonly clusterId: number | undefined
  readonly image: string | undefined
  /** Decoded. */
  readonly userData: string | undefined
  readonly firewallId: number | undefined
  readonly placementGroupId: number | undefined
  status: string
  tags: ReadonlyArray<string>
}

/** One node that was ever paid for. Times in milliseconds of the simulation's clock. */
export interface Purchase {
  /** The id of the node. */
  readonly node: string
  /** The name of the Kubernetes node. */
  readonly name: string
  /** Of a node of LKE. */
  readonly pool: number | undefined
  readonly cluster: number | undefined
  readonly type: string
  /** USD an hour in its region. */
  readonly hourlyPrice: number
  /** It was there from the start (a cluster's system pool): nobody bought it during the simulation. */
  readonly seeded: boolean
  readonly createdAt: number
  deletedAt: number | undefined
}

/**
 * What a kubelet or a picture of the cloud wants to know, in this order per node: created, its instance known, its
 * instance running, ready (LKE's node has joined, another's user data is being carried out), deleted, its instance gone. A
 * deleted node gets none of the earlier ones after that. One whose instance stops is running and ready again when it was
 * booted.
 */
export interface CloudEvent {
  readonly kind:
    | "NodeCreated" | "InstanceAssigned" | "InstanceRunning" | "InstanceStopped" | "NodeReady" | "NodeDeleted" | "InstanceGone"
  readonly at: number
  readonly node: SimulatedNode
  /** Of a node of LKE. */
  readonly pool: SimulatedPool | undefined
  readonly cluster: SimulatedCluster | undefined
}

/** How long each step takes, in milliseconds, drawn from the seed between both ends. */
export interface Delays {
  /** From the node to its instance: `instance_id` is null until then. */
  readonly assign: Range
  /** From the instance to its booting. */
  readonly boot: Range
  /** From booting to running. */
  readonly run: Range
  /** From running to a node that has joined and is ready, or to user data that has come to its end. */
  readonly join: Range
  /** From an enterprise pool to its nodes. */
  readonly populate: Range
  /** From a node's deletion to the end of its instance. */
  readonly vanish: Range
}

/** What LKE was seen to take: a minute and a half from the request to a registered node. */
export const usualDelays: Delays = {
  assign: [1_000, 5_000],
  boot: [5_000, 10_000],
  run: [10_000, 20_000],
  join: [30_000, 50_000],
  populate: [30_000, 60_000],
  vanish: [2_000, 10_000]
}

export interface CloudOptions extends AccountOptions {
  /** Milliseconds; never goes back. */
  readonly now: () => number
  readonly types: ReadonlyArray<LinodeType>
  readonly regions: ReadonlyArray<Region>
  readonly seed?: number
  readonly delays?: Partial<Delays>
  /** The tokens that are accepted; `simulated-token` without it. */
  readonly tokens?: ReadonlyArray<string>
  /** The most Linodes that the account may have. */
  readonly accountLimit?: number
}

/** The reply to a request that the API turns down. */
export class Refusal extends Error {
  readonly status: number
  readonly field: string | undefined

  constructor(status: number, reason: string, field?: string) {
    super(reason)
    this.status = status
    this.field = field
  }
}
