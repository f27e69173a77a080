/** How long a machine that a pending pod was promised room on is left alone (Karpenter's state/statenode.go). */
import { Duration } from "effect"
import type { SettingsShape } from "../../settings/settings.ts"

const shortest = Duration.seconds(10)

export const nominationWindow = (settings: Pick<SettingsShape, "batchMaxDuration">): Duration.Duration =>
  Duration.max(shortest, Duration.times(settings.batchMaxDuration, 2))
