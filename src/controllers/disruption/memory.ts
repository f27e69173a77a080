/** What the disruption loop and its queue share. Nothing of it is missed after a restart. */
import { makeBackoff } from "./backoff.ts"
import type { Backoff } from "./backoff.ts"

export interface Memory {
  /** Ids of disruptions whose replacements are being created: not all of them are there yet. */
  readonly starting: Set<string>
  readonly backoff: Backoff
}

export const makeMemory = (): Memory => ({ starting: new Set(), backoff: makeBackoff() })
