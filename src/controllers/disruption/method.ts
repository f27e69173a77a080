/** What the disruption loop asks each of its methods. */
import type { Effect } from "effect"
import type { DisruptionReason } from "../../apis/nodePool.ts"
import type { CloudProvider } from "../../cloud/cloudProvider.ts"
import type { Cluster } from "../../cluster/cluster.ts"
import type { Caches } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import type { Settings } from "../../settings/settings.ts"
import type { Command, ConsolidationType } from "./command.ts"
import type { Decision } from "./eligibility.ts"
import type { View } from "./look.ts"
import type { Memory } from "./memory.ts"

export type MethodServices = Caches | CloudProvider | Cluster | Metrics | Recorder | Settings

export interface Method {
  readonly reason: DisruptionReason
  /** As metrics call it. */
  readonly consolidationType: ConsolidationType
  /** Which nodes it may take, and why not the others. Pure. */
  readonly decide: (view: View) => ReadonlyArray<Decision>
  /** What is to be done now; may take its time to look a second time. Nothing: the next method has its turn. */
  readonly compute: (
    view: View, decisions: ReadonlyArray<Decision>, memory: Memory
  ) => Effect.Effect<ReadonlyArray<Command>, never, MethodServices>
}

/** How long after a decision it is looked at once more. */
export const validateAfter = "15 seconds"
