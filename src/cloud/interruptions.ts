/** What Linode announces for machines: planned maintenance, and events of the platform. The decision, and the reading. */
import { Clock, Effect, Result } from "effect"
import type { Linode } from "../linode/linode.ts"
import type { LinodeError } from "../linode/linodeError.ts"
import type { AccountEvent, Maintenance } from "../linode/models.ts"
import type { Interruption } from "./cloudProvider.ts"
import { providerIDOf } from "./providerID.ts"

/** Events by which Linode tells that a host or the Linode on it goes down. */
export const hostActions = [
  "host_reboot", "linode_migrate", "linode_migrate_datacenter", "linode_mutate", "linode_poweroff_on", "linode_reboot"
]

/** Those of them that users cause too: only the platform's own are announcements. */
const usersToo: ReadonlySet<string> = new Set(["linode_reboot", "linode_poweroff_on", "linode_mutate"])

/** How far back an announcement may lie: Linode gives notice of days. Milliseconds. */
const longestNotice = 14 * 24 * 3_600_000

/** A Linode stays up through these. */
const harmless: ReadonlySet<string> = new Set(["live_migration", "volume_migration"])

/** Linode's times are UTC without saying so. */
const timeOf = (text: string | null | undefined): number | undefined => {
  const millis = Date.parse(text === null || text === undefined ? "" : /Z$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`)
  return Number.isNaN(millis) ? undefined : millis
}

const begun: ReadonlySet<string> = new Set(["started", "in_progress", "in-progress"])
const toCome: ReadonlySet<string> = new Set(["pending", "scheduled"])

const because = (reason: string | null | undefined): string => reason === null || reason === undefined || reason === "" ? "" : `: ${reason}`

/** When it begins; "unknown" where Linode has neither said it nor begun. */
const beginning = (status: string, ...times: ReadonlyArray<string | null | undefined>): number | undefined | "unknown" =>
  begun.has(status) ? undefined : times.map(timeOf).find((at) => at !== undefined) ?? "unknown"

const ofMaintenance = (entry: Maintenance): ReadonlyArray<Interruption> => {
  const { entity, not_before, reason, start_time, status, type, when } = entry
  if (entity.type !== "linode" || harmless.has(type) || !(begun.has(status) || toCome.has(status))) return []
  const at = beginning(status, when, start_time, not_before)
  return at === "unknown" ? [] : [{
    // Linode numbers no maintenance. The same Linode has the same kind of work done at one time once.
    id: `maintenance/${entity.id}/${type}/${when ?? not_before ?? ""}`,
    providerID: providerIDOf(entity.id),
    at,
    message: `Linode's host maintenance (${type})${because(reason)}`
  }]
}

const ofEvent = (event: AccountEvent): ReadonlyArray<Interruption> => {
  const { action, description, entity, message, not_before, source, start_time, status } = event
  if (entity?.type !== "linode" || typeof entity.id !== "number" || !hostActions.includes(action)) return []
  if (!(begun.has(status) || toCome.has(status)) || (usersToo.has(action) && source !== "platform")) return []
  const at = beginning(status, start_time, not_before)
  return at === "unknown" ? [] : [{
    id: `event/${event.id}`,
    providerID: providerIDOf(entity.id),
    at,
    message: `Linode announced ${action}${because(message ?? description)}`
  }]
}

/** What is announced, in the order of its ids. A Linode that has maintenance planned needs no event to say so. Pure. */
export const interruptionsOf = (
  maintenance: ReadonlyArray<Maintenance>, events: ReadonlyArray<AccountEvent>
): ReadonlyArray<Interruption> => {
  const planned = new Set(maintenance.filter(({ entity }) => entity.type === "linode").map(({ entity }) => providerIDOf(entity.id)))
  const others = events.flatMap(ofEvent).filter(({ providerID }) => !planned.has(providerID))
  return [...maintenance.flatMap(ofMaintenance), ...others].toSorted((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
}

export interface Announcements {
  /** Reads both; one of them that cannot be had does not hide the other. Fails when neither can. */
  readonly read: Effect.Effect<ReadonlyArray<Interruption>, LinodeError>
  /** Whether Linode is at work on the machine, by the last reading. */
  readonly isAtWorkOn: (instance: number) => boolean
}

export const makeAnnouncements = (linode: Linode["Service"]): Announcements => {
  let last: ReadonlyArray<Interruption> = []
  const told = new Set<string>()
  /** Without the scope there is nothing to see: said once, and again when it came back and went. */
  const allowed = <A>(what: string, scope: string, list: Effect.Effect<ReadonlyArray<A>, LinodeError>) => list.pipe(
    Effect.tap(() => Effect.sync(() => told.delete(what))),
    Effect.catchIf((error) => error.reason._tag === "Auth" && error.status === 403, (error) => Effect.gen(function*() {
      if (!told.has(what)) {
        yield* Effect.logWarning(`the token may not read ${what}: nodes are not drained for what it tells`, {
          scope, error: error.message
        })
      }
      told.add(what)
      return []
    })),
    Effect.result
  )
  return {
    isAtWorkOn: (instance) => last.some(({ at, providerID }) => at === undefined && providerID === providerIDOf(instance)),
    read: Effect.gen(function*() {
      const since = (yield* Clock.currentTimeMillis) - longestNotice
      const [maintenance, events] = yield* Effect.all([
        allowed("planned maintenance", "account:read_only", linode.maintenance),
        allowed("events", "events:read_only", linode.events(hostActions, since))
      ], { concurrency: 2 })
      if (Result.isFailure(maintenance) && Result.isFailure(events)) return yield* maintenance.failure
      last = interruptionsOf(Result.getOrElse(maintenance, () => []), Result.getOrElse(events, () => []))
      return last
    })
  }
}
