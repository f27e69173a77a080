/** Lets a Node go whose machine is gone, or is nobody's. */
import { Clock, Effect } from "effect"
import { finalizer } from "../../apis/labels.ts"
import { Kube } from "../../kube/kube.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { claimMetrics } from "../nodeclaim/claimMetrics.ts"

/**
 * Takes our finalizer off, whatever else changed on the Node meanwhile. Pods that are still bound to it are left to
 * Kubernetes' pod garbage collector.
 */
export const releaseNode = Effect.fnUntraced(function*({ metadata }: Node) {
  const kube = yield* Kube
  const metrics = yield* claimMetrics
  yield* kube.patch(Nodes, { name: metadata.name }, {
    metadata: { uid: metadata.uid, "$deleteFromPrimitiveList/finalizers": [finalizer.termination] }
  }, { kind: "strategic" })
  const now = yield* Clock.currentTimeMillis
  const since = (timestamp: string | undefined): number => (now - Date.parse(timestamp ?? "")) / 1000
  metrics.nodeGone({ metadata }, {
    termination: since(metadata.deletionTimestamp),
    lifetime: since(metadata.creationTimestamp)
  })
  yield* Effect.logInfo("deleted node")
})
