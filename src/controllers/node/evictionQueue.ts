/**
 * `eviction-queue`: pods that have to leave their node, through the Eviction API for as long as there is time, by deletion
 * when there is none left (Karpenter's terminator/eviction.go). What is queued is in memory only: the termination of the node
 * queues its pods again at every look.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import { doNotDisrupt, isActive, isEvictable } from "../../cluster/podPredicates.ts"
import type { DoNotDisrupt } from "../../cluster/podPredicates.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import type { Pod, Ref } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { done, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Trigger } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { claimOfNode } from "../nodeclaim/pairing.ts"
import { needsForceDelete } from "./drain.ts"

const firstDelayMillis = 100
const longestDelayMillis = 10_000
const workers = 100

interface Entry {
  readonly pod: Ref
  /** The very pod: a later one of its name is not concerned. */
  readonly uid: string
  /** When its node must be empty; none is never. */
  deadline: number | undefined
  refusals: number
}

export interface EvictionQueue {
  /**
   * Sees to it that the pods leave. Queueing one again may bring its deadline (milliseconds) nearer, never put it off.
   */
  readonly add: (pods: ReadonlyArray<Pod>, deadline: number | undefined) => Effect.Effect<void>
  /** Works until it is interrupted. */
  readonly run: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder>
}

const keyOf = ({ metadata: { name, namespace } }: Pod): string => `${namespace ?? ""}/${name}`

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined ? b : b === undefined ? a : Math.min(a, b)

export const makeEvictionQueue: Effect.Effect<EvictionQueue> = Effect.sync(() => {
  const entries = new Map<string, Entry>()
  let wake: (pod: Ref) => void = () => {}

  const add = Effect.fnUntraced(function*(pods: ReadonlyArray<Pod>, deadline: number | undefined) {
    const now = yield* Clock.currentTimeMillis
    for (const pod of pods) {
      const key = keyOf(pod)
      const uid = pod.metadata.uid ?? ""
      const known = entries.get(key)
      if (known?.uid === uid) {
        known.deadline = earlier(known.deadline, deadline)
        // It may be in the middle of a long pause between two refusals.
        if (needsForceDelete(pod, known.deadline, now)) wake(known.pod)
      } else {
        const { name, namespace } = pod.metadata
        entries.set(key, { pod: { name, namespace }, uid, deadline, refusals: 0 })
        wake({ name, namespace })
      }
    }
  })

  const byHand: Trigger = {
    attach: (trigger) => Effect.sync(() => {
      wake = trigger
      // A node that was leaving at the start may have been looked at before anybody worked here.
      for (const { pod } of entries.values()) trigger(pod)
    })
  }

  const run = Effect.gen(function*() {
    const caches = yield* Caches
    const kube = yield* Kube
    const metrics = yield* Metrics
    const recorder = yield* Recorder
    const pods = caches.store(Pods)
    const nodes = caches.store(Nodes)
    const claims = caches.store(NodeClaims)
    const requests = metrics.counter(
      "karpenter_pods_eviction_requests_total", "Number of eviction requests by HTTP status.", ["code"])
    const drained = metrics.counter(
      "karpenter_pods_drained_total", "Number of pods that Karpenter made leave their node.", ["reason"])

    const nodeOf = (pod: Pod) => pod.spec.nodeName === undefined ? undefined : nodes.get({ name: pod.spec.nodeName })

    /** Why the pod's node goes, for people. */
    const reasonOf = (pod: Pod): string => {
      const node = nodeOf(pod)
      const claim = node === undefined ? undefined : claimOfNode(node, claims)
      if (claim === undefined) return ""
      const condition = nodeClaimConditions.get(claim, conditionType.disruptionReason)
      return condition?.status === "True" ? condition.reason ?? "" : "Forceful Termination"
    }

    /** Refused or not possible now: again after a pause that doubles. */
    const pause = (entry: Entry) => Effect.sync(() => {
      const delay = Math.min(longestDelayMillis, firstDelayMillis * 2 ** Math.min(entry.refusals, 30))
      entry.refusals++
      return requeueAfter(delay)
    })

    const left = (pod: Pod) => Effect.sync(() => {
      // A later pod of that name may have been queued meanwhile.
      if (entries.get(keyOf(pod))?.uid === pod.metadata.uid) entries.delete(keyOf(pod))
      return done
    })

    /** What becomes of the pod's wish not to be disrupted, for its owner. */
    const tell = Effect.fnUntraced(function*(pod: Pod, { active, invalid, until }: DoNotDisrupt) {
      const uid = pod.metadata.uid ?? keyOf(pod)
      if (invalid !== undefined) {
        yield* recorder.publish({
          object: pod,
          type: "Warning",
          reason: "InvalidDoNotDisruptAnnotation",
          message: `${annotation.doNotDisrupt}: "${invalid}" is neither "true" nor a positive duration, and has no effect`,
          dedupe: [uid, invalid]
        })
      }
      if (until === undefined) return
      const time = new Date(until).toISOString()
      yield* active
        ? recorder.publish({
          object: pod,
          type: "Normal",
          reason: "DoNotDisruptUntil",
          message: `Pod is not disrupted before ${time}`,
          dedupe: [uid, time]
        })
        : recorder.publish({
          object: pod,
          type: "Normal",
          reason: "DoNotDisruptGracePeriodElapsed",
          message: `Pod may be disrupted since ${time}`,
          dedupe: [uid, time]
        })
    })

    const blocked = Effect.fnUntraced(function*(pod: Pod, entry: Entry, multipleBudgets: boolean) {
      const node = nodeOf(pod)
      const why = multipleBudgets ? "eviction does not support multiple PDBs" : "evicting pod violates a PDB"
      if (node !== undefined) {
        yield* recorder.publish({
          object: node,
          type: "Warning",
          reason: "FailedDraining",
          message: `Failed to drain node, ${why}: pod ${keyOf(pod)}`,
          dedupe: [node.metadata.uid ?? node.metadata.name, keyOf(pod)]
        })
      }
      return yield* pause(entry)
    })

    const refused = (pod: Pod, entry: Entry) => Effect.fnUntraced(function*(error: KubeError) {
      requests.inc({ code: String(error.status) })
      switch (error.reason._tag) {
        case "NotFound":
        case "Conflict": return yield* left(pod)
        case "DisruptionBlocked": return yield* blocked(pod, entry, error.reason.multipleBudgets)
        case "Throttled": return yield* pause(entry)
        default: return yield* error
      }
    })

    const evict = (pod: Pod, entry: Entry) => kube.evict(pod.metadata, { uid: entry.uid }).pipe(
      Effect.andThen(Effect.gen(function*() {
        const reason = reasonOf(pod)
        requests.inc({ code: "200" })
        drained.inc({ reason })
        yield* recorder.publish({
          object: pod,
          type: "Normal",
          reason: "Evicted",
          message: reason === "" ? "Evicted pod" : `Evicted pod: ${reason}`,
          dedupe: [entry.uid]
        })
        return yield* left(pod)
      })),
      Effect.catchTag("KubeError", refused(pod, entry))
    )

    const forceDelete = Effect.fnUntraced(function*(pod: Pod, entry: Entry, deadline: number, now: number) {
      // Zero would make the API server forget the pod while its containers still run.
      const gracePeriodSeconds = Math.max(1, Math.floor((deadline - now) / 1000))
      yield* recorder.publish({
        object: pod,
        type: "Normal",
        reason: "Disrupted",
        message: `Deleting the pod to accommodate the terminationGracePeriod of its node, ${new Date(deadline).toISOString()}`,
        dedupe: [entry.uid]
      })
      yield* kube.delete(Pods, pod.metadata, { uid: entry.uid, gracePeriodSeconds })
      // One that was leaving before, only too slowly, has been counted.
      if (isActive(pod)) drained.inc({ reason: reasonOf(pod) })
      return yield* left(pod)
    })

    return yield* runController({
      name: "eviction-queue",
      kind: Pods,
      workers,
      backoff: { base: firstDelayMillis, max: longestDelayMillis },
      triggers: [byHand],
      reconcile: Effect.fnUntraced(function*(ref) {
        const pod = pods.get(ref)
        const key = `${ref.namespace ?? ""}/${ref.name}`
        const entry = entries.get(key)
        if (entry === undefined) return done
        if (pod === undefined || pod.metadata.uid !== entry.uid) {
          entries.delete(key)
          return done
        }
        // Whose node is gone is taken by Kubernetes: the deadline was the node's.
        if (nodeOf(pod) === undefined) return yield* left(pod)
        const now = yield* Clock.currentTimeMillis
        if (entry.deadline !== undefined && needsForceDelete(pod, entry.deadline, now)) {
          return yield* forceDelete(pod, entry, entry.deadline, now).pipe(Effect.catchIf(isNotFound, () => left(pod)))
        }
        if (!isActive(pod)) return yield* left(pod)
        yield* tell(pod, doNotDisrupt(pod, now))
        return isEvictable(pod, now) ? yield* evict(pod, entry) : yield* pause(entry)
      })
    })
  })
  return { add, run }
})
