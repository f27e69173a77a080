/**
 * What is decided is looked at once more 15 seconds later, and what does not hold any more leaves no trace: no taint, no
 * reason on a claim, nothing bought (Karpenter's disruption/validation.go).
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation } from "../../../src/apis/labels.ts"
import { Cluster } from "../../../src/cluster/cluster.ts"
import type { CloudProvider } from "../../../src/cloud/cloudProvider.ts"
import { Kube } from "../../../src/kube/kube.ts"
import type { KubeError } from "../../../src/kube/kubeError.ts"
import type { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { PodDisruptionBudgets } from "../../../src/kube/resources.ts"
import {
  all, asking, eventsOf, FakeCloud, given, givenMachine, isTrue, large, medium, NodeClaims, NodePools, Nodes, pass, pod, Pods, small, world
} from "../../cluster/world.ts"
import { basics, conditionsOf, exposition, going, replacements, start, taintsOf } from "./support.ts"

type Change = Effect.Effect<unknown, KubeError, Kube | Cluster | CloudProvider | FakeCloud | MemoryApiServer>

const forbids = { [annotation.doNotDisrupt]: "true" }
const patchPool = (disruption: object) => Kube.use((kube) =>
  kube.patch(NodePools, { name: "default" }, { spec: { disruption } }, { kind: "merge" }))
const patchNode = (name: string, patch: object, subresource?: "status") => Kube.use((kube) =>
  kube.patch(Nodes, { name }, patch, { kind: "merge", ...(subresource === undefined ? {} : { subresource }) }))

const used = Effect.fnUntraced(function*(name: string, type: typeof small, cpu: string) {
  yield* givenMachine(name, { conditions: ["Consolidatable"], type })
  yield* given(Pods, pod(`${name}-0`, { nodeName: `node-${name}`, ...asking({ cpu, memory: "512Mi" }) }, { labels: { app: name } }))
})

/** `a` could go, its pod to `b`. */
const oneTooMany = Effect.gen(function*() {
  yield* used("a", small, "1")
  yield* used("b", medium, "2500m")
})

/** `a` could be a smaller one. */
const oneTooLarge = used("a", large, "3")

const untouched = Effect.fnUntraced(function*(name: string) {
  assert.deepStrictEqual(yield* taintsOf(name), [])
  assert.notInclude(yield* conditionsOf(name), "DisruptionReason")
  assert.lengthOf(yield* replacements, 0)
})

const rejections = Effect.map(eventsOf("ConsolidationRejected"), (events) => [...new Set(events.map(({ message }) => message.split(": ").at(-1)))])

describe("a consolidation is not done", () => {
  const cases: ReadonlyArray<readonly [why: string, as: "churn" | "budget" | "scheduling", before: Change, change: Change]> = [
    ["its node's annotation forbids it by now", "churn", oneTooMany, patchNode("node-a", { metadata: { annotations: forbids } })],
    ["a pod that came forbids it", "churn", oneTooMany, given(Pods, pod("late", { nodeName: "node-a" }, { annotations: forbids }))],
    ["a budget of its pods lets none go by now", "churn", oneTooMany, given(PodDisruptionBudgets, {
      metadata: { name: "strict", namespace: "default" }, spec: { selector: { matchLabels: { app: "a" } }, minAvailable: 1 }
    })],
    ["its node was promised to a pod", "churn", oneTooMany, Cluster.use((cluster) => cluster.nominate("a", "20 seconds"))],
    ["its node is empty by now", "churn", oneTooMany, Kube.use((kube) =>
      kube.delete(Pods, { name: "a-0", namespace: "default" }, { gracePeriodSeconds: 0 }))],
    ["its node's quiet time has begun anew", "churn", oneTooMany, Kube.use((kube) => kube.patch(NodeClaims, { name: "a" }, {
      status: { conditions: ["Launched", "Registered", "Initialized", "Ready"].map(isTrue) }
    }, { kind: "merge", subresource: "status" }))],
    ["its NodePool lets only empty nodes go by now", "churn", oneTooMany, patchPool({ consolidationPolicy: "WhenEmpty" })],
    ["its NodePool never consolidates by now", "churn", oneTooMany, patchPool({ consolidateAfter: "Never" })],
    ["somebody else has deleted the claim", "churn", oneTooMany, Kube.use((kube) => kube.delete(NodeClaims, { name: "a" }))],
    ["the budget is zero by now", "budget", oneTooMany, patchPool({ budgets: [{ nodes: "0" }] })],
    ["another node is broken and uses the budget up", "budget", oneTooMany.pipe(Effect.andThen(givenMachine("c")), Effect.andThen(
      patchPool({ budgets: [{ nodes: "1" }, { nodes: "0", reasons: ["Empty"] }] })
    )), patchNode("node-c", { status: { conditions: [{ type: "Ready", status: "False" }] } }, "status")],
    ["pods have taken the room", "scheduling", oneTooMany,
      given(Pods, pod("late", { nodeName: "node-b", ...asking({ cpu: "1200m" }) }))],
    ["the node with the room is going", "scheduling", oneTooMany, Kube.use((kube) => kube.delete(NodeClaims, { name: "b" }))],
    ["the cheaper type is sold out by now", "scheduling", oneTooLarge, FakeCloud.use((cloud) => Effect.sync(() => {
      cloud.types = [large]
    }))],
    ["its pods need the larger type by now", "scheduling", oneTooLarge,
      given(Pods, pod("late", { nodeName: "node-a", ...asking({ cpu: "3" }) }))]
  ]
  for (const [why, as, before, change] of cases) {
    it.effect(`where ${why}`, () => Effect.gen(function*() {
      yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "100%" }] })
      yield* before
      yield* start
      yield* pass(10)
      yield* change
      const gone = yield* going
      yield* pass(5)
      assert.deepStrictEqual(yield* rejections, [as])
      assert.deepStrictEqual(yield* going, gone)
      yield* untouched("a")
      const failures = as === "scheduling" ? 0 : 1
      assert.include((yield* exposition) + "\nfailed_validations_total{consolidation_type=\"single\"} 0",
        `failed_validations_total{consolidation_type="single"} ${failures}`)
    }).pipe(Effect.provide(world)))
  }

  it.effect("of several nodes where one of them may not go any more: all of them count as failed", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "100%" }] })
    yield* used("a", small, "400m")
    yield* used("b", small, "400m")
    yield* used("c", large, "4")
    yield* start
    yield* pass(10)
    yield* patchNode("node-b", { metadata: { annotations: forbids } })
    yield* pass(5)
    assert.deepStrictEqual(yield* rejections, ["churn"])
    assert.deepStrictEqual(yield* going, [])
    for (const name of ["a", "b"]) yield* untouched(name)
    assert.include(yield* exposition, "failed_validations_total{consolidation_type=\"multi\"} 2")
  }).pipe(Effect.provide(world)))
})

describe("of empty nodes", () => {
  it.effect("those go that still may, and each of the others counts as failed", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "100%" }] })
    for (const name of ["a", "b", "c"]) yield* givenMachine(name, { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(10)
    yield* patchNode("node-b", { metadata: { annotations: forbids } })
    yield* given(Pods, pod("late", { nodeName: "node-c" }))
    yield* pass(5)
    assert.deepStrictEqual(yield* going, ["a"])
    for (const name of ["b", "c"]) yield* untouched(name)
    assert.include(yield* exposition, "failed_validations_total{consolidation_type=\"empty\"} 2")
  }).pipe(Effect.provide(world)))

  it.effect("no more go than the budget leaves by then", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "100%" }] })
    for (const name of ["a", "b", "c"]) yield* givenMachine(name, { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(10)
    yield* patchPool({ budgets: [{ nodes: "1" }] })
    yield* pass(5)
    assert.lengthOf(yield* going, 1)
    assert.lengthOf((yield* all(Nodes)).filter(({ spec }) => (spec?.taints ?? []).length > 0), 1)
  }).pipe(Effect.provide(world)))
})
