import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Queue, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Caches, index } from "../../src/kube/caches.ts"
import { CacheLoopDied, CacheLoops, layer } from "../../src/kube/cacheLayer.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { ListOptions, ObjectList, WatchEvent } from "../../src/kube/kube.ts"
import { Expired, KubeError, Unavailable } from "../../src/kube/kubeError.ts"
import type { KubeObject, Pod } from "../../src/kube/objects.ts"
import { Deployments, Pods } from "../../src/kube/resources.ts"

const expired = new KubeError({ request: "WATCH", status: 410, detail: "too old", reason: new Expired() })
const away = new KubeError({ request: "WATCH", status: 0, detail: "connection refused", reason: new Unavailable() })
const pod = (name: string, version: number, node?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: `uid-${name}`, resourceVersion: String(version) },
  spec: { containers: [], ...(node === undefined ? {} : { nodeName: node }) }
})
const applied = (object: Pod): WatchEvent<Pod> => ({ type: "MODIFIED", object })
const bookmark = (version: number): WatchEvent<Pod> => ({ type: "BOOKMARK", resourceVersion: String(version) })

type Page = (options: ListOptions | undefined) => Effect.Effect<ObjectList<Pod>, KubeError>

/** Pods follow the script: each list and each watch takes its next entry. All other kinds are empty and quiet. */
const scripted = (script: {
  readonly lists: ReadonlyArray<Page>
  readonly watches: ReadonlyArray<Stream.Stream<WatchEvent<Pod>, KubeError>>
}) => {
  const listed: Array<ListOptions | undefined> = []
  const watched: Array<string> = []
  const isPods = (plural: string) => plural === "pods"
  const kube = Layer.mock(Kube, {
    list: <A extends KubeObject>(resource: { readonly plural: string }, options?: ListOptions) => {
      if (!isPods(resource.plural)) return Effect.succeed({ resourceVersion: "1", items: [] })
      const page = script.lists[listed.length] ?? (() => Effect.never)
      listed.push(options)
      return page(options) as unknown as Effect.Effect<ObjectList<A>, KubeError>
    },
    watch: <A extends KubeObject>(resource: { readonly plural: string }, options: { readonly resourceVersion: string }) => {
      if (!isPods(resource.plural)) return Stream.never
      const stream = script.watches[watched.length] ?? Stream.never
      watched.push(options.resourceVersion)
      return stream as unknown as Stream.Stream<WatchEvent<A>, KubeError>
    },
    update: (_, object) => Effect.succeed(object),
    patch: (_, ref) => Effect.succeed({ metadata: { name: ref.name, resourceVersion: "999" } } as never)
  })
  return { listed, watched, layer: layer.pipe(Layer.provide(kube)) }
}

const page = (version: number, items: ReadonlyArray<Pod>, next?: string): Page => () =>
  Effect.succeed({ resourceVersion: String(version), items, ...(next === undefined ? {} : { continue: next }) })
const names = Effect.map(Caches, (caches) => caches.store(Pods).list().map((p) => p.metadata.name).toSorted())
const seconds = (n: number) => Effect.forEach(Array.from({ length: n }), () => TestClock.adjust("1 second"), { discard: true })

it.effect("a kind is listed page by page and becomes visible with the last page", () => {
  const gate = Effect.runSync(Queue.unbounded<void>())
  const server = scripted({
    lists: [
      page(5, [pod("a", 1), pod("b", 2)], "more"),
      (options) => Effect.andThen(Queue.take(gate), page(5, [pod("c", 3)])(options))
    ],
    watches: []
  })
  return Effect.gen(function*() {
    const caches = yield* Caches
    const synced = yield* Effect.forkChild(caches.synced)
    yield* seconds(1)
    assert.deepStrictEqual(yield* names, [])
    assert.isFalse(caches.store(Pods).synced())
    yield* Queue.offer(gate, undefined)
    yield* Fiber.join(synced)
    assert.deepStrictEqual(yield* names, ["a", "b", "c"])
    assert.deepStrictEqual(server.listed, [{ limit: 500 }, { limit: 500, continue: "more" }])
    yield* seconds(1)
    assert.deepStrictEqual(server.watched, ["5"])
  }).pipe(Effect.provide(server.layer))
})

it.effect("a list whose continue token expires begins again from the start", () => {
  const server = scripted({
    lists: [page(5, [pod("a", 1)], "more"), () => Effect.fail(expired), page(9, [pod("z", 8)])],
    watches: []
  })
  return Effect.gen(function*() {
    yield* seconds(2)
    assert.deepStrictEqual(yield* names, ["z"])
    assert.isUndefined(server.listed[2]?.continue)
  }).pipe(Effect.provide(server.layer))
})

it.effect("a watch that ends or breaks goes on from the last version seen, bookmarks included", () => {
  const server = scripted({
    lists: [page(5, [])],
    watches: [
      Stream.make(applied(pod("a", 7))),
      Stream.make(bookmark(20)).pipe(Stream.concat(Stream.fail(away))),
      Stream.make(applied(pod("b", 21))).pipe(Stream.concat(Stream.never))
    ]
  })
  return Effect.gen(function*() {
    yield* seconds(2)
    assert.deepStrictEqual(server.watched, ["5", "7", "20"])
    assert.deepStrictEqual(yield* names, ["a", "b"])
    assert.lengthOf(server.listed, 1)
  }).pipe(Effect.provide(server.layer))
})

it.effect("an expired version means another list, and subscribers hear of the differences only", () => {
  const server = scripted({
    lists: [page(5, [pod("kept", 1), pod("gone", 2)]), page(50, [pod("kept", 1), pod("new", 40)])],
    watches: [Stream.fail(expired)]
  })
  return Effect.gen(function*() {
    const heard: Array<string> = []
    yield* (yield* Caches).store(Pods).subscribe((change) => heard.push(`${change.type} ${change.object.metadata.name}`))
    yield* seconds(3)
    assert.deepStrictEqual(heard, ["applied kept", "applied gone", "applied new", "deleted gone"])
    assert.deepStrictEqual(server.watched, ["5", "50"])
  }).pipe(Effect.provide(server.layer))
})

it.effect("a server that is away is asked ever more rarely, and complained of once", () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ fiber, logLevel, message }) => {
    lines.push(`${logLevel} ${String(message)} ${JSON.stringify(fiber.getRef(References.CurrentLogAnnotations))}`)
  })
  const server = scripted({
    lists: [page(5, [])],
    watches: [
      ...Array.from({ length: 8 }, () => Stream.fail(away)),
      Stream.make(bookmark(6)).pipe(Stream.concat(Stream.never))
    ]
  })
  return Effect.gen(function*() {
    yield* seconds(5)
    assert.isBelow(server.watched.length, 8)
    yield* seconds(120)
    assert.lengthOf(server.watched, 9)
    assert.lengthOf(lines.filter((line) => line.startsWith("Warn")), 1)
    assert.include(lines.find((line) => line.startsWith("Warn")) ?? "", "connection refused")
    assert.lengthOf(lines.filter((line) => line.startsWith("Info watching again")), 1)
  }).pipe(Effect.provide(server.layer.pipe(Layer.provide(Logger.layer([logger])))))
})

it.effect("a server that ends or expires every watch at once is not asked in a tight loop", () => {
  const server = scripted({
    lists: Array.from({ length: 1000 }, () => page(5, [])),
    watches: Array.from({ length: 1000 }, (_, n) => n % 2 === 0 ? Stream.empty : Stream.fail(expired))
  })
  return Effect.gen(function*() {
    yield* seconds(60)
    assert.isBelow(server.watched.length, 15)
  }).pipe(Effect.provide(server.layer))
})

it.effect("controllers read their own writes, but no reply that is no object of the kind", () => {
  const server = scripted({ lists: [page(5, [pod("a", 1)])], watches: [] })
  return Effect.gen(function*() {
    yield* seconds(1)
    const kube = yield* Kube
    const caches = yield* Caches
    yield* kube.update(Pods, pod("a", 9, "n1"))
    assert.deepStrictEqual(caches.store(Pods).by(index.podNode, "n1").map((p) => p.metadata.name), ["a"])
    yield* kube.patch(Pods, { name: "scale" }, {}, { kind: "merge", subresource: "scale" })
    yield* kube.patch(Deployments, { name: "uncached" }, {}, { kind: "merge" })
    assert.deepStrictEqual(yield* names, ["a"])
  }).pipe(Effect.provide(server.layer))
})

it.effect("a kind that is not cached is a bug of the asker", () => {
  const server = scripted({ lists: [], watches: [] })
  return Effect.gen(function*() {
    const caches = yield* Caches
    assert.throws(() => caches.store(Deployments), /deployments is not cached/)
  }).pipe(Effect.provide(server.layer))
})

it.effect("a bug in a loop is told to whoever watches over the loops", () => {
  const server = scripted({ lists: [page(5, [])], watches: [Stream.make(applied(pod("a", 7)))] })
  return Effect.gen(function*() {
    const caches = yield* Caches
    yield* caches.store(Pods).subscribe(() => { throw new Error("a subscriber's bug") })
    const died = yield* Effect.forkChild(Effect.flip((yield* CacheLoops).join))
    yield* seconds(1)
    const error = yield* Fiber.join(died)
    assert.instanceOf(error, CacheLoopDied)
    assert.include(error.message, "a subscriber's bug")
    assert.strictEqual(error.kind, "Pod")
  }).pipe(Effect.provide(server.layer))
})

it.effect("a connection that breaks now and then is not worth a line", () => {
  const lines: Array<string> = []
  const logger = Logger.make(({ logLevel, message }) => { lines.push(`${logLevel} ${String(message)}`) })
  const server = scripted({
    lists: [page(5, [])],
    watches: [6, 7, 8].map((version) => Stream.make(bookmark(version)).pipe(Stream.concat(Stream.fail(away))))
  })
  return Effect.gen(function*() {
    yield* seconds(5)
    assert.deepStrictEqual(server.watched, ["5", "6", "7", "8"])
    assert.deepStrictEqual(lines.filter((line) => !line.startsWith("Debug")), [])
  }).pipe(Effect.provide(server.layer.pipe(Layer.provide(Logger.layer([logger])))))
})
