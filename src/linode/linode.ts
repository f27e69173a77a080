/**
 * The Linode API as a service, in the words of this program. `linode/live.ts` implements it over @linode/api-v4; tests
 * and the demo run that same layer against the simulator.
 *
 * Reads are retried inside (they are safe); a change is sent exactly once per call, and its error says whether it may
 * have been carried out. Lists are complete: every page or an error.
 */
import { Context } from "effect"
import type { Effect } from "effect"
import type { LinodeError } from "./linodeError.ts"
import type { Availability, Cluster, Instance, LinodeType, NewPool, Pool, PoolChange, Region } from "./models.ts"

export class Linode extends Context.Service<Linode, {
  readonly types: Effect.Effect<ReadonlyArray<LinodeType>, LinodeError>
  readonly regions: Effect.Effect<ReadonlyArray<Region>, LinodeError>
  readonly availability: (region: string) => Effect.Effect<ReadonlyArray<Availability>, LinodeError>
  /** The clusters that carry exactly this label. */
  readonly clustersByLabel: (label: string) => Effect.Effect<ReadonlyArray<Cluster>, LinodeError>
  readonly cluster: (id: number) => Effect.Effect<Cluster, LinodeError>
  readonly pools: (cluster: number) => Effect.Effect<ReadonlyArray<Pool>, LinodeError>
  readonly pool: (cluster: number, pool: number) => Effect.Effect<Pool, LinodeError>
  readonly createPool: (cluster: number, pool: NewPool) => Effect.Effect<Pool, LinodeError>
  readonly updatePool: (cluster: number, pool: number, change: PoolChange) => Effect.Effect<Pool, LinodeError>
  readonly deletePool: (cluster: number, pool: number) => Effect.Effect<void, LinodeError>
  /** Deletes the node and lowers the pool's count by one. */
  readonly deleteNode: (cluster: number, node: string) => Effect.Effect<void, LinodeError>
  readonly instance: (id: number) => Effect.Effect<Instance, LinodeError>
  /** Every instance of the account that carries all these tags (all instances when none is given). */
  readonly instances: (tags: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Instance>, LinodeError>
}>()("karpenter-linode/linode/Linode") {}
