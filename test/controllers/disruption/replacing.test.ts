/** Disruptions that have replacements, from the decision to the end, by the example of drift. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { annotation, disruptedTaint } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { disruption } from "../../../src/controllers/disruption/disruption.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Invalid } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { PodDisruptionBudgets } from "../../../src/kube/resources.ts"
import {
  all, asking, eventsOf, FakeCloud, given, givenMachine, huge, machine, NodeClaims, nodePool, NodePools, Nodes, pass, pod, Pods, isTrue, settle, small, world
} from "../../cluster/world.ts"
import { allowAll, basics, conditionsOf, drifted, exposition, going, initialize, lose, onPool, replacements, start, taintsOf } from "./support.ts"

describe("a drifted node", () => {
  it.effect("goes when its replacement is initialized, and not before", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    yield* start
    const [replacement, ...more] = yield* replacements
    assert.lengthOf(more, 0)
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    const [claim] = (yield* all(NodeClaims)).filter(({ metadata }) => metadata.name === "a")
    const condition = claim?.status?.conditions?.find(({ type }) => type === "DisruptionReason")
    assert.deepInclude(condition, { status: "True", reason: "Drifted", message: "Drifted" })
    yield* pass(120)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* eventsOf("DisruptionWaitingReadiness"), 1)
    yield* initialize(replacement!)
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    const text = yield* exposition
    assert.include(text, "karpenter_nodeclaims_created_total{reason=\"drifted\",nodepool=\"default\",min_values_relaxed=\"false\"} 1")
    assert.include(text, "karpenter_voluntary_disruption_decisions_total{decision=\"replace\",reason=\"drifted\",consolidation_type=\"\"} 1")
    assert.include(
      text,
      "karpenter_nodeclaims_disrupted_total{reason=\"drifted\",nodepool=\"default\",capacity_type=\"on-demand\"," +
        "consolidation_policy=\"\",termination_mode=\"graceful\"} 1"
    )
    assert.include(text, "karpenter_pods_disruption_initiated_total{reason=\"drifted\"")
  }).pipe(Effect.provide(world)))

  it.effect("goes at once when its pods have room elsewhere", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    yield* givenMachine("b")
    yield* start
    assert.deepStrictEqual(yield* going, ["a"])
    assert.lengthOf(yield* replacements, 0)
  }).pipe(Effect.provide(world)))

  it.effect("goes without a replacement when it is empty, whatever consolidateAfter says, and before others", () => Effect.gen(function*() {
    yield* basics({ consolidateAfter: "Never", budgets: [{ nodes: "1" }] })
    yield* drifted("full")
    yield* drifted("void", [])
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* going, ["void"])
  }).pipe(Effect.provide(world)))

  it.effect("waits while its pods would need a node that is not initialized", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* drifted("a")
    yield* givenMachine("b")
    yield* kube.patch(Nodes, { name: "node-b" }, { metadata: { labels: { "karpenter.sh/initialized": null } } }, { kind: "merge" })
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* replacements, 0)
    assert.include((yield* eventsOf("DisruptionBlocked")).map(({ message }) => message).join(), "uninitialized node/node-b")
    yield* kube.patch(Nodes, { name: "node-b" }, { metadata: { labels: { "karpenter.sh/initialized": "true" } } }, { kind: "merge" })
    yield* pass(11)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("stays while no node for its pods can be had, says so, and the next one has its turn", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* basics()
    yield* drifted("a", ["16"], { type: huge })
    cloud.types = [small]
    yield* drifted("b", ["1"])
    yield* start
    yield* pass(12)
    const claims = (yield* replacements).map(({ metadata }) => JSON.parse(metadata.annotations?.[annotation.replaces] ?? "{}") as
      { readonly claims: ReadonlyArray<{ readonly name: string }> })
    assert.deepStrictEqual(claims.map((one) => one.claims.map(({ name }) => name)), [["b"]])
    assert.isTrue((yield* eventsOf("DisruptionBlocked")).some(({ involvedObject, message }) =>
      involvedObject.name === "a" && message?.includes("default/a-0") === true))
  }).pipe(Effect.provide(world)))

  it.effect("stays while a pod on it must not be disrupted, unless it has a terminationGracePeriod", () => Effect.gen(function*() {
    yield* basics()
    const annotations = { [annotation.doNotDisrupt]: "true" }
    yield* drifted("held", [])
    yield* given(Pods, pod("p", { nodeName: "node-held" }, { annotations }))
    const { claim, node } = machine("timed", { conditions: ["Drifted"] })
    yield* given(Nodes, node)
    yield* given(NodeClaims, { ...claim, spec: { ...claim.spec, terminationGracePeriod: "1h" } })
    yield* given(Pods, pod("q", { nodeName: "node-timed" }, { annotations }))
    yield* start
    yield* pass(30)
    // Its pod stays until the deadline, so it needs no other place yet.
    assert.deepStrictEqual(yield* going, ["timed"])
    assert.lengthOf(yield* replacements, 0)
    assert.deepStrictEqual(yield* taintsOf("held"), [])
  }).pipe(Effect.provide(world)))

  it.effect("stays while a PodDisruptionBudget lets no pod of it go", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a", [])
    yield* given(Pods, pod("p", { nodeName: "node-a" }, { labels: { app: "x" } }))
    yield* given(PodDisruptionBudgets, {
      metadata: { name: "strict", namespace: "default" }, spec: { selector: { matchLabels: { app: "x" } }, minAvailable: 1 }
    })
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* replacements, 0)
  }).pipe(Effect.provide(world)))

  it.effect("stays when its NodePool's budget for drift is zero, and the NodePool says so", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, budgets: [{ nodes: "0", reasons: ["Drifted"] }] })
    yield* drifted("a")
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* replacements, 0)
    const [event] = yield* eventsOf("DisruptionBlocked")
    assert.strictEqual(event?.message, "No allowed disruptions for disruption reason Drifted due to blocking budget")
    assert.include(yield* exposition, "karpenter_nodepools_allowed_disruptions{nodepool=\"default\",reason=\"Drifted\"} 0")
  }).pipe(Effect.provide(world)))

  it.effect("stays while nodes that are not ready use up the budget, and the NodePool says so in the end", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics({ ...allowAll, budgets: [{ nodes: "10%" }] })
    yield* drifted("a")
    yield* givenMachine("broken")
    const status = { conditions: [{ type: "Ready", status: "False" }] }
    yield* kube.patch(Nodes, { name: "node-broken" }, { status }, { kind: "merge", subresource: "status" })
    yield* start
    yield* pass(4 * 60)
    assert.deepStrictEqual(yield* onPool("DisruptionBlocked"), [])
    yield* pass(15 * 60)
    assert.deepStrictEqual(yield* onPool("DisruptionBlocked"), [
      "No allowed disruptions for disruption reason Drifted: 1 of 1 allowed are used, by nodes that go or are not ready (1 of 2)"
    ])
    assert.lengthOf(yield* replacements, 0)
  }).pipe(Effect.provide(world)))

  it.effect("says nothing of a budget that others use up one after the other", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics({ ...allowAll, budgets: [{ nodes: "1" }] })
    for (const name of ["a", "b", "c", "d"]) yield* drifted(name, ["3"])
    yield* start
    const gone: Array<string> = []
    for (let i = 0; i < 3; i++) {
      yield* pass(3 * 60)
      const made = (yield* replacements).find(({ status }) => status?.nodeName === undefined)!
      yield* initialize(made)
      yield* pass(1)
      const [name = ""] = yield* going
      gone.push(name)
      yield* kube.delete(Pods, { name: `${name}-0`, namespace: "default" })
      yield* given(Pods, pod(`${name}-1`, { nodeName: `node-${made.metadata.name}`, ...asking({ cpu: "3", memory: "512Mi" }) }))
      yield* lose({ metadata: { name } } as NodeClaim)
      yield* pass(11)
    }
    assert.lengthOf(new Set(gone), 3)
    assert.deepStrictEqual(yield* onPool("DisruptionBlocked"), [])
  }).pipe(Effect.provide(world)))

  it.effect("goes when the schedule of the budget that held it is over", () => Effect.gen(function*() {
    // The test begins at midnight: for an hour from each hit nothing goes.
    yield* basics({ ...allowAll, budgets: [{ nodes: "0", schedule: "@daily", duration: "1h" }] })
    yield* drifted("a", [])
    yield* start
    yield* pass(59 * 60)
    assert.deepStrictEqual(yield* going, [])
    yield* pass(75)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)), 30_000)

  it.effect("waits for its turn: those that wait for replacements use up the budget", () => Effect.gen(function*() {
    yield* basics({ ...allowAll, budgets: [{ nodes: "2" }] })
    for (const name of ["a", "b", "c"]) yield* drifted(name, ["3"])
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* replacements, 2)
    assert.include(yield* exposition, "karpenter_nodepools_nodes_consuming_budgets{nodepool=\"default\",reason=\"Drifted\"} 2")
  }).pipe(Effect.provide(world)))
})

describe("a disruption whose replacement fails", () => {
  it.effect("is called off: the node is as it was, and its NodePool waits a minute for the next try", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    yield* start
    const [first] = yield* replacements
    yield* lose(first!)
    yield* pass(1)
    assert.deepStrictEqual(yield* taintsOf("a"), [])
    assert.notInclude(yield* conditionsOf("a"), "DisruptionReason")
    assert.include(
      yield* exposition,
      "karpenter_voluntary_disruption_queue_failures_total{decision=\"replace\",reason=\"drifted\",consolidation_type=\"\"} 1"
    )
    yield* pass(25)
    assert.lengthOf(yield* replacements, 0)
    const [told, ...more] = yield* onPool("DisruptionBlocked")
    assert.match(told ?? "", /^Drifted nodes are not replaced until 1970-01-01T00:0[01]:..\....Z: the replacement/)
    assert.lengthOf(more, 0)
    yield* pass(60)
    assert.lengthOf(yield* replacements, 1)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))

  it.effect("does not keep other NodePools from their turn", () => Effect.gen(function*() {
    yield* basics()
    yield* given(NodePools, nodePool("other", { disruption: allowAll }))
    yield* drifted("a", ["3"])
    yield* start
    for (const claim of yield* replacements) yield* lose(claim)
    yield* drifted("b", ["3"], { nodePool: "other" })
    yield* pass(12)
    const made = yield* replacements
    assert.lengthOf(made, 1)
    assert.include(made[0]?.metadata.annotations?.[annotation.replaces], "\"b\"")
  }).pipe(Effect.provide(world)))

  it.effect("is called off after ten minutes, and what has not joined by then is given back", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    yield* start
    yield* pass(9 * 60)
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    const [replacement] = yield* replacements
    yield* pass(62)
    assert.deepStrictEqual(yield* taintsOf("a"), [])
    assert.deepStrictEqual(yield* going, [replacement?.metadata.name])
  }).pipe(Effect.provide(world)))

  it.effect("is not begun when the replacement cannot be created", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics()
    yield* drifted("a")
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Invalid({ causes: [] }), status: 422 })
    yield* start
    assert.deepStrictEqual(yield* taintsOf("a"), [])
    assert.notInclude(yield* conditionsOf("a"), "DisruptionReason")
    assert.lengthOf(yield* replacements, 0)
  }).pipe(Effect.provide(world)))
})

describe("after a restart", () => {
  it.effect("a disruption goes on from what the claims say", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    const first = yield* Effect.forkScoped(disruption)
    yield* settle
    const [replacement] = yield* replacements
    yield* Fiber.interrupt(first)
    yield* settle
    yield* start
    yield* pass(20)
    assert.lengthOf(yield* replacements, 1)
    assert.deepStrictEqual(yield* taintsOf("a"), [disruptedTaint.key])
    yield* initialize(replacement!)
    yield* pass(1)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("nothing is left of one that had not got all of its replacements", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics()
    yield* drifted("a")
    const first = yield* Effect.forkScoped(disruption)
    yield* settle
    const [replacement] = yield* replacements
    yield* Fiber.interrupt(first)
    const text = replacement!.metadata.annotations?.[annotation.replaces] ?? ""
    yield* kube.patch(NodeClaims, { name: replacement!.metadata.name }, {
      metadata: { annotations: { [annotation.replaces]: text.replace("\"of\":1", "\"of\":2") } }
    }, { kind: "merge" })
    yield* start
    yield* pass(2)
    assert.deepStrictEqual(yield* taintsOf("a"), [])
    assert.notInclude(yield* conditionsOf("a"), "DisruptionReason")
    assert.deepStrictEqual(yield* going, [replacement?.metadata.name])
  }).pipe(Effect.provide(world)))
})

describe("a replacement", () => {
  it.effect("is not taken away as empty while the pods that it is for have not left", () => Effect.gen(function*() {
    yield* basics()
    yield* drifted("a")
    yield* start
    const [replacement] = yield* replacements
    yield* initialize(replacement!)
    yield* (yield* Kube).patch(NodeClaims, { name: replacement!.metadata.name }, {
      status: { conditions: ["Launched", "Registered", "Initialized", "Consolidatable", "Ready"].map(isTrue) }
    }, { kind: "merge", subresource: "status" })
    yield* pass(120)
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))
})
