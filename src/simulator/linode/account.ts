/** What an account has beside its Linodes and clusters: firewalls, placement groups, images, events, planned maintenance. */
import type { AccountEvent, Firewall, Image, Maintenance, PlacementGroup, Quota } from "../../linode/models.ts"

export interface SimulatedMaintenance {
  readonly instanceId: number
  readonly type: string
  readonly reason: string
  /** When it begins. */
  readonly at: number
  status: "scheduled" | "started"
}

export interface SimulatedEvent {
  readonly id: number
  readonly action: string
  status: "scheduled" | "started" | "finished" | "canceled"
  readonly instanceId: number
  readonly label: string
  readonly createdAt: number
  readonly source: "platform" | "user"
  readonly message: string
  /** When it begins, where it is planned. */
  readonly at: number | undefined
}

export type InterfaceGeneration = "legacy_config" | "linode"

export interface AccountOptions {
  /** What new Linodes get that do not say it: Linode's newer interfaces, or a configuration's. Without it the latter. */
  readonly interfaces?: InterfaceGeneration
  /** The firewalls of the account; any id passes without it. */
  readonly firewalls?: ReadonlyArray<number>
  readonly placementGroups?: ReadonlyArray<PlacementGroup>
  /** Linode's own without it. */
  readonly images?: ReadonlyArray<Image>
  readonly quotas?: ReadonlyArray<Quota>
}

const linodes = ["ubuntu22.04", "ubuntu24.04", "ubuntu26.04", "debian12", "debian13"]
const publicImages: ReadonlyArray<Image> = linodes.map((name) => (
  { id: `linode/${name}`, label: name, deprecated: false, status: "available" }
))

/** UTC without a zone suffix. */
const time = (millis: number): string => new Date(millis).toISOString().slice(0, 19)

export class SimulatedAccount {
  readonly interfaces: InterfaceGeneration
  readonly images: Map<string, Image>
  readonly placementGroups: Map<number, PlacementGroup>
  readonly quotas: Array<Quota>
  readonly maintenances: Array<SimulatedMaintenance> = []
  readonly events: Array<SimulatedEvent> = []
  private readonly firewalls: Set<number> | undefined
  private lastEvent = 0

  constructor({
    firewalls, images = publicImages, interfaces = "legacy_config", placementGroups = [], quotas = []
  }: AccountOptions) {
    this.interfaces = interfaces
    this.firewalls = firewalls === undefined ? undefined : new Set(firewalls)
    this.images = new Map(images.map((image) => [image.id, image]))
    this.placementGroups = new Map(placementGroups.map((group) => [group.id, group]))
    this.quotas = [...quotas]
  }

  hasFirewall(id: number): boolean {
    return this.firewalls?.has(id) !== false
  }

  firewall(id: number): Firewall | undefined {
    return this.hasFirewall(id) ? { id, label: `firewall-${id}`, status: "enabled" } : undefined
  }

  /** Firewalls are listed only where the account was given some. */
  allFirewalls(): ReadonlyArray<Firewall> {
    return [...this.firewalls ?? []].flatMap((id) => this.firewall(id) ?? [])
  }

  /** A Linode takes a place in the group, or gives it up. */
  join(group: number, linode: number): void {
    this.regroup(group, (members) => [...members, { linode_id: linode }])
  }

  leave(group: number, linode: number): void {
    this.regroup(group, (members) => members.filter(({ linode_id }) => linode_id !== linode))
  }

  private regroup(id: number, change: (members: PlacementGroup["members"]) => PlacementGroup["members"]): void {
    const group = this.placementGroups.get(id)
    if (group !== undefined) this.placementGroups.set(id, { ...group, members: change(group.members) })
  }

  write(event: Omit<SimulatedEvent, "id">): SimulatedEvent {
    const written: SimulatedEvent = { ...event, id: ++this.lastEvent }
    this.events.push(written)
    return written
  }

  showMaintenances(): ReadonlyArray<Maintenance & { readonly entity: object }> {
    return this.maintenances.map(({ at, instanceId, reason, status, type }) => ({
      entity: { id: instanceId, label: `linode${instanceId}`, type: "linode", url: `/v4/linode/instances/${instanceId}` },
      type, status, reason, when: time(at), not_before: time(at), start_time: status === "started" ? time(at) : null,
      complete_time: null, description: "scheduled", source: "platform", maintenance_policy_set: "linode/migrate"
    }))
  }

  /** The latest first. */
  showEvents(): ReadonlyArray<AccountEvent & { readonly entity: object }> {
    return this.events.map(({ action, at, createdAt, id, instanceId, label, message, source, status }) => ({
      id, action, status, message, source,
      created: time(createdAt),
      entity: { id: instanceId, label, type: "linode", url: `/v4/linode/instances/${instanceId}` },
      not_before: at === undefined ? null : time(at),
      start_time: status === "scheduled" || at === undefined ? null : time(at),
      duration: null, percent_complete: null, rate: null, read: false, seen: false, secondary_entity: null,
      time_remaining: null, username: source === "user" ? "simulated" : null
    })).toReversed()
  }
}
