import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Kube } from "../../src/kube/kube.ts"
import { Conflict, Unavailable } from "../../src/kube/kubeError.ts"
import { layer, MemoryApiServer } from "../../src/kube/memory/layer.ts"
import type { Pod } from "../../src/kube/objects.ts"
import { Deployments, Namespaces, Nodes, PodDisruptionBudgets, Pods, ReplicaSets } from "../../src/kube/resources.ts"

const pod = (name: string, more: Partial<Pod["spec"]> = {}, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
  metadata: { name, namespace: "default", ...metadata },
  spec: { containers: [{ name: "c", image: "pause" }], ...more }
})

const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" as const }] }

describe("time in the memory API server", () => {
  it.effect("is the Clock's: creation and deletion with grace", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* TestClock.adjust("1 hour")
    const made = yield* kube.create(Pods, pod("a", { nodeName: "n1", terminationGracePeriodSeconds: 60 }))
    assert.strictEqual(made.metadata.creationTimestamp, "1970-01-01T01:00:00Z")
    yield* kube.delete(Pods, made.metadata)
    const leaving = yield* kube.get(Pods, made.metadata)
    assert.strictEqual(leaving.metadata.deletionTimestamp, "1970-01-01T01:01:00Z")
    assert.strictEqual(leaving.metadata.deletionGracePeriodSeconds, 60)
    yield* kube.delete(Pods, made.metadata, { gracePeriodSeconds: 0 })
    const error = yield* Effect.flip(kube.get(Pods, made.metadata))
    assert.strictEqual(error.reason._tag, "NotFound")
  }).pipe(Effect.provide(layer)))

  it.effect("sends bookmarks every minute", () => Effect.gen(function*() {
    const kube = yield* Kube
    const from = (yield* kube.list(Nodes)).resourceVersion
    const watching = yield* kube.watch(Nodes, { resourceVersion: from }).pipe(Stream.take(1), Stream.runCollect, Effect.forkChild)
    yield* Effect.yieldNow
    yield* kube.create(Pods, pod("elsewhere"))
    yield* TestClock.adjust("1 minute")
    const [bookmark] = yield* Fiber.join(watching)
    assert.strictEqual(bookmark?.type, "BOOKMARK")
    assert.isTrue(bookmark?.type === "BOOKMARK" && Number(bookmark.resourceVersion) > Number(from))
  }).pipe(Effect.provide(layer)))
})

describe("faults", () => {
  it.effect("strike before or after the request is carried out, as often as told", () => Effect.gen(function*() {
    const kube = yield* Kube
    const memory = yield* MemoryApiServer
    yield* memory.inject({ verb: "create", resource: Nodes, reason: new Unavailable(), status: 503 })
    yield* memory.inject({ verb: "create", name: "b", reason: new Unavailable(), when: "after" })
    const before = yield* Effect.flip(kube.create(Nodes, { metadata: { name: "a" } }))
    assert.strictEqual(before.status, 503)
    assert.strictEqual(before.request, "POST /api/v1/nodes")
    yield* Effect.flip(kube.create(Nodes, { metadata: { name: "b" } }))
    yield* kube.create(Nodes, { metadata: { name: "a" } })
    assert.deepStrictEqual((yield* kube.list(Nodes)).items.map((node) => node.metadata.name), ["a", "b"])
    assert.strictEqual(yield* memory.count("create", Nodes), 3)
    yield* memory.inject({ verb: "update", reason: new Conflict(), times: 5 })
    yield* memory.heal
    yield* kube.update(Nodes, { metadata: { name: "a", labels: { x: "y" } } })
  }).pipe(Effect.provide(layer)))

  it.effect("broken watches end, and those from before a compaction expire", () => Effect.gen(function*() {
    const kube = yield* Kube
    const memory = yield* MemoryApiServer
    const { resourceVersion } = yield* kube.list(Nodes)
    const watching = yield* kube.watch(Nodes, { resourceVersion }).pipe(Stream.runCollect, Effect.forkChild({ startImmediately: true }))
    yield* kube.create(Nodes, { metadata: { name: "a" } })
    yield* memory.breakWatches(Nodes)
    assert.deepStrictEqual((yield* Fiber.join(watching)).map((event) => event.type), ["ADDED"])
    yield* memory.compact
    const error = yield* kube.watch(Nodes, { resourceVersion }).pipe(Stream.runDrain, Effect.flip)
    assert.strictEqual(error.reason._tag, "Expired")
    assert.strictEqual(memory.server.watchers(Nodes), 0)
  }).pipe(Effect.provide(layer)))
})

describe("the controllers inside", () => {
  it.effect("collect what a deleted owner leaves behind", () => Effect.gen(function*() {
    const kube = yield* Kube
    const spec = { selector: { matchLabels: { a: "b" } }, template: { spec: pod("x").spec } }
    const deployment = yield* kube.create(Deployments, { metadata: { name: "d", namespace: "default" }, spec })
    const owned = (by: { readonly metadata: { readonly name: string; readonly uid?: string } }, kind: string) =>
      ({ ownerReferences: [{ apiVersion: "apps/v1", kind, name: by.metadata.name, uid: by.metadata.uid ?? "", controller: true }] })
    const replicas = yield* kube.create(ReplicaSets, { metadata: { name: "r", namespace: "default", ...owned(deployment, "Deployment") }, spec })
    yield* kube.create(Pods, pod("running", { nodeName: "n" }, owned(replicas, "ReplicaSet")))
    yield* kube.create(Pods, pod("pending", {}, owned(replicas, "ReplicaSet")))
    yield* kube.create(Pods, pod("imaginary", {}, { ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "z", uid: "z" }] }))
    yield* kube.delete(Deployments, deployment.metadata)
    assert.strictEqual((yield* kube.list(ReplicaSets)).items.length, 0)
    const left = (yield* kube.list(Pods)).items
    assert.deepStrictEqual(left.map((each) => [each.metadata.name, each.metadata.deletionTimestamp !== undefined]), [
      ["imaginary", false], ["running", true]
    ])
  }).pipe(Effect.provide(layer)))

  it.effect("keep the budget that an eviction asks", () => Effect.gen(function*() {
    const kube = yield* Kube
    for (const name of ["a", "b"]) {
      const made = yield* kube.create(Pods, pod(name, { nodeName: "n" }, { labels: { app: "web" } }))
      yield* kube.updateStatus(Pods, { ...made, status: ready })
    }
    const budget = yield* kube.create(PodDisruptionBudgets, {
      metadata: { name: "web", namespace: "default" }, spec: { minAvailable: "50%", selector: { matchLabels: { app: "web" } } }
    })
    const status = (yield* kube.get(PodDisruptionBudgets, budget.metadata)).status
    assert.deepInclude(status, { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2 })
    yield* kube.evict({ name: "a", namespace: "default" })
    const refusal = yield* Effect.flip(kube.evict({ name: "b", namespace: "default" }))
    assert.deepInclude(refusal.reason, { _tag: "DisruptionBlocked", multipleBudgets: false })
    yield* kube.delete(Pods, { name: "a", namespace: "default" }, { gracePeriodSeconds: 0 })
    const made = yield* kube.create(Pods, pod("c", { nodeName: "n" }, { labels: { app: "web" } }))
    yield* kube.updateStatus(Pods, { ...made, status: ready })
    yield* kube.evict({ name: "b", namespace: "default" })
  }).pipe(Effect.provide(layer)))

  it.effect("empty a namespace before it goes", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* kube.create(Namespaces, { metadata: { name: "team" } })
    yield* kube.create(Pods, pod("held", {}, { namespace: "team", finalizers: ["example.com/held"] }))
    yield* kube.delete(Namespaces, { name: "team" })
    const refusal = yield* Effect.flip(kube.create(Pods, pod("late", {}, { namespace: "team" })))
    assert.strictEqual(refusal.status, 403)
    yield* kube.patch(Pods, { name: "held", namespace: "team" }, { metadata: { finalizers: null } }, { kind: "merge" })
    const gone = yield* Effect.flip(kube.get(Namespaces, { name: "team" }))
    assert.strictEqual(gone.reason._tag, "NotFound")
  }).pipe(Effect.provide(layer)))
})
