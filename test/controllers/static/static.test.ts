import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { annotation, label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { nodePoolReadiness } from "../../../src/controllers/nodepool/readiness.ts"
import { staticDeprovisioning } from "../../../src/controllers/static/deprovisioning.ts"
import { staticProvisioning } from "../../../src/controllers/static/provisioning.ts"
import { staticCapacity } from "../../../src/controllers/static/static.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { KubeError, Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import { defaultFeatureGates } from "../../../src/settings/featureGates.ts"
import { Settings } from "../../../src/settings/settings.ts"
import {
  all, eventsOf, given, givenMachine, isTrue, LinodeNodeClasses, machine, NodeClaims, nodeClass, nodePool, NodePools, pass, pod,
  Pods, settle, world
} from "../../cluster/world.ts"

const start = Effect.gen(function*() {
  yield* given(LinodeNodeClasses, nodeClass())
  yield* Effect.forkScoped(nodePoolReadiness)
  yield* Effect.forkScoped(staticProvisioning)
  yield* Effect.forkScoped(staticDeprovisioning)
  yield* settle
})

const fixed = (replicas: number, limit?: number, name = "fixed"): NodePool =>
  nodePool(name, { replicas, ...(limit === undefined ? {} : { limits: { nodes: String(limit) } }) })

const claims = Effect.map(all(NodeClaims), (found) => found.toSorted((a, b) => a.metadata.name < b.metadata.name ? -1 : 1))
const names = Effect.map(claims, (found) => found.map((claim) => claim.metadata.name))
const going = Effect.map(claims, (found) =>
  found.filter((claim) => claim.metadata.deletionTimestamp !== undefined).map((claim) => claim.metadata.name))

const change = (spec: object) => Kube.use((kube) => kube.patch(NodePools, { name: "fixed" }, { spec }, { kind: "merge" }))
const scale = (replicas: number) => change({ replicas })

/** What the lifecycle controller does in the end. */
const gone = (name: string) => Kube.use((kube) =>
  kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" }))
const remove = (name: string) => Kube.use((kube) => kube.delete(NodeClaims, { name }))

const condition = Effect.map(all(NodePools), (pools) =>
  pools.find((pool) => pool.metadata.name === "fixed")?.status?.conditions?.find((one) => one.type === "StaticCapacity"))

const exposition = Metrics.use((metrics) => metrics.exposition)

describe("a NodePool with replicas", () => {
  it.effect("gets so many claims made of its template alone", () => Effect.gen(function*() {
    const pool = fixed(3)
    yield* given(NodePools, {
      ...pool,
      spec: {
        ...pool.spec,
        template: {
          metadata: { labels: { team: "red" } },
          spec: {
            ...pool.spec.template.spec,
            requirements: [
              { key: label.instanceType, operator: "In", values: ["small", "large"] },
              { key: "tier", operator: "In", values: ["gold"] }
            ],
            taints: [{ key: "own", effect: "NoSchedule" }],
            expireAfter: "24h"
          }
        }
      }
    })
    yield* start
    const found = yield* claims
    assert.lengthOf(found, 3)
    for (const { metadata, spec } of found) {
      assert.deepInclude(metadata.labels, { [label.nodePool]: "fixed", [label.nodeClass]: "default", team: "red", tier: "gold" })
      assert.deepStrictEqual(metadata.finalizers, ["karpenter.sh/termination"])
      assert.strictEqual(metadata.ownerReferences?.[0]?.name, "fixed")
      assert.isString(metadata.annotations?.[annotation.nodePoolHash])
      assert.deepStrictEqual(spec.requirements[0]?.values, ["small", "large"])
      assert.strictEqual(spec.taints?.[0]?.key, "own")
      assert.strictEqual(spec.expireAfter, "24h")
    }
    yield* pass(300)
    assert.lengthOf(yield* claims, 3)
    assert.include(
      yield* exposition,
      "karpenter_nodeclaims_created_total{reason=\"provisioned\",nodepool=\"fixed\",min_values_relaxed=\"false\"} 3"
    )
  }).pipe(Effect.provide(world)))

  it.effect("gets another claim as soon as one begins to go, whatever pods there are", () => Effect.gen(function*() {
    yield* given(NodePools, fixed(2))
    yield* start
    yield* remove("fixed-0")
    yield* pass(1)
    assert.deepStrictEqual(yield* names, ["fixed-0", "fixed-1", "fixed-2"])
    yield* gone("fixed-0")
    yield* pass(120)
    assert.deepStrictEqual(yield* names, ["fixed-1", "fixed-2"])
  }).pipe(Effect.provide(world)))

  it.effect("grows and shrinks with its number, and 0 leaves none", () => Effect.gen(function*() {
    yield* given(NodePools, fixed(1))
    yield* start
    yield* scale(4)
    yield* pass(2)
    assert.lengthOf(yield* claims, 4)
    yield* scale(2)
    yield* pass(2)
    assert.lengthOf(yield* going, 2)
    yield* scale(0)
    yield* pass(2)
    assert.lengthOf(yield* going, 4)
    yield* pass(120)
    assert.lengthOf(yield* claims, 4)
  }).pipe(Effect.provide(world)))

  it.effect("that is not ready or is being deleted gets none, and begins when it is ready", () => Effect.gen(function*() {
    const taint = { key: "twice", effect: "NoSchedule" as const }
    yield* given(NodePools, nodePool("fixed", { replicas: 2 }, { taints: [taint], startupTaints: [taint] }))
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* claims, 0)
    yield* Kube.use((kube) =>
      kube.patch(NodePools, { name: "fixed" }, { spec: { template: { spec: { startupTaints: null } } } }, { kind: "merge" }))
    yield* pass(1)
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  it.effect("of another provider is left alone, and so are pools without replicas", () => Effect.gen(function*() {
    yield* given(NodePools, nodePool("dynamic"))
    yield* given(NodePools, nodePool("foreign", { replicas: 3 }, {
      nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "x" }
    }))
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* claims, 0)
  }).pipe(Effect.provide(world)))
})

describe("limits.nodes of a static NodePool", () => {
  it.effect("is never exceeded, not even while claims are being deleted, and the pool says so", () => Effect.gen(function*() {
    yield* given(NodePools, fixed(5, 3))
    yield* start
    yield* pass(2)
    assert.deepStrictEqual(yield* names, ["fixed-0", "fixed-1", "fixed-2"])
    assert.deepInclude(yield* condition, { status: "False", reason: "LimitsExceeded" })
    assert.include((yield* condition)?.message, "3 of 5")
    assert.lengthOf(yield* eventsOf("StaticCapacity"), 1)
    yield* remove("fixed-1")
    yield* pass(60)
    assert.lengthOf(yield* claims, 3)
    yield* gone("fixed-1")
    yield* pass(1)
    assert.deepStrictEqual(yield* names, ["fixed-0", "fixed-1", "fixed-2"])
    yield* change({ limits: { nodes: "5" } })
    yield* pass(62)
    assert.lengthOf(yield* claims, 5)
    assert.isUndefined(yield* condition)
  }).pipe(Effect.provide(world)))

  it.effect("holds though replies get lost and requests are carried out late", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* given(NodePools, fixed(3, 3))
    for (let i = 0; i < 3; i++) {
      yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), status: 0, when: "after" })
    }
    yield* start
    yield* pass(90)
    assert.lengthOf(yield* claims, 3)
  }).pipe(Effect.provide(world)))

  it.effect("counts claims of other names, as another controller made them", () => Effect.gen(function*() {
    yield* givenMachine("fixed-x7k2p", { nodePool: "fixed" })
    yield* givenMachine("fixed-9", { nodePool: "other" })
    yield* given(NodePools, fixed(3, 3))
    yield* start
    yield* pass(60)
    assert.deepStrictEqual(yield* names, ["fixed-0", "fixed-1", "fixed-9", "fixed-x7k2p"])
  }).pipe(Effect.provide(world)))
})

describe("scaling down a static NodePool", () => {
  const nodes = ["a", "b", "c", "d", "e"] as const
  const given5 = Effect.gen(function*() {
    yield* given(NodePools, fixed(5))
    for (const name of nodes) yield* givenMachine(name, { nodePool: "fixed" })
    const daemon = [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "u" }]
    yield* given(Pods, pod("daemon", { nodeName: "node-c" }, { ownerReferences: daemon }))
    yield* given(Pods, pod("held", { nodeName: "node-a" }, { annotations: { [annotation.doNotDisrupt]: "true" } }))
    yield* given(Pods, pod("one", { nodeName: "node-b" }))
    for (const name of ["two", "three"]) yield* given(Pods, pod(name, { nodeName: "node-d" }))
    yield* given(Pods, pod("cheap", { nodeName: "node-e", priority: -(2 ** 25) }))
    yield* start
  })

  it.effect("takes empty nodes, then those with the cheapest pods, and one that must not be disrupted last", () => Effect.gen(function*() {
    yield* given5
    for (const [left, expected] of [[4, ["c"]], [3, ["c", "e"]], [2, ["b", "c", "e"]], [1, ["b", "c", "d", "e"]]] as const) {
      yield* scale(left)
      yield* pass(2)
      assert.deepStrictEqual(yield* going, [...expected])
    }
  }).pipe(Effect.provide(world)))

  it.effect("takes claims without a machine before all others", () => Effect.gen(function*() {
    yield* given5
    yield* scale(6)
    yield* pass(2)
    assert.deepStrictEqual(yield* names, ["a", "b", "c", "d", "e", "fixed-0"])
    yield* scale(5)
    yield* pass(2)
    assert.deepStrictEqual(yield* going, ["fixed-0"])
  }).pipe(Effect.provide(world)))

  it.effect("is counted as overprovisioned and told on node and claim", () => Effect.gen(function*() {
    yield* given5
    yield* scale(3)
    yield* pass(2)
    assert.include(
      yield* exposition,
      "karpenter_nodeclaims_disrupted_total{reason=\"overprovisioned\",nodepool=\"fixed\",capacity_type=\"on-demand\"," +
        "consolidation_policy=\"\",termination_mode=\"graceful\"} 2"
    )
    assert.deepStrictEqual(
      [...new Set((yield* eventsOf("DisruptionTerminating")).map((event) => event.message))].toSorted(),
      ["Disrupting Node: Overprovisioned", "Disrupting NodeClaim: Overprovisioned"]
    )
  }).pipe(Effect.provide(world)))

  it.effect("asks the API server first, as the caches learn late of deletions", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* given5
    yield* scale(3)
    yield* scale(4)
    yield* pass(2)
    yield* scale(3)
    yield* pass(120)
    assert.lengthOf(yield* going, 2)
    assert.strictEqual(yield* memory.count("delete", NodeClaims), 2)
  }).pipe(Effect.provide(world)))
})

describe("the deletion of a surplus claim", () => {
  /** Two nodes where one is wanted; deletions are on their way, and their answers never come. */
  const begun = Effect.gen(function*() {
    const kube = yield* Kube
    const under: Array<Effect.Effect<unknown, KubeError>> = []
    const sent = (...request: Parameters<typeof kube.delete>) => {
      under.push(kube.delete(...request))
      return Effect.fail(new KubeError({ request: "delete", status: 0, detail: "", reason: new Unavailable() }))
    }
    yield* given(NodePools, fixed(1))
    for (const name of ["a", "b"]) yield* givenMachine(name, { nodePool: "fixed" })
    yield* Effect.forkScoped(Effect.provideService(staticDeprovisioning, Kube, Kube.of({ ...kube, delete: sent as typeof kube.delete })))
    yield* pass(3)
    const arrive = Effect.forEach(under, (deletion) => Effect.ignore(deletion), { discard: true })
    return { arrive, tries: new Set(under).size }
  })
  const noted = Effect.map(claims, (found) => found.filter(({ metadata }) => metadata.annotations?.[annotation.surplus] !== undefined))

  it.effect("asks for the same one until it is gone", () => Effect.gen(function*() {
    const { arrive, tries } = yield* begun
    assert.isAbove(tries, 1)
    yield* given(Pods, pod("came", { nodeName: "node-a" }))
    yield* pass(60)
    assert.lengthOf(yield* noted, 1)
    yield* arrive
    assert.deepStrictEqual(yield* going, (yield* noted).map(({ metadata: { name } }) => name))
  }).pipe(Effect.provide(world)))

  it.effect("takes nothing when it is carried out late, and the number was raised again", () => Effect.gen(function*() {
    const { arrive } = yield* begun
    yield* scale(2)
    yield* pass(2)
    yield* arrive
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* noted, 0)
  }).pipe(Effect.provide(world)))

  it.effect("takes nothing when it is carried out late, and somebody took another", () => Effect.gen(function*() {
    const { arrive } = yield* begun
    const other = (yield* noted)[0]?.metadata.name === "a" ? "b" : "a"
    yield* remove(other)
    yield* pass(2)
    yield* arrive
    assert.deepStrictEqual(yield* going, [other])
    assert.lengthOf(yield* noted, 0)
  }).pipe(Effect.provide(world)))
})

describe("claims of a static NodePool that end without a machine", () => {
  it.effect("are replaced ever more slowly, and at once after one that got its machine", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* given(NodePools, fixed(1))
    yield* start
    let deletions = 0
    for (let second = 0; second < 600; second++) {
      for (const { metadata: { name } } of yield* claims) {
        deletions++
        yield* remove(name)
        yield* gone(name)
      }
      yield* pass(1)
    }
    assert.isAtMost(deletions, 9)
    yield* pass(180)
    yield* kube.patch(NodeClaims, { name: "fixed-0" }, {
      status: { conditions: [isTrue("Launched")] }
    }, { kind: "merge", subresource: "status" })
    yield* settle
    yield* remove("fixed-0")
    yield* gone("fixed-0")
    yield* pass(2)
    assert.deepStrictEqual(yield* names, ["fixed-0"])
  }).pipe(Effect.provide(world)))
})

describe("the feature gate StaticCapacity", () => {
  const gated = (on: boolean) => Effect.provide(Layer.effect(Settings, Effect.map(Settings, (settings) =>
    ({ ...settings, featureGates: { ...defaultFeatureGates, StaticCapacity: on } }))))

  it.effect("while it is off, is named by the pool, once, and no node is bought", () => Effect.gen(function*() {
    yield* given(NodePools, fixed(2))
    yield* given(NodePools, nodePool("dynamic"))
    yield* Effect.forkScoped(staticCapacity)
    yield* pass(300)
    assert.lengthOf(yield* claims, 0)
    assert.deepInclude(yield* condition, { status: "False", reason: "FeatureGateDisabled" })
    assert.include((yield* condition)?.message, "StaticCapacity=true")
    assert.lengthOf(yield* eventsOf("StaticCapacity"), 1)
    const dynamic = (yield* all(NodePools)).find((pool) => pool.metadata.name === "dynamic")
    assert.lengthOf(dynamic?.status?.conditions ?? [], 3)
  }).pipe(gated(false), Effect.provide(world)))

  it.effect("takes that back once it is on", () => Effect.gen(function*() {
    const pool = fixed(2)
    const off = { ...isTrue("StaticCapacity"), status: "False" as const, reason: "FeatureGateDisabled" }
    yield* given(NodePools, { ...pool, status: { conditions: [...pool.status?.conditions ?? [], off] } })
    yield* Effect.forkScoped(staticCapacity)
    yield* settle
    yield* pass(2)
    assert.lengthOf(yield* claims, 2)
    assert.isUndefined(yield* condition)
  }).pipe(gated(true), Effect.provide(world)))
})

describe("a machine that is about to be replaced", () => {
  it.effect("is neither made up for nor taken as surplus", () => Effect.gen(function*() {
    const disrupted = (claim: NodeClaim): NodeClaim =>
      ({ ...claim, status: { ...claim.status, conditions: [...claim.status?.conditions ?? [], isTrue("DisruptionReason")] } })
    yield* given(NodePools, fixed(2))
    yield* given(NodeClaims, disrupted(machine("old", { nodePool: "fixed" }).claim))
    yield* given(NodeClaims, machine("kept", { nodePool: "fixed" }).claim)
    yield* start
    yield* pass(120)
    assert.deepStrictEqual(yield* names, ["kept", "old"])
    yield* given(NodeClaims, machine("new", { nodePool: "fixed" }).claim)
    yield* pass(120)
    assert.deepStrictEqual(yield* going, [])
  }).pipe(Effect.provide(world)))
})
