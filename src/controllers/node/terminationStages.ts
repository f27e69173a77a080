/** What a leaving node goes through, one after the other: its pods leave, its machine is given back. */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Caches, index } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Node } from "../../kube/objects.ts"
import { Pods } from "../../kube/resources.ts"
import { drainPlan } from "./drain.ts"
import type { EvictionQueue } from "./evictionQueue.ts"
import { patientDelete } from "./patientDelete.ts"

/** Long enough for the scheduler to see the taint: what it placed just before is drained too. */
const minDrainMillis = 5_000
const lookMillis = 1_000

export interface Leaving {
  readonly node: Node
  readonly claim: NodeClaim | undefined
  readonly deadline: number | undefined
}

export interface StageResult {
  /** As it is to be written. */
  readonly claim: NodeClaim | undefined
  /** When to look again; undefined when all is done. */
  readonly afterMillis: number | undefined
}

/** Whether the node has been watched drain for long enough. */
const drainedTooSoon = (claim: NodeClaim, nowMillis: number): boolean => {
  const condition = nodeClaimConditions.get(claim, conditionType.drained)
  return condition?.status !== "True" && nowMillis - Date.parse(condition?.lastTransitionTime ?? "") < minDrainMillis
}

export const makeStages = Effect.fnUntraced(function*(evictions: EvictionQueue) {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const recorder = yield* Recorder
  const pods = caches.store(Pods)

  const drain = Effect.fnUntraced(function*({ claim, deadline, node }: Leaving) {
    const now = yield* Clock.currentTimeMillis
    const iso = new Date(now).toISOString()
    const isMarked = claim !== undefined && nodeClaimConditions.get(claim, conditionType.drained) !== undefined
    const marked = claim === undefined || isMarked
      ? claim
      : nodeClaimConditions.setUnknown(claim, conditionType.drained, "Draining", "Draining", iso)
    const plan = drainPlan(pods.by(index.podNode, node.metadata.name), deadline, now)
    yield* evictions.add(plan.next, deadline)
    if (plan.waiting.length > 0) {
      yield* recorder.publish({
        object: node,
        type: "Warning",
        reason: "FailedDraining",
        message: `Failed to drain node, ${plan.waiting.length} pods are waiting to be evicted`,
        dedupe: [node.metadata.uid ?? node.metadata.name]
      })
      return { claim: marked, afterMillis: lookMillis }
    }
    if (marked === undefined) return { claim: marked, afterMillis: undefined }
    if (drainedTooSoon(marked, now)) return { claim: marked, afterMillis: lookMillis }
    return { claim: nodeClaimConditions.setTrue(marked, conditionType.drained, iso), afterMillis: undefined }
  })

  const giveBack = Effect.fnUntraced(function*(claim: NodeClaim) {
    // The claim's deletion was asked for; the provider goes by what the claim itself says.
    if (claim.metadata.deletionTimestamp === undefined) return { claim, afterMillis: lookMillis }
    const step = yield* patientDelete(cloud.delete(claim))
    if (step.is === "gone") return { claim, afterMillis: undefined }
    if (step.is === "wait") return { claim, afterMillis: step.afterMillis }
    const iso = new Date(yield* Clock.currentTimeMillis).toISOString()
    return { claim: nodeClaimConditions.setTrue(claim, conditionType.instanceTerminating, iso), afterMillis: step.afterMillis }
  })

  /** Goes as far as it can now. A node without a claim drains, and is nobody's machine to give back. */
  return Effect.fnUntraced(function*(leaving: Leaving) {
    const { claim } = leaving
    // Whatever still seems to run on a machine that is being destroyed cannot be told to leave.
    const destroyed = claim !== undefined && nodeClaimConditions.isTrue(claim, conditionType.drained) &&
      nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)
    const drained: StageResult = destroyed ? { claim, afterMillis: undefined } : yield* drain(leaving)
    if (drained.afterMillis !== undefined || drained.claim === undefined) return drained
    const given: StageResult = yield* giveBack(drained.claim)
    return given
  })
})
