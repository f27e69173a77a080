/** What the account was refused: one back-off for all that buy, and what there is to say about it. */
import { Effect } from "effect"
import type { Linode } from "../../linode/linode.ts"
import { makeHold } from "../../linode/hold.ts"
import type { Hold } from "../../linode/hold.ts"
import type { AccountTrouble } from "../cloudProvider.ts"

export interface Account {
  /** Of purchases that the account's limit did not allow. */
  readonly limit: Hold
  readonly trouble: Effect.Effect<AccountTrouble | undefined>
}

/** How soon an account that is full is asked again, and how seldom at last: somebody has to raise the limit. */
const limitHold = { first: "15 seconds", longest: "2 minutes", probe: "1 minute" } as const

export const makeAccount = (linode: Linode["Service"]): Account => {
  const limit = makeHold(limitHold)
  return {
    limit,
    trouble: Effect.gen(function*() {
      const auth = yield* linode.tokenRefused
      if (auth !== undefined) return { reason: "LinodeAuthFailed", message: auth.message } satisfies AccountTrouble
      const full = yield* limit.current
      return full === undefined ? undefined : { reason: "AccountLimitReached", message: full.message } satisfies AccountTrouble
    })
  }
}
