/**
 * The Linode API as a service, in the words of this program. `linode/live.ts` implements it over @linode/api-v4; tests
 * and the demo run that same layer against the simulator.
 *
 * Reads are retried inside (they are safe); a change is sent exactly once per call, and its error says whether it may
 * have been carried out. Lists are complete: every page or an error.
 *
 * A token that is refused is not tried by everybody: all who ask are given the same error, and now and then one is let
 * through to ask anew.
 */
import { Context } from "effect"
import type { Effect } from "effect"
import type { LinodeError } from "./linodeError.ts"
import type {
  AccountEvent, Availability, Cluster, Firewall, Image, Instance, LinodeType, Maintenance, NewInstance, NewPool, PlacementGroup,
  Pool, PoolChange, Quota, Region
} from "./models.ts"

export class Linode extends Context.Service<Linode, {
  /** What Linode has against the token: wrong, or without a scope that it must have. Asks nothing. */
  readonly tokenRefused: Effect.Effect<LinodeError | undefined>
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
  /** Every instance that is a node of the LKE cluster. */
  readonly clusterInstances: (cluster: number) => Effect.Effect<ReadonlyArray<Instance>, LinodeError>
  /** The instances of the account that carry exactly this label: one, or none. */
  readonly instancesByLabel: (label: string) => Effect.Effect<ReadonlyArray<Instance>, LinodeError>
  /**
   * Makes a Linode and boots it. A label that another Linode of the account has is refused by Validation of the field `label`.
   * It is sent within 15 seconds or, RateLimited, not at all.
   */
  readonly createInstance: (instance: NewInstance) => Effect.Effect<Instance, LinodeError>
  readonly deleteInstance: (id: number) => Effect.Effect<void, LinodeError>
  /** Replaces all of its tags. */
  readonly tagInstance: (id: number, tags: ReadonlyArray<string>) => Effect.Effect<Instance, LinodeError>
  /** What is planned or under way for anything of the account. Needs the scope `account:read_only`. */
  readonly maintenance: Effect.Effect<ReadonlyArray<Maintenance>, LinodeError>
  /** Events of these actions since a moment (milliseconds since 1970). Needs the scope `events:read_only`. */
  readonly events: (actions: ReadonlyArray<string>, since: number) => Effect.Effect<ReadonlyArray<AccountEvent>, LinodeError>
  /** Needs the scope `firewall:read_only`. */
  readonly firewall: (id: number) => Effect.Effect<Firewall, LinodeError>
  readonly placementGroup: (id: number) => Effect.Effect<PlacementGroup, LinodeError>
  /** Needs the scope `images:read_only` for private images. */
  readonly image: (id: string) => Effect.Effect<Image, LinodeError>
  /** What the account may have of Linodes or of LKE's things at most. Needs the scope `account:read_only`. */
  readonly quotas: (service: "linode" | "lke") => Effect.Effect<ReadonlyArray<Quota>, LinodeError>
}>()("karpenter-linode/linode/Linode") {}
