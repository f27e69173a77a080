import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Kube } from "../../src/kube/kube.ts"
import { Conflict, Unavailable } from "../../src/kube/kubeError.ts"
import { layer, layerWith, MemoryApiServer } from "../../src/kube/memory/layer.ts"
import { Nodes, Pods } from "../../src/kube/resources.ts"
import { pod } from "./memoryObjects.ts"

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
    const watching = yield* kube.watch(Nodes, { resourceVersion }).pipe(
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* kube.create(Nodes, { metadata: { name: "a" } })
    yield* memory.breakWatches(Nodes)
    assert.deepStrictEqual((yield* Fiber.join(watching)).map((event) => event.type), ["ADDED"])
    yield* memory.compact
    const error = yield* kube.watch(Nodes, { resourceVersion }).pipe(Stream.runDrain, Effect.flip)
    assert.strictEqual(error.reason._tag, "Expired")
    assert.strictEqual(memory.server.watchers(Nodes), 0)
  }).pipe(Effect.provide(layer)))
})

describe("the history", () => {
  it.effect("keeps at least as many changes of a kind as told", () => Effect.gen(function*() {
    const kube = yield* Kube
    const start = Number((yield* kube.list(Nodes)).resourceVersion)
    for (let n = 0; n < 30; n++) yield* kube.create(Nodes, { metadata: { name: `n${n}` } })
    const since = (version: number) =>
      kube.watch(Nodes, { resourceVersion: String(version) }).pipe(Stream.take(10), Stream.runCollect)
    assert.strictEqual((yield* since(start + 20)).length, 10)
    assert.strictEqual((yield* Effect.flip(since(start))).reason._tag, "Expired")
  }).pipe(Effect.provide(layerWith({ history: 10 }))))

  it.effect("of a list under way ends with a compaction", () => Effect.gen(function*() {
    const kube = yield* Kube
    for (const name of ["a", "b", "c"]) yield* kube.create(Nodes, { metadata: { name } })
    const first = yield* kube.list(Nodes, { limit: 2 })
    yield* (yield* MemoryApiServer).compact
    const error = yield* Effect.flip(kube.list(Nodes, { limit: 2, continue: first.continue ?? "" }))
    assert.strictEqual(error.reason._tag, "Expired")
  }).pipe(Effect.provide(layer)))
})
