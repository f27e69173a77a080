/** The end of a disruption: claims that were marked are deleted, from where termination goes on. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { DisruptionReason } from "../../apis/nodePool.ts"
import { label } from "../../apis/labels.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { isReschedulable } from "../../cluster/podPredicates.ts"
import { isToGo } from "../../cluster/replacements.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isConflict, isNotFound } from "../../kube/kubeError.ts"
import { countDisrupted } from "../disrupted.ts"
import { deleteUnchanged } from "../nodeclaim/removeClaim.ts"

const tries = 3

/** The claim as it was when it was deleted. */
const deleteWhileToGo = Effect.fnUntraced(function*({ metadata: { name, uid } }: NodeClaim) {
  const kube = yield* Kube
  const fresh = yield* kube.get(NodeClaims, { name }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  if (!fresh || fresh.metadata.uid !== uid || fresh.metadata.deletionTimestamp !== undefined || !isToGo(fresh)) return undefined
  return (yield* deleteUnchanged(fresh)) ? fresh : undefined
})

/**
 * Deletes the claim if it still says that it is to go, as the API server has it. False where it does not, or is gone. `state` is
 * what is known of its machine. A deletion that is carried out late, when the claim says so no more, deletes nothing.
 */
export const takeAway = Effect.fnUntraced(function*(
  claim: NodeClaim, reason: DisruptionReason, state: StateNode | undefined
) {
  const recorder = yield* Recorder
  // Others write claims too: what they wrote is read, and judged.
  const fresh = yield* deleteWhileToGo(claim).pipe(Effect.retry({ times: tries, while: isConflict }))
  if (fresh === undefined) return false
  const node = state?.node
  for (const object of node === undefined ? [fresh] : [node, fresh]) {
    const what = object === node ? "Node" : "NodeClaim"
    yield* recorder.publish({
      object,
      type: "Normal",
      reason: "DisruptionTerminating",
      message: `Disrupting ${what}: ${reason}`,
      dedupe: [object.metadata.uid ?? object.metadata.name, reason]
    })
  }
  const pool = (yield* Caches).store(NodePools).get({ name: fresh.metadata.labels?.[label.nodePool] ?? "" })
  const count = yield* countDisrupted
  count({
    claim: fresh,
    reason: reason.toLowerCase() as Lowercase<DisruptionReason>,
    consolidationPolicy: reason === "Drifted" ? "" : pool?.spec.disruption?.consolidationPolicy ?? "",
    pods: state?.pods.filter(isReschedulable).length ?? 0
  })
  return true
})
