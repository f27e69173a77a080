/**
 * Linode's objects as this program reads them. Every reply is decoded: a malformed one is a typed error.
 * Only what is used is named; Linode may add fields at any time.
 */
import { Schema } from "effect"
import type { Redacted } from "effect"

export const Price = Schema.Struct({ hourly: Schema.NullOr(Schema.Finite), monthly: Schema.NullOr(Schema.Finite) })

export const LinodeType = Schema.Struct({
  id: Schema.String,
  label: Schema.String,
  class: Schema.String,
  vcpus: Schema.Int,
  /** MiB */
  memory: Schema.Int,
  /** MiB */
  disk: Schema.Int,
  gpus: Schema.Int,
  accelerated_devices: Schema.optional(Schema.NullOr(Schema.Int)),
  /** GB a month */
  transfer: Schema.Int,
  /** Mbit/s */
  network_out: Schema.Int,
  price: Price,
  region_prices: Schema.Array(Schema.Struct({ id: Schema.String, ...Price.fields })),
  successor: Schema.optional(Schema.NullOr(Schema.String))
})
export type LinodeType = typeof LinodeType.Type

export const Region = Schema.Struct({
  id: Schema.String,
  label: Schema.String,
  country: Schema.String,
  capabilities: Schema.Array(Schema.String),
  status: Schema.String,
  site_type: Schema.optional(Schema.String)
})
export type Region = typeof Region.Type

/** A plan that a region restricts. A plan without a row is not restricted. */
export const Availability = Schema.Struct({ region: Schema.String, plan: Schema.String, available: Schema.Boolean })
export type Availability = typeof Availability.Type

export const Cluster = Schema.Struct({
  id: Schema.Int,
  label: Schema.String,
  region: Schema.String,
  k8s_version: Schema.String,
  /** Absent on v4; `standard` or `enterprise` on v4beta. */
  tier: Schema.optional(Schema.String),
  status: Schema.optional(Schema.String)
})
export type Cluster = typeof Cluster.Type

export const PoolNode = Schema.Struct({
  /** `<pool>-<12 hex>`; the Kubernetes node is called `lke<cluster>-<id>`. */
  id: Schema.String,
  /** Null for a while after the node was asked for. */
  instance_id: Schema.NullOr(Schema.Int),
  status: Schema.String
})
export type PoolNode = typeof PoolNode.Type

export const PoolTaint = Schema.Struct({ key: Schema.String, value: Schema.optional(Schema.String), effect: Schema.String })

export const Pool = Schema.Struct({
  id: Schema.Int,
  type: Schema.String,
  count: Schema.Int,
  nodes: Schema.Array(PoolNode),
  tags: Schema.Array(Schema.String),
  labels: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.String))),
  taints: Schema.optional(Schema.NullOr(Schema.Array(PoolTaint))),
  k8s_version: Schema.optional(Schema.NullOr(Schema.String)),
  firewall_id: Schema.optional(Schema.NullOr(Schema.Int))
})
export type Pool = typeof Pool.Type

export const Instance = Schema.Struct({
  id: Schema.Int,
  label: Schema.String,
  type: Schema.NullOr(Schema.String),
  region: Schema.String,
  /** Open: Linode adds states. */
  status: Schema.String,
  /** UTC without a zone suffix. */
  created: Schema.String,
  tags: Schema.Array(Schema.String),
  lke_cluster_id: Schema.optional(Schema.NullOr(Schema.Int)),
  image: Schema.optional(Schema.NullOr(Schema.String))
})
export type Instance = typeof Instance.Type

/** What Linode plans to do, or does, to a machine's host or to the machine. An entry goes when it is over. */
export const Maintenance = Schema.Struct({
  entity: Schema.Struct({ id: Schema.Int, type: Schema.String }),
  /** Open: `reboot`, `cold_migration`, `live_migration`, `migrate`, `power_off_on`, `volume_migration`. */
  type: Schema.String,
  /** Open: `pending`, `scheduled`, `started`, `in_progress`, `completed`, `canceled`. */
  status: Schema.String,
  reason: Schema.optional(Schema.NullOr(Schema.String)),
  /** When it begins, UTC without a zone suffix; null while Linode has not said. */
  when: Schema.NullOr(Schema.String),
  start_time: Schema.optional(Schema.NullOr(Schema.String)),
  not_before: Schema.optional(Schema.NullOr(Schema.String))
})
export type Maintenance = typeof Maintenance.Type

export const AccountEvent = Schema.Struct({
  id: Schema.Int,
  /** Open: `host_reboot`, `linode_migrate`, `linode_poweroff_on` and a hundred more. */
  action: Schema.String,
  /** Open: `scheduled`, `started`, `finished`, `failed`, `canceled`, `notification`. */
  status: Schema.String,
  /** UTC without a zone suffix. */
  created: Schema.String,
  /** Some kinds of things are named, not numbered. */
  entity: Schema.NullOr(Schema.Struct({ id: Schema.Union([Schema.Int, Schema.String, Schema.Null]), type: Schema.String })),
  message: Schema.optional(Schema.NullOr(Schema.String)),
  description: Schema.optional(Schema.NullOr(Schema.String)),
  /** `platform` or `user`. */
  source: Schema.optional(Schema.NullOr(Schema.String)),
  start_time: Schema.optional(Schema.NullOr(Schema.String)),
  not_before: Schema.optional(Schema.NullOr(Schema.String))
})
export type AccountEvent = typeof AccountEvent.Type

export const Firewall = Schema.Struct({ id: Schema.Int, label: Schema.String, status: Schema.String })
export type Firewall = typeof Firewall.Type

export const PlacementGroup = Schema.Struct({
  id: Schema.Int,
  label: Schema.String,
  region: Schema.String,
  placement_group_type: Schema.String,
  placement_group_policy: Schema.String,
  members: Schema.Array(Schema.Struct({ linode_id: Schema.Int }))
})
export type PlacementGroup = typeof PlacementGroup.Type

export const Image = Schema.Struct({
  id: Schema.String,
  label: Schema.NullOr(Schema.String),
  deprecated: Schema.Boolean,
  /** Open: `creating`, `pending_upload`, `available`. */
  status: Schema.optional(Schema.NullOr(Schema.String))
})
export type Image = typeof Image.Type

/** The most that the account may have of something. */
export const Quota = Schema.Struct({
  quota_id: Schema.String,
  quota_name: Schema.String,
  quota_limit: Schema.Finite,
  resource_metric: Schema.String,
  region_applied: Schema.optional(Schema.NullOr(Schema.String))
})
export type Quota = typeof Quota.Type

/** What a new pool is made of. Absent fields are not sent. */
export interface NewPool {
  readonly type: string
  readonly count: number
  readonly labels: Readonly<Record<string, string>>
  readonly taints: ReadonlyArray<{ readonly key: string; readonly value: string; readonly effect: string }>
  readonly tags: ReadonlyArray<string>
  /** Enterprise only. */
  readonly firewall_id?: number
  readonly k8s_version?: string
  readonly update_strategy?: "on_recycle" | "rolling_update"
}

export interface PoolChange {
  readonly count?: number
  readonly tags?: ReadonlyArray<string>
}

/** What a new Linode is made of. Absent fields are not sent. */
export interface NewInstance {
  /** 3 to 64 characters; no two Linodes of an account have the same: a second creation is refused by the field `label`. */
  readonly label: string
  readonly region: string
  readonly type: string
  readonly image: string
  readonly tags: ReadonlyArray<string>
  readonly root_pass: Redacted.Redacted
  /** Plain text; encoded on the way. */
  readonly user_data: Redacted.Redacted
  readonly authorized_keys?: ReadonlyArray<string>
  readonly authorized_users?: ReadonlyArray<string>
  readonly backups_enabled?: boolean
  readonly disk_encryption?: "enabled" | "disabled"
  /** MiB */
  readonly swap_size?: number
  /** Of Linodes with `legacy_config` interfaces alone. */
  readonly firewall_id?: number
  /** The account's own where it is absent. */
  readonly interface_generation?: "legacy_config"
  readonly placement_group?: { readonly id: number; readonly compliant_only?: boolean }
}
