/** Giving a machine back takes minutes, in which Linode may not answer at all: both are waited for, neither is an error. */
import { Effect } from "effect"
import type { CloudError, Deletion } from "../../cloud/cloudProvider.ts"

const askAgainMillis = 5_000
/** However soon Linode says that it may be asked. */
const leastMillis = 1_000

export type DeletionStep =
  | { readonly is: "gone" }
  /** Under way. */
  | { readonly is: "terminating"; readonly afterMillis: number }
  /** It has not begun, or Linode did not answer. */
  | { readonly is: "wait"; readonly afterMillis: number }

/** How far the deletion is, and when to ask again. */
export const patientDelete = <R>(deletion: Effect.Effect<Deletion, CloudError, R>): Effect.Effect<DeletionStep, CloudError, R> =>
  deletion.pipe(
    Effect.map((is): DeletionStep => is === "gone" ? { is } : { is: is === "waiting" ? "wait" : is, afterMillis: askAgainMillis }),
    Effect.catchIf((error) => error.reason._tag === "CloudUnavailable", (error) => Effect.as(
      Effect.logDebug("could not ask Linode for the deletion of the machine", { error: error.message }),
      { is: "wait", afterMillis: unavailableMillis(error) } as const
    ))
  )

/** When an unavailable Linode may be asked again. */
export const unavailableMillis = (error: CloudError): number =>
  error.reason._tag === "CloudUnavailable" && error.reason.retryAfterSeconds !== undefined
    ? Math.max(leastMillis, error.reason.retryAfterSeconds * 1000)
    : askAgainMillis
