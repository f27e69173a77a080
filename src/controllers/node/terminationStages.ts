/** What a leaving node goes through, one after the other: its pods leave, its volumes, its machine is given back. */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { isWaitingEviction } from "../../cluster/podPredicates.ts"
import { Caches, index } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import type { Node } from "../../kube/objects.ts"
import { PersistentVolumeClaims, Pods, VolumeAttachments } from "../../kube/resources.ts"
import { some } from "../some.ts"
import { pendingAttachments } from "./attachments.ts"
import { drainPlan } from "./drain.ts"
import type { EvictionQueue } from "./evictionQueue.ts"
import { patientDelete } from "./patientDelete.ts"
import { isoNow } from "../../runtime/isoNow.ts"

/** Long enough for the scheduler to see the taint: what it placed just before is drained too. */
const minDrainMillis = 5_000
const lookMillis = 1_000

export interface Leaving {
  readonly node: Node
  readonly claim: NodeClaim | undefined
  readonly deadline: number | undefined
  /** Its machine is shut down. */
  readonly off: boolean
}

export interface StageResult {
  /** What is to be said on the claim. */
  readonly change: (claim: NodeClaim) => NodeClaim
  /** When to look again; undefined when all is done. */
  readonly afterMillis: number | undefined
}

/** What both say, and when to look again because of the second. */
const after = (first: StageResult, second: StageResult): StageResult => ({
  change: (claim) => second.change(first.change(claim)),
  afterMillis: second.afterMillis
})

const unchanged = (claim: NodeClaim): NodeClaim => claim

/** Whether the node has not been watched drain for long enough. */
const isTooSoon = (claim: NodeClaim, nowMillis: number): boolean => {
  const condition = nodeClaimConditions.get(claim, conditionType.drained)
  return condition?.status !== "True" && nowMillis - Date.parse(condition?.lastTransitionTime ?? "") < minDrainMillis
}

export const makeStages = Effect.fnUntraced(function*(evictions: EvictionQueue) {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const kube = yield* Kube
  const recorder = yield* Recorder
  const pods = caches.store(Pods)
  const attachments = caches.store(VolumeAttachments)
  const volumeClaims = caches.store(PersistentVolumeClaims)

  /**
   * Pods to be waited for that the server has on the node. Asked once, before the machine goes for good: a cache that is behind
   * may not know of them.
   */
  const unseen = ({ metadata: { name } }: Node, now: number) =>
    kube.list(Pods, { fieldSelector: `spec.nodeName=${name}` }).pipe(
      Effect.map(({ items }) => items.filter((pod) => isWaitingEviction(pod, now)))
    )

  const drain = Effect.fnUntraced(function*({ claim, deadline, node }: Leaving) {
    const now = yield* Clock.currentTimeMillis
    const iso = new Date(now).toISOString()
    const begun = (one: NodeClaim): NodeClaim => nodeClaimConditions.get(one, conditionType.drained) !== undefined
      ? one
      : nodeClaimConditions.setUnknown(one, conditionType.drained, "Draining", "Draining", iso)
    const goOn: StageResult = { change: begun, afterMillis: lookMillis }
    const plan = drainPlan(pods.by(index.podNode, node.metadata.name), deadline, now)
    yield* evictions.add(plan.next, deadline)
    const isOver = claim !== undefined && nodeClaimConditions.isTrue(claim, conditionType.drained)
    if (plan.waiting.length === 0 && claim !== undefined && isTooSoon(begun(claim), now)) return goOn
    const waiting = plan.waiting.length > 0 || isOver ? plan.waiting : yield* unseen(node, now)
    if (waiting.length > 0) {
      yield* recorder.publish({
        object: node,
        type: "Warning",
        reason: "FailedDraining",
        message: `Failed to drain node, ${waiting.length} pods are waiting to be evicted`,
        dedupe: [node.metadata.uid ?? node.metadata.name]
      })
      return goOn
    }
    const drained: StageResult = {
      change: (one) => nodeClaimConditions.setTrue(one, conditionType.drained, iso),
      afterMillis: undefined
    }
    return drained
  })

  /** A volume that is attached while its machine vanishes cannot be used elsewhere for minutes. */
  const detach = Effect.fnUntraced(function*({ deadline, node }: Leaving) {
    const now = yield* Clock.currentTimeMillis
    const iso = new Date(now).toISOString()
    const type = conditionType.volumesDetached
    const name = node.metadata.name
    const pending = pendingAttachments(attachments.by(index.attachmentNode, name), pods.by(index.podNode, name), volumeClaims.get, now)
    const over = (change: StageResult["change"]): StageResult => ({ change, afterMillis: undefined })
    if (pending.length === 0) return over((one) => nodeClaimConditions.setTrue(one, type, iso))
    const names = some(pending.map((attachment) => attachment.metadata.name), 5)
    if (deadline !== undefined && now > deadline) {
      return over((one) => nodeClaimConditions.setFalse(
        one, type, "TerminationGracePeriodElapsed", `still attached: ${names}`, iso
      ))
    }
    yield* recorder.publish({
      object: node,
      type: "Normal",
      reason: "AwaitingVolumeDetachment",
      message: `Awaiting deletion of VolumeAttachments bound to node: ${names}`,
      dedupe: [node.metadata.uid ?? name]
    })
    const awaited: StageResult = {
      change: (one) => nodeClaimConditions.setUnknown(one, type, "AwaitingVolumeDetachment", "AwaitingVolumeDetachment", iso),
      afterMillis: lookMillis
    }
    return awaited
  })

  const giveBack = Effect.fnUntraced(function*(claim: NodeClaim) {
    // The claim's deletion was asked for; the provider goes by what the claim itself says.
    if (claim.metadata.deletionTimestamp === undefined) return { change: unchanged, afterMillis: lookMillis }
    const step = yield* patientDelete(cloud.delete(claim))
    if (step.is === "gone") return { change: unchanged, afterMillis: undefined }
    if (step.is === "wait") return { change: unchanged, afterMillis: step.afterMillis }
    const iso = yield* isoNow
    const change = (one: NodeClaim): NodeClaim => nodeClaimConditions.setTrue(one, conditionType.instanceTerminating, iso)
    return { change, afterMillis: step.afterMillis }
  })

  /** Goes as far as it can now. A node without a claim drains, and is nobody's machine to give back. */
  return Effect.fnUntraced(function*(leaving: Leaving) {
    const { claim, off } = leaving
    // Whatever still seems to run on a machine that is off or being destroyed cannot be told to leave. The Node stays until
    // the machine is gone, so nobody takes its pods for ended before they cannot run any more.
    const destroying = claim !== undefined && nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)
    if (claim !== undefined && (destroying || off)) return yield* giveBack(claim)
    const drained = yield* drain(leaving)
    if (drained.afterMillis !== undefined) return drained
    const detached = after(drained, yield* detach(leaving))
    if (detached.afterMillis !== undefined || claim === undefined) return detached
    return after(detached, yield* giveBack(claim))
  })
})
