/**
 * Every kubelet at once: bound pods on ready nodes start after a moment, terminating ones go, and pods whose node is gone
 * are collected as kube-controller-manager's pod garbage collector does.
 */
import { Clock, Effect } from "effect"
import { Kube } from "../../kube/kube.ts"
import { isNotFound } from "../../kube/kubeError.ts"
import type { Pod } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { isReady } from "./fit.ts"
import { everySoOften } from "./loop.ts"

/** How long the pods of a vanished node stay. */
const orphanMillis = 40_000

const running = (pod: Pod, at: string): Pod["status"] => ({
  ...pod.status,
  phase: "Running",
  startTime: at,
  conditions: [
    ...(pod.status?.conditions ?? []).filter((c) => c.type !== "Ready"),
    { type: "Ready", status: "True", lastTransitionTime: at }
  ]
})

/** Runs until interrupted. */
export const kubelets: Effect.Effect<never, never, Kube> = Effect.suspend(() => {
  const orphanedAt = new Map<string, number>()
  const pass = Effect.gen(function*() {
    const kube = yield* Kube
    const now = yield* Clock.currentTimeMillis
    const at = new Date(now).toISOString()
    const nodes = new Map((yield* kube.list(Nodes)).items.map((node) => [node.metadata.name, node]))
    const remove = (pod: Pod) => kube.delete(Pods, pod.metadata, { gracePeriodSeconds: 0 }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
    for (const pod of (yield* kube.list(Pods)).items) {
      if (pod.spec.nodeName === undefined) continue
      const node = nodes.get(pod.spec.nodeName)
      if (node === undefined) {
        const since = orphanedAt.get(pod.metadata.uid ?? "") ?? now
        orphanedAt.set(pod.metadata.uid ?? "", since)
        if (now - since >= orphanMillis) yield* remove(pod)
      } else if (isReady(node)) {
        if (pod.metadata.deletionTimestamp !== undefined) yield* remove(pod)
        else if (pod.status?.phase === "Pending") {
          yield* kube.patch(Pods, pod.metadata, { status: running(pod, at) }, { kind: "merge", subresource: "status" })
        }
      }
    }
  })
  return everySoOften("1 second", pass)
})
