/** Runs one pass of a simulated control loop every so often; a pass that fails is tried again at the next tick. */
import { Effect } from "effect"
import type { Duration } from "effect"
import type { KubeError } from "../../kube/kubeError.ts"

export const everySoOften = <R>(period: Duration.Input, pass: Effect.Effect<void, KubeError, R>): Effect.Effect<never, never, R> =>
  pass.pipe(
    Effect.catch((error) => Effect.logDebug("simulated control loop", error)),
    Effect.andThen(Effect.sleep(period)),
    Effect.forever
  )
