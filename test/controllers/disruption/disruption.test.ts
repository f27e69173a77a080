import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint } from "../../../src/apis/labels.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { Cluster } from "../../../src/cluster/cluster.ts"
import { disruption } from "../../../src/controllers/disruption/disruption.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Conflict } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { PodDisruptionBudgets } from "../../../src/kube/resources.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import {
  all, eventsOf, given, givenMachine, isTrue, LinodeNodeClasses, NodeClaims, nodeClass, nodePool, NodePools, Nodes, pass, pod,
  Pods, settle, world
} from "../../cluster/world.ts"

const start = Effect.forkScoped(disruption).pipe(Effect.andThen(settle))

const allowAll: NodePool["spec"]["disruption"] = { consolidateAfter: "0s", budgets: [{ nodes: "100%" }] }

const basics = (disruptionSpec: NodePool["spec"]["disruption"] = allowAll) => Effect.gen(function*() {
  yield* given(LinodeNodeClasses, nodeClass())
  yield* given(NodePools, nodePool("default", { disruption: disruptionSpec! }))
})

const empty = (name: string, more: Parameters<typeof givenMachine>[1] = {}) =>
  givenMachine(name, { conditions: ["Consolidatable"], ...more })

const exposition = Metrics.use((metrics) => metrics.exposition)
const ownedByDaemonSet = [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "u" }]
const ownedByNode = [{ apiVersion: "v1", kind: "Node", name: "node-a", uid: "u" }]

/** Names of the claims whose deletion has begun. */
const going = Effect.map(all(NodeClaims), (claims) =>
  claims.filter((claim) => claim.metadata.deletionTimestamp !== undefined).map((claim) => claim.metadata.name).toSorted())

const taints = Effect.map(all(Nodes), (nodes) => nodes.map((node) => (node.spec?.taints ?? []).map((taint) => taint.key)))

describe("an empty node", () => {
  it.effect("goes 15 seconds after it was found, tainted and with the reason on its claim", () => Effect.gen(function*() {
    yield* basics()
    yield* empty("a")
    yield* start
    yield* pass(14)
    assert.deepStrictEqual(yield* going, [])
    assert.deepStrictEqual(yield* taints, [[]])
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
    const [node] = yield* all(Nodes)
    const [claim] = yield* all(NodeClaims)
    assert.deepStrictEqual(node?.spec?.taints, [disruptedTaint])
    const condition = claim?.status?.conditions?.find((one) => one.type === "DisruptionReason")
    assert.deepInclude(condition, { status: "True", reason: "Empty", message: "Empty" })
    const events = yield* eventsOf("DisruptionTerminating")
    assert.deepStrictEqual(
      events.map((event) => event.message).toSorted(), ["Disrupting Node: Empty", "Disrupting NodeClaim: Empty"]
    )
    const text = yield* exposition
    assert.include(
      text,
      "karpenter_nodeclaims_disrupted_total{reason=\"empty\",nodepool=\"default\",capacity_type=\"on-demand\"," +
        "consolidation_policy=\"when_empty_or_underutilized\",termination_mode=\"graceful\"} 1"
    )
  }).pipe(Effect.provide(world)))

  it.effect("is found at the next look when its quiet time ends", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    const claim = yield* givenMachine("a")
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    yield* kube.patch(NodeClaims, claim.metadata, {
      status: { conditions: [...claim.status?.conditions ?? [], isTrue("Consolidatable")] }
    }, { kind: "merge", subresource: "status" })
    yield* pass(25)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("may run daemons and mirror pods, and pods that are ending", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* empty("a")
    yield* given(Pods, pod("daemon", { nodeName: "node-a" }, { ownerReferences: ownedByDaemonSet }))
    yield* given(Pods, pod("mirror", { nodeName: "node-a" }, { ownerReferences: ownedByNode }))
    const ending = yield* given(Pods, pod("ending", { nodeName: "node-a" }))
    yield* kube.delete(Pods, ending.metadata)
    yield* start
    yield* pass(15)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("stays when a pod lands on it in the meantime", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, consolidationPolicy: "WhenEmpty" })
    yield* empty("a")
    yield* start
    yield* pass(10)
    yield* given(Pods, pod("late", { nodeName: "node-a" }))
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    assert.deepStrictEqual(yield* taints, [[]])
    assert.include(yield* exposition, "failed_validations_total{consolidation_type=\"empty\"} 1")
  }).pipe(Effect.provide(world)))

  it.effect("stays while a pod is expected on it", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* basics()
    yield* empty("a")
    yield* cluster.nominate("a", "20 seconds")
    yield* start
    yield* pass(19)
    assert.deepStrictEqual(yield* going, [])
    yield* pass(20)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("stays when it was promised to a pod while it was being looked at", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* basics()
    yield* empty("a")
    yield* start
    yield* pass(10)
    yield* cluster.nominate("a", "20 seconds")
    yield* pass(10)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))

  it.effect("stays, and says why, when it or a pod on it must not be disrupted", () => Effect.gen(function*() {
    yield* basics()
    yield* empty("annotated", { annotations: { [annotation.doNotDisrupt]: "true" } })
    yield* empty("holding")
    const annotations = { [annotation.doNotDisrupt]: "true" }
    yield* given(Pods, pod("p", { nodeName: "node-holding" }, { ownerReferences: ownedByDaemonSet, annotations }))
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    const messages = new Set((yield* eventsOf("DisruptionBlocked")).map((event) => event.message))
    assert.lengthOf([...messages], 2)
  }).pipe(Effect.provide(world)))

  it.effect("says at once what holds it when it has just said what it was waiting for", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* basics()
    yield* empty("a")
    yield* cluster.nominate("a", "20 seconds")
    yield* given(Pods, pod("p", { nodeName: "node-a" }, { annotations: { [annotation.doNotDisrupt]: "true" } }))
    yield* start
    yield* pass(35)
    const messages = (yield* eventsOf("DisruptionBlocked")).filter(({ involvedObject }) => involvedObject.kind === "Node")
      .map(({ message }) => message)
    assert.lengthOf(messages, 2)
    assert.include(messages[0], "nominated")
    assert.include(messages[1], "Pod=default/p")
  }).pipe(Effect.provide(world)))

  it.effect("stays while a budget of its daemons' pods allows no eviction", () => Effect.gen(function*() {
    yield* basics()
    yield* empty("a")
    yield* given(Pods, pod("p", { nodeName: "node-a" }, { labels: { app: "x" }, ownerReferences: ownedByDaemonSet }))
    yield* given(PodDisruptionBudgets, {
      metadata: { name: "strict", namespace: "default" }, spec: { selector: { matchLabels: { app: "x" } }, minAvailable: 1 }
    })
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    assert.include((yield* eventsOf("DisruptionBlocked"))[0]?.message, "default/strict")
  }).pipe(Effect.provide(world)))
})

describe("budgets", () => {
  it.effect("of zero keep every node, and the NodePool says so", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "0" }] })
    yield* empty("a")
    yield* start
    yield* pass(120)
    assert.deepStrictEqual(yield* going, [])
    const [event] = yield* eventsOf("DisruptionBlocked")
    assert.strictEqual(event?.involvedObject.kind, "NodePool")
    assert.include(yield* exposition, "karpenter_nodepools_allowed_disruptions{nodepool=\"default\",reason=\"Empty\"} 0")
  }).pipe(Effect.provide(world)))

  it.effect("for another reason do not matter", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "0", reasons: ["Drifted"] }] })
    yield* empty("a")
    yield* start
    yield* pass(15)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("let so many nodes go at a time, and those still going count", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "2" }] })
    for (const name of ["a", "b", "c", "d"]) yield* empty(name)
    yield* start
    yield* pass(120)
    assert.deepStrictEqual(yield* going, ["a", "b"])
  }).pipe(Effect.provide(world)))

  it.effect("are used up by nodes that are broken", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "1" }] })
    yield* givenMachine("broken")
    yield* kube.patch(Nodes, { name: "node-broken" }, {
      status: { conditions: [{ type: "Ready", status: "False" }] }
    }, { kind: "merge", subresource: "status" })
    yield* empty("a")
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))
})

describe("what was left half done", () => {
  it.effect("is undone: the taint and the reason of a node that nobody deletes", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* givenMachine("a", { conditions: ["DisruptionReason"] })
    yield* kube.patch(
      Nodes, { name: "node-a" }, { spec: { taints: [disruptedTaint, { key: "own", effect: "NoSchedule" }] } }, { kind: "merge" }
    )
    yield* start
    assert.deepStrictEqual(yield* taints, [["own"]])
    const [claim] = yield* all(NodeClaims)
    assert.notInclude((claim?.status?.conditions ?? []).map((condition) => condition.type), "DisruptionReason")
  }).pipe(Effect.provide(world)))

  it.effect("is left to termination when the claim is being deleted", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* givenMachine("a")
    yield* kube.patch(Nodes, { name: "node-a" }, { spec: { taints: [disruptedTaint] } }, { kind: "merge" })
    yield* kube.delete(NodeClaims, { name: "a" })
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* taints, [[disruptedTaint.key]])
  }).pipe(Effect.provide(world)))

  it.effect("is begun again when somebody else wrote in between", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics()
    yield* empty("a")
    yield* memory.inject({ verb: "patch", resource: NodeClaims, reason: new Conflict(), status: 409 })
    yield* start
    yield* pass(16)
    assert.deepStrictEqual(yield* going, [])
    yield* pass(45)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))
})
