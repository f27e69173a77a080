/** What the account was refused: one back-off for all that buy, and what there is to say about it. */
import { Clock, Effect } from "effect"
import type { Scope } from "effect"
import type { Linode } from "../linode/linode.ts"
import { makeHold } from "../linode/hold.ts"
import type { Hold } from "../linode/hold.ts"
import type { Quota } from "../linode/models.ts"
import type { AccountTrouble } from "./cloudProvider.ts"

export interface Account {
  /** Of purchases that the account's limit did not allow. */
  readonly limit: Hold
  readonly trouble: Effect.Effect<AccountTrouble | undefined>
}

/** How soon an account that is full is asked again, and how seldom at last: somebody has to raise the limit. */
const limitHold = { first: "15 seconds", longest: "2 minutes", probe: "1 minute" } as const

/** How often it is read what the limits are, while they are reached. Milliseconds. */
const limitsEvery = 600_000

/** The limits that count in a region, as a sentence; empty where Linode tells none. */
const limitsText = (quotas: ReadonlyArray<Quota>, region: string): string => {
  const here = quotas.filter(({ region_applied }) => [undefined, null, "global", region].includes(region_applied))
  if (here.length === 0) return ""
  return `. The account may have: ${here.map(({ quota_limit, quota_name }) => `${quota_name} ${quota_limit}`).toSorted().join(", ")}`
}

export const makeAccount = (scope: Scope.Scope, linode: Linode["Service"], region: string): Account => {
  const hold = makeHold(limitHold)
  let limits = ""
  let readAt = Number.NEGATIVE_INFINITY
  /** Only a help: without the scope for it, Linode's refusal says enough. */
  const readLimits = linode.quotas("linode").pipe(
    Effect.map((quotas) => {
      limits = limitsText(quotas, region)
    }),
    Effect.catch((error) => Effect.logDebug("could not read the account's limits", { error: error.message }))
  )
  return {
    limit: {
      ...hold,
      refused: (error) => Effect.gen(function*() {
        yield* hold.refused(error)
        const now = yield* Clock.currentTimeMillis
        if (now - readAt < limitsEvery) return
        readAt = now
        yield* Effect.forkIn(readLimits, scope)
      })
    },
    trouble: Effect.gen(function*() {
      const auth = yield* linode.tokenRefused
      if (auth !== undefined) return { reason: "LinodeAuthFailed", message: auth.message } satisfies AccountTrouble
      const full = yield* hold.current
      if (full === undefined) return undefined
      return { reason: "AccountLimitReached", message: `${full.message}${limits}` } satisfies AccountTrouble
    })
  }
}
