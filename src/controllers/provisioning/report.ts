/** What people are told of a pass: events on pods, and Karpenter's log lines. */
import { Effect } from "effect"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { Recorder } from "../../kube/events.ts"
import type { Pod } from "../../kube/objects.ts"
import type { NewNode, Unschedulable } from "../../scheduling/plan.ts"
import { some } from "../some.ts"
import type { Ignored } from "./pendingPods.ts"

const nameOf = (pod: { readonly namespace?: string | undefined; readonly name: string }): string =>
  `${pod.namespace ?? "default"}/${pod.name}`

export const podNames = (pods: ReadonlyArray<Pod>): string => some(pods.map((pod) => nameOf(pod.metadata)), 5)

const failedScheduling = (pod: Pod, message: string): Effect.Effect<void, never, Recorder> => Recorder.use((recorder) =>
  recorder.publish({
    object: pod,
    type: "Warning",
    reason: "FailedScheduling",
    message,
    dedupe: [pod.metadata.uid ?? nameOf(pod.metadata)],
    dedupeFor: "5 minutes"
  }))

export const reportIgnored = Effect.fnUntraced(function*(ignored: ReadonlyArray<Ignored>) {
  for (const { pod, message, optedOut } of ignored) {
    const { name, namespace } = pod.metadata
    yield* Effect.logDebug("ignoring pod", { Pod: { name, namespace }, error: message })
    if (!optedOut) yield* failedScheduling(pod, message)
  }
})

/** The pod waits for a reservation that others hold: a later pass will place it, and nobody has to do anything. */
export const isDeferred = ({ reasons }: Unschedulable): boolean =>
  reasons.some(({ reason }) => reason === "ReservedCapacityInUse")

export const reportDeferred = Effect.fnUntraced(function*(deferred: ReadonlyArray<Unschedulable>) {
  for (const { pod: { name, namespace } } of deferred) {
    yield* Effect.logDebug("deferring scheduling decision for pod to future simulation", { Pod: { name, namespace } })
  }
})

/** What was said of each pod by uid, so that a log does not repeat itself with every pass. */
export type Told = ReadonlyMap<string, string>

/**
 * `podOf` finds the pod that the plan speaks of, `leftOut` are pools that had no part in it, a sentence each. Logs what is new
 * since `told`, and gives what is told now.
 */
export const reportUnschedulable = Effect.fnUntraced(function*(
  unschedulable: ReadonlyArray<Unschedulable>,
  podOf: (uid: string) => Pod | undefined,
  leftOut: ReadonlyArray<string>,
  told: Told
) {
  const now = new Map<string, string>()
  for (const { pod: ref, reasons } of unschedulable) {
    const uid = ref.uid ?? nameOf(ref)
    const message = [...reasons.map((reason) => reason.message), ...leftOut].join("; ")
    const pod = podOf(uid)
    now.set(uid, message)
    if (told.get(uid) !== message) {
      yield* Effect.logError("could not schedule pod", { Pod: { name: ref.name, namespace: ref.namespace }, error: message })
    }
    if (pod !== undefined) yield* failedScheduling(pod, message)
  }
  const result: Told = now
  return result
})

/** Where the pod should run: `nodeclaim/default-x1`, `node/lke1-2-3`, or both. */
export const reportNominated = (pod: Pod, target: string): Effect.Effect<void, never, Recorder> => Recorder.use((recorder) =>
  recorder.publish({
    object: pod,
    type: "Normal",
    reason: "Nominated",
    message: `Pod should schedule on: ${target}`,
    dedupe: [pod.metadata.uid ?? nameOf(pod.metadata)],
    rateLimited: true
  }))

export const logCreated = (claim: NodeClaim, planned: NewNode): Effect.Effect<void> => Effect.logInfo("created nodeclaim", {
  NodePool: { name: planned.nodePool },
  NodeClaim: { name: claim.metadata.name },
  requests: planned.requests,
  "instance-types": some(planned.instanceTypeOptions, 5)
})
