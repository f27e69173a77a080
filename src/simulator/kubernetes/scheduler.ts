/** A kube-scheduler in miniature: binds pods to nodes that fit, and says Unschedulable where none does. */
import { Clock, Effect } from "effect"
import { Kube } from "../../kube/kube.ts"
import type { Node, Pod } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { freeOn, refusal, requestsOf } from "./fit.ts"
import { everySoOften } from "./loop.ts"

const isOver = (pod: Pod): boolean => pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed"

const explain = (refusals: ReadonlyArray<string>, nodes: number): string => {
  const counts = new Map<string, number>()
  for (const each of refusals) counts.set(each, (counts.get(each) ?? 0) + 1)
  const parts = [...counts].map(([text, n]) => `${n} ${text}`).sort()
  return `0/${nodes} nodes are available${parts.length === 0 ? "" : `: ${parts.join(", ")}`}.`
}

/** The emptiest by CPU, as LeastAllocated prefers; by name among equals. */
const emptiest = (nodes: ReadonlyArray<readonly [Node, Map<string, number>]>) =>
  nodes.toSorted(([a, freeA], [b, freeB]) => (freeB.get("cpu") ?? 0) - (freeA.get("cpu") ?? 0) || a.metadata.name.localeCompare(b.metadata.name))[0]

const pass = Effect.gen(function*() {
  const kube = yield* Kube
  const pods = (yield* kube.list(Pods)).items
  const pending = pods.filter((pod) => pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined && !isOver(pod))
  if (pending.length === 0) return
  const nodes = (yield* kube.list(Nodes)).items.map((node) =>
    [node, freeOn(node, pods.filter((pod) => pod.spec.nodeName === node.metadata.name && !isOver(pod)))] as const)
  const at = new Date(yield* Clock.currentTimeMillis).toISOString()
  for (const pod of pending) {
    const found = emptiest(nodes.filter(([node, free]) => refusal(pod, node, free) === undefined))
    const others = (pod.status?.conditions ?? []).filter((c) => c.type !== "PodScheduled")
    if (found !== undefined) {
      const [node, free] = found
      for (const [name, quantity] of requestsOf(pod)) free.set(name, (free.get(name) ?? 0) - quantity)
      yield* kube.patch(Pods, pod.metadata, { spec: { nodeName: node.metadata.name } }, { kind: "merge" })
      const scheduled = { type: "PodScheduled", status: "True", lastTransitionTime: at }
      yield* kube.patch(Pods, pod.metadata, { status: { conditions: [...others, scheduled] } }, { kind: "merge", subresource: "status" })
      continue
    }
    if (pod.status?.conditions?.some((c) => c.reason === "Unschedulable") === true) continue
    const message = explain(nodes.map(([node, free]) => refusal(pod, node, free) ?? ""), nodes.length)
    const unschedulable = { type: "PodScheduled", status: "False", reason: "Unschedulable", message, lastTransitionTime: at }
    yield* kube.patch(Pods, pod.metadata, { status: { conditions: [...others, unschedulable] } }, { kind: "merge", subresource: "status" })
  }
})

/** Runs until interrupted. */
export const scheduler: Effect.Effect<never, never, Kube> = everySoOften("1 second", pass)
