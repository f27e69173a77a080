/** Linodes that go down and come up again: by their owner, or because Linode works on their host. */
import type { SimulatedAccount, SimulatedEvent, SimulatedMaintenance } from "./account.ts"
import type { Timeline } from "./timeline.ts"
import type { CloudEvent, Delays, SimulatedInstance, SimulatedNode } from "./world.ts"

/** What it needs of the cloud. */
interface Parts {
  readonly account: SimulatedAccount
  readonly timeline: Timeline
  readonly draw: (step: keyof Delays) => number
  readonly emit: (kind: CloudEvent["kind"], node: SimulatedNode) => void
  readonly isThere: (instance: SimulatedInstance) => boolean
  readonly nodeOf: (instance: SimulatedInstance) => SimulatedNode | undefined
}

export type MaintenanceType = "reboot" | "cold_migration" | "live_migration" | "migrate" | "power_off_on"

const actions: Readonly<Record<MaintenanceType, string>> = {
  reboot: "linode_reboot", power_off_on: "linode_poweroff_on", cold_migration: "linode_migrate", live_migration: "linode_migrate",
  migrate: "linode_migrate"
}
const statuses: Readonly<Record<MaintenanceType, string>> = {
  reboot: "rebooting", power_off_on: "offline", cold_migration: "migrating", live_migration: "running", migrate: "migrating"
}

export class Power {
  private readonly parts: Parts

  constructor(parts: Parts) {
    this.parts = parts
  }

  /** Somebody shuts a Linode down: it stays so until somebody boots it. */
  shutDown(instance: SimulatedInstance): void {
    this.note(instance, "linode_shutdown", "user")
    this.halt(instance, "shutting_down")
    this.parts.timeline.after(this.parts.draw("vanish"), () => {
      if (instance.status === "shutting_down") instance.status = "offline"
    })
  }

  boot(instance: SimulatedInstance): void {
    if (instance.status !== "offline") return
    this.note(instance, "linode_boot", "user")
    this.start(instance)
  }

  /**
   * Linode plans maintenance of the Linode's host. When its time comes, the Linode goes down (not for a live migration) for
   * as long as it takes to boot, and the entry goes.
   */
  planMaintenance(instance: SimulatedInstance, { after, reason = "Scheduled maintenance of the host", type }: {
    /** Milliseconds from now. */
    readonly after: number
    readonly type: MaintenanceType
    readonly reason?: string
  }): void {
    const { account, draw, isThere, timeline } = this.parts
    const at = timeline.now() + after
    const entry: SimulatedMaintenance = { instanceId: instance.id, type, reason, at, status: "scheduled" }
    account.maintenances.push(entry)
    const event = this.note(instance, actions[type], "platform", { at, reason })
    const end = (status: "finished" | "canceled") => {
      account.maintenances.splice(account.maintenances.indexOf(entry), 1)
      event.status = status
    }
    timeline.after(after, () => {
      if (!isThere(instance)) return end("canceled")
      entry.status = "started"
      event.status = "started"
      const down = type !== "live_migration"
      if (down) this.halt(instance, statuses[type])
      timeline.after(draw("run"), () => {
        if (down && isThere(instance)) this.start(instance)
        end("finished")
      })
    })
  }

  /** Writes an event of the account; with `plan` one that is still to come. */
  note(
    { id, label }: SimulatedInstance, action: string, source: "platform" | "user",
    plan?: { readonly at: number; readonly reason: string }
  ): SimulatedEvent {
    return this.parts.account.write({
      action, source, label, instanceId: id, createdAt: this.parts.timeline.now(),
      status: plan === undefined ? "finished" : "scheduled", at: plan?.at, message: plan?.reason ?? ""
    })
  }

  private halt(instance: SimulatedInstance, status: string): void {
    instance.status = status
    const node = this.parts.nodeOf(instance)
    if (node === undefined) return
    node.status = "not_ready"
    this.parts.emit("InstanceStopped", node)
  }

  private start(instance: SimulatedInstance): void {
    const { draw, emit, nodeOf, timeline } = this.parts
    const node = nodeOf(instance)
    const step = (delay: keyof Delays, from: string, run: () => void) => timeline.after(draw(delay), () => {
      if (instance.status === from) run()
    })
    instance.status = "booting"
    step("run", "booting", () => {
      instance.status = "running"
      if (node === undefined || node.deletedAt !== undefined) return
      emit("InstanceRunning", node)
      step("join", "running", () => {
        if (node.deletedAt !== undefined) return
        node.status = "ready"
        emit("NodeReady", node)
      })
    })
  }
}
