/**
 * One back-off for everybody who would be refused for the same reason: what the account was refused, one asks for again
 * after a while, and the others are told the same without asking.
 */
import { Clock, Duration, Effect } from "effect"
import type { LinodeError } from "./linodeError.ts"

export interface Hold {
  /** The refusal that still counts; undefined when the caller may ask. Of those who wait one may, when it is time. */
  readonly check: Effect.Effect<LinodeError | undefined>
  /** Whoever asked was refused. */
  readonly refused: (error: LinodeError) => Effect.Effect<void>
  /** Whoever asked was not: everybody may ask again. */
  readonly passed: Effect.Effect<void>
  /** The refusal, while there is reason to believe that it would be repeated. */
  readonly current: Effect.Effect<LinodeError | undefined>
}

export interface HoldOptions {
  readonly first: Duration.Input
  /** The wait doubles with each refusal, up to this. */
  readonly longest: Duration.Input
  /** How long the one who asks is waited for: longer than any request. */
  readonly probe: Duration.Input
}

/** Without a new refusal for so many times the longest wait, nobody knows any more. */
const forgottenAfter = 3

export const makeHold = (options: HoldOptions): Hold => {
  const [first, longest, probe] = [options.first, options.longest, options.probe].map(Duration.toMillis) as [number, number, number]
  let state: { readonly error: LinodeError; readonly at: number; readonly wait: number; readonly until: number } | undefined
  const current = Effect.map(Clock.currentTimeMillis, (now) => {
    if (state !== undefined && now - state.at > forgottenAfter * longest) state = undefined
    return state?.error
  })
  return {
    current,
    check: Effect.map(Clock.currentTimeMillis, (now) => {
      if (state === undefined || now < state.until) return state?.error
      state = { ...state, until: now + probe }
      return undefined
    }),
    refused: (error) => Effect.map(Clock.currentTimeMillis, (now) => {
      // Many may have asked at once before the first was refused: they are one refusal.
      const again = state !== undefined && now >= state.at + state.wait
      const wait = state === undefined ? first : again ? Math.min(longest, state.wait * 2) : state.wait
      const at = state === undefined || again ? now : state.at
      state = { error, at, wait, until: at + wait }
    }),
    passed: Effect.sync(() => {
      state = undefined
    })
  }
}
