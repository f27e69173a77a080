/** What the disruption loop and its queue share. Nothing of it is missed after a restart. */
import type { Replacing } from "../../cluster/replacements.ts"
import { makeAftermath } from "./aftermath.ts"
import type { Aftermath } from "./aftermath.ts"
import { makeBackoff } from "./backoff.ts"
import type { Backoff } from "./backoff.ts"

export interface Memory {
  /** Ids of disruptions whose replacements are being created: not all of them are there yet. */
  readonly starting: Set<string>
  /** By id: disruptions that were seen waiting, so that one is called off even when all of its replacements have vanished. */
  readonly seen: Map<string, Replacing>
  readonly backoff: Backoff
  readonly aftermath: Aftermath
}

export const makeMemory = (): Memory =>
  ({ starting: new Set(), seen: new Map(), backoff: makeBackoff(), aftermath: makeAftermath() })
