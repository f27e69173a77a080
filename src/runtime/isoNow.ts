/** Now, as Kubernetes and our own annotations write it: ISO 8601 in UTC, with milliseconds. */
import { Clock, Effect } from "effect"

export const isoNow: Effect.Effect<string> = Effect.map(Clock.currentTimeMillis, (now) => new Date(now).toISOString())
