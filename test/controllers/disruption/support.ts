/** What the tests of disruption begin with, and what they ask. */
import { Effect } from "effect"
import { annotation } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { disruption } from "../../../src/controllers/disruption/disruption.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { isNotFound } from "../../../src/kube/kubeError.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import type { InstanceType } from "../../../src/scheduling/problem.ts"
import {
  all, asking, eventsOf, given, givenMachine, LinodeNodeClasses, machine, medium, NodeClaims, nodeClass, nodePool, NodePools, Nodes, pod, Pods,
  settle
} from "../../cluster/world.ts"

export const start = Effect.forkScoped(disruption).pipe(Effect.andThen(settle))

export const allowAll: NonNullable<NodePool["spec"]["disruption"]> = { consolidateAfter: "0s", budgets: [{ nodes: "100%" }] }

export const basics = (disruptionSpec: NodePool["spec"]["disruption"] = allowAll) => Effect.gen(function*() {
  yield* given(LinodeNodeClasses, nodeClass())
  yield* given(NodePools, nodePool("default", { disruption: disruptionSpec! }))
})

export const exposition = Metrics.use((metrics) => metrics.exposition)

/** Names of the claims whose deletion has begun. */
export const going = Effect.map(all(NodeClaims), (claims) =>
  claims.filter((claim) => claim.metadata.deletionTimestamp !== undefined).map((claim) => claim.metadata.name).toSorted())

/** Taints of a machine's node. */
export const taintsOf = (name: string) => Effect.map(all(Nodes), (nodes) =>
  (nodes.find((node) => node.metadata.name === `node-${name}`)?.spec?.taints ?? []).map((taint) => taint.key))

export const conditionsOf = (name: string) => Effect.map(all(NodeClaims), (claims) =>
  (claims.find((claim) => claim.metadata.name === name)?.status?.conditions ?? []).map((condition) => condition.type))

/** What NodePools say by events of this reason. */
export const onPool = (reason: string) => Effect.map(eventsOf(reason), (events) =>
  events.filter(({ involvedObject }) => involvedObject.kind === "NodePool").map(({ message }) => message))

/** Claims that were made to replace others. */
export const replacements = Effect.map(all(NodeClaims), (claims) =>
  claims.filter(({ metadata }) => metadata.annotations?.[annotation.replaces] !== undefined))

/** A machine that is not what would be made now, with pods that ask for so many CPUs each. */
export const drifted = Effect.fnUntraced(function*(
  name: string, cpus: ReadonlyArray<string> = ["1"], more: Parameters<typeof givenMachine>[1] = {}
) {
  yield* givenMachine(name, { ...more, conditions: ["Drifted", ...more.conditions ?? []] })
  for (const [i, cpu] of cpus.entries()) {
    yield* given(Pods, pod(`${name}-${i}`, { nodeName: `node-${name}`, ...asking({ cpu, memory: "512Mi" }) }))
  }
})

/** The claim's machine has come: its Node is there, and ready. */
export const initialize = Effect.fnUntraced(function*({ metadata }: NodeClaim, type: InstanceType = medium) {
  const kube = yield* Kube
  const { claim, node } = machine(metadata.name, { type })
  yield* given(Nodes, node)
  yield* kube.patch(NodeClaims, { name: metadata.name }, { metadata: { labels: claim.metadata.labels } }, { kind: "merge" })
  yield* kube.patch(NodeClaims, { name: metadata.name }, { status: claim.status }, { kind: "merge", subresource: "status" })
  yield* settle
})

/** The claim ends before its machine came, as when its type is sold out. */
export const lose = Effect.fnUntraced(function*({ metadata: { name } }: NodeClaim) {
  const kube = yield* Kube
  yield* kube.delete(NodeClaims, { name }).pipe(Effect.catchIf(isNotFound, () => Effect.void))
  yield* kube.patch(NodeClaims, { name }, { metadata: { finalizers: [] } }, { kind: "merge" })
  yield* settle
})

