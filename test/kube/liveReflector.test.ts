import { assert, it } from "@effect/vitest"
import { Effect, Latch, Layer } from "effect"
import { crds } from "../../src/apis/crds.ts"
import { Caches, index } from "../../src/kube/caches.ts"
import { layer as caches } from "../../src/kube/cacheLayer.ts"
import { Kube } from "../../src/kube/kube.ts"
import { layerOf } from "../../src/kube/live.ts"
import type { LiveOptions } from "../../src/kube/live.ts"
import { layer as memory, MemoryApiServer } from "../../src/kube/memory/layer.ts"
import type { Node } from "../../src/kube/objects.ts"
import { reflect } from "../../src/kube/reflector.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { makeStore } from "../../src/kube/store.ts"
import type { WritableStore } from "../../src/kube/store.ts"
import { configOf } from "../support/kubeconfig.ts"
import { serveKube } from "../support/kubeHttp.ts"
import type { KubeHttpServer } from "../support/kubeHttp.ts"

const node = (name: string): Node => ({ apiVersion: "v1", kind: "Node", metadata: { name } })

interface World {
  readonly memory: MemoryApiServer["Service"]
  readonly server: KubeHttpServer
  readonly store: WritableStore<Node>
  readonly create: (name: string) => void
  readonly synced: Effect.Effect<unknown>
  /** Resolves when the store holds a node of that name, or none. */
  readonly until: (name: string, there: boolean) => Effect.Effect<void>
}

/** A store of nodes that a reflector fills through the live layer from the API server in memory. */
const withReflector = <A, E>(
  before: (memory: MemoryApiServer["Service"]) => void,
  use: (world: World) => Effect.Effect<A, E>,
  options: Partial<LiveOptions> = {}
) => Effect.gen(function*() {
  const api = yield* MemoryApiServer
  before(api)
  const server = yield* serveKube(yield* Kube)
  const store = makeStore(Nodes)
  const latch = yield* Latch.make(false)
  const config = yield* configOf({ server: server.url })
  const live = yield* Layer.build(layerOf(config, { qps: 1000, burst: 1000, ...options }))
  yield* Effect.forkScoped(Effect.flatMap(Kube, (kube) => reflect(kube, store, latch.open)).pipe(Effect.provide(live)))
  return yield* use({
    memory: api,
    server,
    store,
    create: (name) => void api.server.create(Nodes, node(name)),
    synced: latch.await,
    until: (name, there) => Effect.scoped(Effect.gen(function*() {
      const done = yield* Latch.make(false)
      const check = () => {
        if ((store.get({ name }) !== undefined) === there) done.openUnsafe()
      }
      yield* store.subscribe(check)
      check()
      yield* done.await
    }))
  })
}).pipe(Effect.scoped, Effect.provide(memory))

it.live("a long list is fetched in pages", () => withReflector(
  (api) => {
    for (let n = 0; n < 1234; n++) api.server.create(Nodes, node(`n${n}`))
  },
  Effect.fnUntraced(function*({ server, store, synced }) {
    yield* synced
    assert.lengthOf(store.list(), 1234)
    const lists = server.requests.filter(({ url }) => url.pathname === "/api/v1/nodes" && !url.searchParams.has("watch"))
    assert.lengthOf(lists, 3)
    assert.isTrue(lists.every(({ url }) => url.searchParams.get("limit") === "500"))
  })
))

it.live("changes arrive as they happen", () => withReflector(
  (api) => void api.server.create(Nodes, node("old")),
  Effect.fnUntraced(function*({ create, memory, synced, until }) {
    yield* synced
    create("new")
    yield* until("new", true)
    memory.server.delete(Nodes, { name: "old" })
    yield* until("old", false)
  })
))

it.live("nothing is missed when connections are cut or ended", () => withReflector(
  () => {},
  Effect.fnUntraced(function*({ create, memory, server, synced, until }) {
    yield* synced
    create("a")
    yield* until("a", true)
    server.dropWatches()
    create("b")
    yield* until("b", true)
    server.endWatches()
    create("c")
    memory.server.delete(Nodes, { name: "a" })
    yield* until("c", true)
    yield* until("a", false)
    const lists = server.requests.filter(({ url }) => url.pathname === "/api/v1/nodes" && !url.searchParams.has("watch"))
    assert.lengthOf(lists, 1)
  })
))

it.live("a version that became too old is followed by another list", () => withReflector(
  (api) => void api.server.create(Nodes, node("doomed")),
  Effect.fnUntraced(function*({ create, memory, server, store, synced, until }) {
    yield* synced
    create("a")
    yield* until("a", true)
    const before = store.get({ name: "a" })
    server.expireWatches(1)
    server.dropWatches()
    memory.server.delete(Nodes, { name: "doomed" })
    yield* memory.compact
    yield* until("doomed", false)
    assert.strictEqual(store.get({ name: "a" }), before)
  })
))

it.live("a line that went dead is replaced", () => withReflector(
  () => {},
  Effect.fnUntraced(function*({ create, server, synced, until }) {
    server.silenceWatches(true)
    yield* synced
    create("unheard")
    server.silenceWatches(false)
    yield* until("unheard", true)
  }),
  { watch: { atLeast: "1 second", atMost: "1 second", slack: "50 millis" } }
))

it.live("a server that fails for a while is asked again until it answers", () => withReflector(
  (api) => void api.server.create(Nodes, node("a")),
  Effect.fnUntraced(function*({ create, server, synced, until }) {
    yield* synced
    let failures = 0
    server.setFault(() => ++failures < 3 ? { status: 500, body: "etcd is away" } : undefined)
    server.dropWatches()
    create("b")
    yield* until("b", true)
    assert.isAtLeast(failures, 3)
  })
))

it.live("all kinds are cached, and what was written is there when the write returns", () => Effect.gen(function*() {
  yield* (yield* MemoryApiServer).install(...crds)
  const server = yield* serveKube(yield* Kube)
  const config = yield* configOf({ server: server.url })
  yield* Effect.gen(function*() {
    const { store, synced } = yield* Caches
    yield* synced
    const kube = yield* Kube
    yield* kube.create(Nodes, node("a"))
    assert.isDefined(store(Nodes).get({ name: "a" }))
    yield* kube.patch(Nodes, { name: "a" }, { spec: { providerID: "linode://1" } }, { kind: "merge" })
    assert.lengthOf(store(Nodes).by(index.nodeProviderID, "linode://1"), 1)
  }).pipe(Effect.provide(caches.pipe(Layer.provide(layerOf(config, { qps: 1000, burst: 1000 })))))
}).pipe(Effect.scoped, Effect.provide(memory)))
