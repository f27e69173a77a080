/**
 * The loop: which method has its turn, what it begins, and what is left of what it could not begin (Karpenter's
 * disruption/controller.go, queue.go).
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { annotation, disruptedTaint } from "../../../src/apis/labels.ts"
import { Cluster } from "../../../src/cluster/cluster.ts"
import { nominationKey } from "../../../src/cluster/stateNode.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Conflict, Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { defaultFeatureGates } from "../../../src/settings/featureGates.ts"
import { Settings } from "../../../src/settings/settings.ts"
import {
  all, asking, eventsOf, given, givenMachine, large, LinodeNodeClasses, medium, NodeClaims, nodeClass, nodePool, NodePools, Nodes, pass,
  pending, pod, Pods, settle, small, world
} from "../../cluster/world.ts"
import { allowAll, basics, conditionsOf, drifted, exposition, going, initialize, onPool, replacements, start, taintsOf } from "./support.ts"

/** Why each node that is to go does, by name. */
const reasons = Effect.map(all(NodeClaims), (claims) => Object.fromEntries(claims.flatMap(({ metadata: { name }, status }) =>
  status?.conditions?.filter(({ type }) => type === "DisruptionReason").map(({ reason }) => [name, reason]) ?? [])))

const busy = Effect.fnUntraced(function*(name: string, type: typeof small, cpu: string, conditions: ReadonlyArray<string>) {
  yield* givenMachine(name, { conditions, type })
  yield* given(Pods, pod(`${name}-0`, { nodeName: `node-${name}`, ...asking({ cpu, memory: "512Mi" }) }))
})

describe("methods have their turn in Karpenter's order", () => {
  it.effect("what is empty goes as empty, though it drifted too", () => Effect.gen(function*() {
    yield* basics()
    yield* givenMachine("a", { conditions: ["Consolidatable", "Drifted"] })
    yield* start
    yield* pass(16)
    assert.deepStrictEqual(yield* reasons, { a: "Empty" })
  }).pipe(Effect.provide(world)))

  it.effect("what drifted is replaced as drifted, though a cheaper one would do", () => Effect.gen(function*() {
    yield* basics()
    yield* busy("a", large, "1", ["Consolidatable", "Drifted"])
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* reasons, { a: "Drifted" })
  }).pipe(Effect.provide(world)))

  it.effect("while one drifts that cannot go, others are consolidated", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, budgets: [{ nodes: "0", reasons: ["Drifted"] }] })
    yield* busy("a", medium, "2500m", ["Drifted"])
    yield* busy("b", small, "1", ["Consolidatable"])
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* reasons, { b: "Underutilized" })
  }).pipe(Effect.provide(world)))

  it.effect("and say how many nodes each of them may take", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, budgets: [{ nodes: "0", reasons: ["Drifted"] }] })
    yield* busy("a", medium, "2500m", ["Drifted"])
    yield* busy("b", small, "1900m", ["Consolidatable"])
    yield* busy("c", small, "1900m", ["Consolidatable"])
    yield* start
    yield* pass(2)
    const text = yield* exposition
    for (const [reason, count] of [["empty", 0], ["drifted", 0], ["underutilized", 2]] as const) {
      assert.include(text, `karpenter_voluntary_disruption_eligible_nodes{reason="${reason}"} ${count}`)
    }
  }).pipe(Effect.provide(world)))
})

describe("pods that wait", () => {
  it.effect("and have no place do not hold up the replacement of a node", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a", ["3"])
    yield* given(Pods, pending("hopeless", asking({ cpu: "1000" })))
    yield* start
    assert.lengthOf(yield* replacements, 1)
  }).pipe(Effect.provide(world)))

  it.effect("have their place first: a pod that moves is not promised it", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a", ["2"])
    yield* givenMachine("b")
    yield* given(Pods, pending("w", asking({ cpu: "3", memory: "512Mi" })))
    yield* start
    assert.lengthOf(yield* replacements, 1, "the room on b is for the pod that waits")
  }).pipe(Effect.provide(world)))

  it.effect("because their node is being deleted may use one that is not initialized; those that move may not", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* busy("leaving", medium, "3", [])
    yield* kube.delete(NodeClaims, { name: "leaving" })
    yield* drifted("a", [])
    yield* givenMachine("young")
    yield* kube.patch(Nodes, { name: "node-young" }, { metadata: { labels: { "karpenter.sh/initialized": null } } }, { kind: "merge" })
    yield* start
    yield* pass(2)
    assert.deepStrictEqual(yield* going, ["a", "leaving"])
  }).pipe(Effect.provide(world)))
})

describe("what is begun", () => {
  it.effect("promises pods that move the nodes that they move to", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* basics()
    yield* drifted("a", ["1"])
    yield* givenMachine("b")
    yield* start
    assert.deepStrictEqual(yield* going, ["a"])
    const b = (yield* cluster.nodes).find(({ name }) => name === "node-b")
    assert.isTrue(b?.nominated, nominationKey(b!))
  }).pipe(Effect.provide(world)))

  it.effect("goes on with the nodes that could be marked, where none is replaced", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics()
    for (const name of ["a", "b"]) yield* givenMachine(name, { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(10)
    yield* memory.inject({ verb: "patch", resource: Nodes, reason: new Unavailable(), status: 503 })
    yield* pass(5)
    const [gone, ...more] = yield* going
    assert.lengthOf(more, 0)
    const other = gone === "a" ? "b" : "a"
    assert.deepStrictEqual(yield* taintsOf(other), [])
    assert.notInclude(yield* conditionsOf(other), "DisruptionReason")
    yield* pass(30)
    assert.deepStrictEqual(yield* going, ["a", "b"])
  }).pipe(Effect.provide(world)))

  it.effect("is taken back where one of several nodes could not be marked that are replaced together", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics()
    // Together they fit on one that costs less than both.
    yield* busy("a", medium, "900m", ["Consolidatable"])
    yield* busy("b", medium, "900m", ["Consolidatable"])
    yield* start
    yield* pass(14)
    yield* memory.inject({ verb: "patch", resource: NodeClaims, reason: new Unavailable(), status: 503 })
    yield* pass(1)
    assert.include((yield* eventsOf("ConsolidationCandidate"))[0]?.message, "[node-a, node-b] -> [1 replacement]")
    for (const name of ["a", "b"]) {
      assert.deepStrictEqual(yield* taintsOf(name), [])
      assert.notInclude(yield* conditionsOf(name), "DisruptionReason")
    }
    assert.lengthOf(yield* replacements, 0)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))

  it.effect("is deleted only as it was read: another write in between has it read anew", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics()
    yield* givenMachine("a", { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(10)
    yield* memory.inject({ verb: "delete", resource: NodeClaims, reason: new Conflict(), status: 409 })
    yield* pass(5)
    assert.strictEqual(yield* memory.count("delete", NodeClaims), 2)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("is one replacement at a time, and the next one as soon as it is under way", () => Effect.gen(function*() {
    yield* basics()
    for (const name of ["a", "b"]) yield* drifted(name, ["3"])
    yield* start
    yield* pass(2)
    assert.lengthOf(yield* replacements, 2)
    const ids = (yield* replacements).map(({ metadata }) => (JSON.parse(metadata.annotations?.[annotation.replaces] ?? "{}") as { id: string }).id)
    assert.notStrictEqual(ids[0], ids[1])
  }).pipe(Effect.provide(world)))
})

describe("a fruitless search", () => {
  const searches = Effect.map(exposition, (text) =>
    Number(/karpenter_consolidation_moves_total\{decision="rejected",nodepool="default",policy="Balanced"\} (\d+)/u.exec(text)?.[1] ?? 0))

  it.effect("is repeated when something has changed, and else after five minutes", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, consolidationPolicy: "Balanced" })
    yield* givenMachine("held", { type: large, annotations: { [annotation.doNotDisrupt]: "true" } })
    // It saves little for the pods that would have to move.
    yield* givenMachine("a", { type: small, conditions: ["Consolidatable"] })
    for (let i = 0; i < 15; i++) yield* given(Pods, pod(`a-${i}`, { nodeName: "node-a", ...asking({ cpu: "100m" }) }))
    yield* start
    yield* pass(4 * 60)
    assert.strictEqual(yield* searches, 1)
    yield* pass(75)
    assert.strictEqual(yield* searches, 2)
    yield* given(Pods, pod("more", { nodeName: "node-a", ...asking({ cpu: "100m" }) }))
    yield* pass(11)
    assert.strictEqual(yield* searches, 3)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))
})

describe("a drifted node of a static NodePool", () => {
  const gated = Layer.effect(Settings, Effect.map(Settings, (settings) =>
    Settings.of({ ...settings, featureGates: { ...defaultFeatureGates, StaticCapacity: true } }))).pipe(Layer.provideMerge(world))
  const fixed = (replicas: number, nodes: number, budget = "100%") => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("fixed", {
      replicas, limits: { nodes: String(nodes) }, disruption: { consolidateAfter: "0s", budgets: [{ nodes: budget }] }
    }))
  })
  const old = (name: string) => givenMachine(name, { conditions: ["Drifted"], nodePool: "fixed" })

  const cases: ReadonlyArray<readonly [string, Parameters<typeof fixed>, number]> = [
    ["all at once where limit and budget allow", [3, 6], 3],
    ["as many as the limit has places for", [3, 4], 1],
    ["as many as the budget allows", [3, 6, "2"], 2],
    ["none where the budget is zero", [3, 6, "0"], 0],
    ["none where there is no place", [3, 3], 0],
    ["none while there are more than there should be: one of those may be what drifted", [2, 6], 0]
  ]
  for (const [what, parts, count] of cases) {
    it.effect(`is replaced by one of its template: ${what}`, () => Effect.gen(function*() {
      yield* fixed(...parts)
      for (const name of ["a", "b", "c"]) yield* old(name)
      yield* start
      yield* pass(5)
      assert.lengthOf(yield* replacements, count)
      assert.lengthOf(Object.values(yield* reasons), count)
      assert.deepStrictEqual(yield* going, [])
    }).pipe(Effect.provide(gated)))
  }

  it.effect("stays where the limit leaves no place beside replicas, and its NodePool says what to do", () => Effect.gen(function*() {
    yield* fixed(3, 3)
    for (const name of ["a", "b", "c"]) yield* old(name)
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* onPool("DisruptionBlocked"), [
      "Drifted nodes are not replaced: limits.nodes is 3 and spec.replicas 3, which leaves no place for a replacement. " +
      "Raise limits.nodes, or delete drifted NodeClaims by hand"
    ])
  }).pipe(Effect.provide(gated)))

  it.effect("waits for a place that is being freed, and its NodePool says nothing", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* fixed(2, 3)
    for (const name of ["a", "b", "c"]) yield* old(name)
    yield* kube.delete(NodeClaims, { name: "c" })
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* replacements, 0)
    assert.deepStrictEqual(yield* onPool("DisruptionBlocked"), [])
  }).pipe(Effect.provide(gated)))

  it.effect("goes when its own replacement is initialized", () => Effect.gen(function*() {
    yield* fixed(1, 2)
    yield* old("a")
    yield* start
    const [replacement] = yield* replacements
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    yield* initialize(replacement!)
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(gated)))

  it.effect("stays where the gate is off", () => Effect.gen(function*() {
    yield* fixed(1, 2)
    yield* old("a")
    yield* start
    yield* pass(5)
    yield* settle
    assert.lengthOf(yield* replacements, 0)
    assert.deepStrictEqual(yield* taintsOf("a"), [])
  }).pipe(Effect.provide(world)))
})
