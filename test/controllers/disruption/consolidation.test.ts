/** Consolidation in the cluster: what the search finds is looked at twice, told, and carried out. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint } from "../../../src/apis/labels.ts"
import { Kube } from "../../../src/kube/kube.ts"
import {
  all, asking, eventsOf, given, givenMachine, large, medium, NodeClaims, nodePool, NodePools, pass, pending, pod, Pods, small, world
} from "../../cluster/world.ts"
import { allowAll, basics, exposition, going, initialize, lose, replacements, start, taintsOf } from "./support.ts"

/** A machine that may be consolidated, with pods that ask for so many CPUs each. */
const used = Effect.fnUntraced(function*(
  name: string, cpus: ReadonlyArray<string>, more: Parameters<typeof givenMachine>[1] = {}, annotations: Readonly<Record<string, string>> = {}
) {
  const claim = yield* givenMachine(name, { conditions: ["Consolidatable"], ...more })
  for (const [i, cpu] of cpus.entries()) {
    yield* given(Pods, pod(`${name}-${i}`, { nodeName: `node-${name}`, ...asking({ cpu, memory: "512Mi" }) }, { annotations }))
  }
  return claim
})

describe("a node whose pods have room elsewhere", () => {
  it.effect("goes 15 seconds after it was found", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["1"], { type: small })
    yield* used("b", ["2500m"], { type: medium })
    yield* start
    yield* pass(14)
    assert.deepStrictEqual(yield* going, [])
    assert.deepStrictEqual(yield* taintsOf("a"), [])
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
    assert.lengthOf(yield* replacements, 0)
    const text = yield* exposition
    assert.include(
      text, "karpenter_voluntary_disruption_decisions_total{decision=\"delete\",reason=\"underutilized\",consolidation_type=\"single\"} 1"
    )
    assert.include(
      text,
      "karpenter_nodeclaims_disrupted_total{reason=\"underutilized\",nodepool=\"default\",capacity_type=\"on-demand\"," +
        "consolidation_policy=\"when_empty_or_underutilized\",termination_mode=\"graceful\"} 1"
    )
  }).pipe(Effect.provide(world)))

  it.effect("stays when a pod that must not be disrupted lands on it in the meantime, and says so", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["1"], { type: small })
    yield* used("b", ["2500m"], { type: medium })
    yield* start
    yield* pass(10)
    const annotations = { [annotation.doNotDisrupt]: "true" }
    yield* given(Pods, pod("late", { nodeName: "node-a", ...asking({ cpu: "100m" }) }, { annotations }))
    yield* pass(5)
    assert.deepStrictEqual(yield* going, [])
    assert.include((yield* eventsOf("ConsolidationRejected")).map(({ message }) => message).join(), "churn")
    assert.include(yield* exposition, "failed_validations_total{consolidation_type=\"single\"} 1")
  }).pipe(Effect.provide(world)))

  it.effect("stays when pods have taken that room in the meantime", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["1"], { type: small })
    yield* used("b", ["2500m"], { type: medium })
    yield* start
    yield* pass(10)
    yield* given(Pods, pod("late", { nodeName: "node-b", ...asking({ cpu: "1200m" }) }))
    yield* pass(5)
    assert.deepStrictEqual(yield* going, [])
    assert.include((yield* eventsOf("ConsolidationRejected")).map(({ message }) => message).join(), "scheduling")
  }).pipe(Effect.provide(world)))

  it.effect("stays while pods wait that need the room", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["1"], { type: small })
    yield* used("b", ["2500m"], { type: medium })
    yield* given(Pods, pending("w", asking({ cpu: "1500m", memory: "512Mi" })))
    yield* start
    yield* pass(60)
    assert.notInclude(yield* going, "b")
  }).pipe(Effect.provide(world)))

  for (const [what, spec] of [
    ["its NodePool's policy is WhenEmpty", { ...allowAll, consolidationPolicy: "WhenEmpty" as const }],
    ["its NodePool's consolidateAfter is Never", { ...allowAll, consolidateAfter: "Never" }]
  ] as const) {
    it.effect(`stays where ${what}, and says so`, () => Effect.gen(function*() {
      yield* basics(spec)
      yield* used("a", ["1"], { type: small })
      yield* used("b", ["2500m"], { type: medium })
      yield* start
      yield* pass(60)
      assert.deepStrictEqual(yield* going, [])
      assert.include((yield* eventsOf("Unconsolidatable")).map(({ message }) => message).join(), "consolidation disabled")
    }).pipe(Effect.provide(world)))
  }

  it.effect("stays where the budget for it is zero, until it is more", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics({ consolidateAfter: "0s", budgets: [{ nodes: "0", reasons: ["Underutilized"] }] })
    yield* used("a", ["1"], { type: small })
    yield* used("b", ["2500m"], { type: medium })
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    yield* kube.patch(NodePools, { name: "default" }, { spec: { disruption: { budgets: [{ nodes: "1" }] } } }, { kind: "merge" })
    yield* pass(26)
    assert.lengthOf(yield* going, 1)
  }).pipe(Effect.provide(world)))

  it.effect("takes none of them while pods came or went on it not long ago", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics({ consolidateAfter: "10m", budgets: [{ nodes: "100%" }] })
    yield* used("a", ["1500m"], { type: small })
    const b = yield* used("b", ["2500m"], { type: medium, conditions: [] })
    yield* kube.patch(NodeClaims, b.metadata, { status: { lastPodEventTime: "1970-01-01T00:00:00Z" } }, { kind: "merge", subresource: "status" })
    yield* start
    yield* pass(120)
    assert.deepStrictEqual(yield* going, [])
    assert.isAbove((yield* eventsOf("Unconsolidatable")).length, 0)
  }).pipe(Effect.provide(world)))
})

describe("nodes whose pods fit on a cheaper one", () => {
  it.effect("go when it is initialized", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["3"], { type: large })
    yield* start
    yield* pass(16)
    const [replacement, ...more] = yield* replacements
    assert.lengthOf(more, 0)
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    assert.deepStrictEqual(yield* going, [])
    const named = replacement?.spec.requirements.find(({ key }) => key === "node.kubernetes.io/instance-type")?.values
    assert.deepStrictEqual(named, ["medium"])
    assert.include(yield* exposition, "karpenter_nodeclaims_created_total{reason=\"underutilized\"")
    assert.include((yield* eventsOf("ConsolidationCandidate"))[0]?.message, "replace: nodepools=[default]: [node-a] -> [1 replacement]")
    yield* initialize(replacement!, medium)
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("stay when it is lost, and their NodePool says how long it waits, and why", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["3"], { type: large })
    yield* start
    yield* pass(16)
    yield* lose((yield* replacements)[0]!)
    yield* pass(12)
    const told = (yield* eventsOf("Unconsolidatable")).filter(({ involvedObject }) => involvedObject?.kind === "NodePool")
    assert.lengthOf(told, 1)
    assert.match(told[0]!.message ?? "", /^Not consolidated until 1970-01-01T00:0[01]:..\....Z: the replacement/)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))

  it.effect("stay where the saving is less than is asked for, and say so once in 15 minutes", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["3"], { type: medium })
    yield* start
    yield* pass(14 * 60)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf((yield* eventsOf("Unconsolidatable")).filter(({ involvedObject }) => involvedObject.kind === "Node"), 1)
    yield* pass(7 * 60)
    assert.lengthOf((yield* eventsOf("Unconsolidatable")).filter(({ involvedObject }) => involvedObject.kind === "Node"), 2)
  }).pipe(Effect.provide(world)))
})

describe("the policy Balanced", () => {
  const balanced = Effect.gen(function*() {
    yield* basics({ ...allowAll, consolidationPolicy: "Balanced" })
    yield* given(NodePools, nodePool("other", { disruption: { ...allowAll, consolidateAfter: "Never" } }))
    yield* used("held", ["1"], { type: large }, { [annotation.doNotDisrupt]: "true" })
    yield* givenMachine("room", { type: large, nodePool: "other" })
  })

  it.effect("lets a node stay that saves little for the pods that it moves", () => Effect.gen(function*() {
    yield* balanced
    yield* used("cheap", Array.from({ length: 15 }, () => "100m"), { type: small })
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* going, [])
    assert.include(yield* exposition, "karpenter_consolidation_moves_total{decision=\"rejected\",nodepool=\"default\",policy=\"Balanced\"}")
  }).pipe(Effect.provide(world)))

  it.effect("lets one go that saves much", () => Effect.gen(function*() {
    yield* balanced
    yield* used("dear", ["1"], { type: large })
    yield* start
    yield* pass(16)
    assert.deepStrictEqual(yield* going, ["dear"])
    assert.include(yield* exposition, "karpenter_consolidation_moves_total{decision=\"approved\",nodepool=\"default\",policy=\"Balanced\"} 1")
    assert.include(yield* exposition, "karpenter_consolidation_score_count{decision=\"approved\",nodepool=\"default\",policy=\"Balanced\"} 1")
    assert.include((yield* eventsOf("ConsolidationApproved"))[0]?.message, "threshold 0.50")
  }).pipe(Effect.provide(world)))
})

describe("a cluster at rest", () => {
  it.effect("stays as it is", () => Effect.gen(function*() {
    yield* basics()
    yield* used("a", ["1500m"], { type: small })
    yield* used("b", ["3500m"], { type: medium })
    yield* start
    yield* pass(30 * 60)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* all(NodeClaims), 2)
  }).pipe(Effect.provide(world)))
})

