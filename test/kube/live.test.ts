import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import { connect } from "node:net"
import type { AddressInfo } from "node:net"
import { Kube } from "../../src/kube/kube.ts"
import type { WatchEvent } from "../../src/kube/kube.ts"
import type { KubeConfig } from "../../src/kube/kubeconfig.ts"
import { KubeError, NotFound, Throttled, Unavailable } from "../../src/kube/kubeError.ts"
import { layerOf } from "../../src/kube/live.ts"
import type { LiveOptions } from "../../src/kube/live.ts"
import { replyError } from "../../src/kube/liveError.ts"
import { retryRead } from "../../src/kube/liveHttp.ts"
import { makeLimiter } from "../../src/kube/liveLimiter.ts"
import { makeLines } from "../../src/kube/liveWatch.ts"
import type { KubeObject, Node } from "../../src/kube/objects.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { configOf } from "../support/kubeconfig.ts"
import { serveKube } from "../support/kubeHttp.ts"
import type { KubeHttpServer } from "../support/kubeHttp.ts"

const token = "a-secret-token"
const options: LiveOptions = { qps: 1000, burst: 1000 }
const node = (name: string, version = "1"): Node =>
  ({ apiVersion: "v1", kind: "Node", metadata: { name, resourceVersion: version } })
const added = (name: string, version: string): WatchEvent<Node> => ({ type: "ADDED", object: node(name, version) })

/** A server with the one node n1 and the given watch, and the live layer connected to it. */
const withServer = <A, E>(
  use: (kube: Kube["Service"], server: KubeHttpServer) => Effect.Effect<A, E>,
  more: { readonly watch?: Stream.Stream<WatchEvent<Node>, KubeError>; readonly options?: Partial<LiveOptions> } = {}
) => Effect.gen(function*() {
  const missing = new KubeError({ request: "GET", status: 404, detail: 'nodes "n2" not found', reason: new NotFound() })
  const fake = Layer.mock(Kube, {
    get: <B extends KubeObject>(_: unknown, ref: { readonly name: string }) =>
      ref.name === "n1" ? Effect.succeed(node("n1") as unknown as B) : Effect.fail(missing),
    list: <B extends KubeObject>() =>
      Effect.succeed({ resourceVersion: "7", items: [node("n1") as unknown as B], continue: "next" }),
    create: (_, object) => Effect.succeed(object),
    watch: <B extends KubeObject>() => (more.watch ?? Stream.never) as unknown as Stream.Stream<WatchEvent<B>, KubeError>
  })
  const server = yield* serveKube(yield* Kube.pipe(Effect.provide(fake)))
  const live = layerOf(yield* configOf({ server: server.url }, { token }), { ...options, ...more.options })
  return yield* Effect.flatMap(Kube, (kube) => use(kube, server)).pipe(Effect.provide(live))
}).pipe(Effect.scoped)

const unavailable = new KubeError({ request: "GET", status: 503, detail: "", reason: new Unavailable() })

describe("a reply that is no object", () => {
  const status = (reason: string, message: string, details?: object) =>
    JSON.stringify({ kind: "Status", reason, message, details })
  const budget = { causes: [{ reason: "DisruptionBudget" }] }
  const cases: ReadonlyArray<readonly [name: string, code: number, body: string, tag: string]> = [
    ["an absent object", 404, status("NotFound", "no"), "NotFound"],
    ["an absent kind", 404, "404 page not found", "NotFound"],
    ["a stale write", 409, status("Conflict", "modified"), "Conflict"],
    ["a taken name", 409, status("AlreadyExists", "exists"), "AlreadyExists"],
    ["a wrong token", 401, status("Unauthorized", "Unauthorized"), "Denied"],
    ["a missing right", 403, status("Forbidden", "cannot"), "Denied"],
    ["a version that is too old", 410, status("Expired", "too old"), "Expired"],
    ["an expired continue token", 400, status("Expired", "too old"), "Expired"],
    ["a bad request", 400, status("BadRequest", "bad"), "Invalid"],
    ["an unsupported patch", 415, status("UnsupportedMediaType", "no"), "Invalid"],
    ["a busy server", 429, status("TooManyRequests", "later", { retryAfterSeconds: 3 }), "Throttled"],
    ["a disruption budget", 429, status("TooManyRequests", "no", budget), "DisruptionBlocked"],
    ["two disruption budgets", 500, status("", "This pod has more than one PodDisruptionBudget, which…"), "DisruptionBlocked"],
    ["a failing server", 500, status("InternalError", "etcd"), "Unavailable"],
    ["a gateway's page", 502, "<html>bad gateway</html>", "Unavailable"],
    ["a server that took too long", 504, status("Timeout", "timeout"), "Unavailable"],
    ["a redirect", 302, "", "Malformed"]
  ]
  for (const [name, code, body, tag] of cases) {
    it(`${name} (${code}) is ${tag}`, () => {
      assert.strictEqual(replyError("GET /x", code, body, undefined).reason._tag, tag)
    })
  }

  it("names the fields that were refused", () => {
    const error = replyError("POST /x", 422, status("Invalid", "bad", {
      causes: [{ reason: "FieldValueInvalid", field: "spec.weight", message: "must be at most 100" }]
    }), undefined)
    assert.deepInclude(error.reason, { _tag: "Invalid", causes: [{ field: "spec.weight", message: "must be at most 100" }] })
  })

  it("tells how long to wait, from the body or else from the header", () => {
    assert.deepInclude(replyError("G", 429, "", 9).reason, { retryAfterSeconds: 9 })
    assert.deepInclude(replyError("G", 429, "", undefined).reason, { retryAfterSeconds: 1 })
  })

  it("tells one disruption budget from several", () => {
    const several = replyError("POST /e", 500, status("", "This pod has more than one PodDisruptionBudget, which…"), undefined)
    assert.deepInclude(several.reason, { multipleBudgets: true })
  })
})

describe("a read that fails", () => {
  const failing = (error: KubeError, times: number) => {
    let calls = 0
    return { calls: () => calls, read: Effect.suspend(() => ++calls <= times ? Effect.fail(error) : Effect.succeed("ok")) }
  }

  it.effect("is tried again a few times", () => Effect.gen(function*() {
    const { calls, read } = failing(unavailable, 3)
    const fiber = yield* Effect.forkChild(retryRead(read))
    yield* TestClock.adjust("10 seconds")
    assert.strictEqual(yield* Fiber.join(fiber), "ok")
    assert.strictEqual(calls(), 4)
  }))

  it.effect("is given up after that", () => Effect.gen(function*() {
    const { calls, read } = failing(unavailable, 99)
    const fiber = yield* Effect.forkChild(Effect.flip(retryRead(read)))
    yield* TestClock.adjust("1 minute")
    assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Unavailable")
    assert.strictEqual(calls(), 4)
  }))

  it.effect("waits as long as the server said, or not at all when that is long", () => Effect.gen(function*() {
    const throttled = (seconds: number) =>
      new KubeError({ request: "GET", status: 429, detail: "", reason: new Throttled({ retryAfterSeconds: seconds }) })
    const soon = failing(throttled(5), 1)
    const fiber = yield* Effect.forkChild(retryRead(soon.read))
    yield* TestClock.adjust("4 seconds")
    assert.strictEqual(soon.calls(), 1)
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(yield* Fiber.join(fiber), "ok")
    const late = failing(throttled(60), 1)
    yield* Effect.flip(retryRead(late.read))
    assert.strictEqual(late.calls(), 1)
  }))

  it.effect("is not tried again when the same answer would come", () => Effect.gen(function*() {
    const { calls, read } = failing(new KubeError({ request: "GET", status: 404, detail: "", reason: new NotFound() }), 1)
    yield* Effect.flip(retryRead(read))
    assert.strictEqual(calls(), 1)
  }))
})

it.effect("requests beyond the burst wait their turn at the rate allowed", () => Effect.gen(function*() {
  const limit = yield* makeLimiter(10, 5)
  let passed = 0
  yield* Effect.forkChild(Effect.forEach(
    Array.from({ length: 25 }), () => Effect.andThen(limit, Effect.sync(() => { passed++ })), { concurrency: "unbounded" }
  ))
  yield* TestClock.adjust(0)
  assert.strictEqual(passed, 5)
  yield* TestClock.adjust("1 second")
  assert.strictEqual(passed, 15)
  yield* TestClock.adjust("1 second")
  assert.strictEqual(passed, 25)
}))

it("a line may come in pieces, even a letter of it", () => {
  const lines = makeLines()
  const bytes = new TextEncoder().encode('{"a":"ü"}\n\n{"b":1}\n{"half')
  const seen = [...bytes].flatMap((byte) => lines(Uint8Array.of(byte)))
  assert.deepStrictEqual(seen, ['{"a":"ü"}', '{"b":1}'])
})

describe("calls to a server", () => {
  it.live("share connections and carry the token", () => withServer(Effect.fnUntraced(function*(kube, server) {
    for (let n = 0; n < 30; n++) yield* kube.get(Nodes, { name: "n1" })
    assert.isAtMost(server.connections(), 2)
    assert.strictEqual(server.requests.at(-1)?.headers.authorization, `Bearer ${token}`)
  })))

  it.live("give a list's items their kind, and its continue token", () => withServer(Effect.fnUntraced(function*(kube, server) {
    const list = yield* kube.list(Nodes, { limit: 1, labelSelector: "a=b" })
    assert.deepStrictEqual(list, { resourceVersion: "7", continue: "next", items: [node("n1")] })
    assert.strictEqual(server.requests.at(-1)?.url.search, "?limit=1&labelSelector=a%3Db")
  })))

  it.live("fail with the server's words and without the token", () => withServer(Effect.fnUntraced(function*(kube) {
    const error = yield* Effect.flip(kube.get(Nodes, { name: "n2" }))
    assert.strictEqual(error.message, 'GET /api/v1/nodes/n2: NotFound: nodes "n2" not found')
    assert.notInclude(JSON.stringify(error), token)
  })))

  it.live("that read are repeated, and that write are not", () => withServer(Effect.fnUntraced(function*(kube, server) {
    const failOnce = () => {
      let failed = false
      server.setFault(() => failed ? undefined : (failed = true, { status: 503, body: "busy" }))
    }
    failOnce()
    assert.strictEqual((yield* kube.get(Nodes, { name: "n1" })).metadata.name, "n1")
    failOnce()
    const before = server.requests.length
    assert.strictEqual((yield* Effect.flip(kube.create(Nodes, node("n3")))).reason._tag, "Unavailable")
    assert.strictEqual(server.requests.length, before + 1)
  })))

  it.live("that are not answered in time are given up", () => withServer(Effect.fnUntraced(function*(kube, server) {
    server.setFault(() => "hang")
    const error = yield* Effect.flip(kube.create(Nodes, node("n3")))
    assert.strictEqual(error.reason._tag, "Unavailable")
    assert.include(error.message, "no answer within 200ms")
  }), { options: { requestTimeout: "200 millis" } }))

  it.live("whose connection breaks fail as unavailable", () => withServer(Effect.fnUntraced(function*(kube, server) {
    server.setFault(() => "drop")
    assert.strictEqual((yield* Effect.flip(kube.create(Nodes, node("n3")))).reason._tag, "Unavailable")
  })))

  it.live("that are answered by something else fail as malformed", () => withServer(Effect.fnUntraced(function*(kube, server) {
    server.setFault(() => ({ status: 200, body: "<html>a login page</html>" }))
    assert.strictEqual((yield* Effect.flip(kube.get(Nodes, { name: "n1" }))).reason._tag, "Malformed")
    server.setFault(() => ({ status: 200, body: { metadata: {} } }))
    assert.strictEqual((yield* Effect.flip(kube.list(Nodes))).reason._tag, "Malformed")
  })))
})

describe("a watch", () => {
  const watch = (kube: Kube["Service"]) => kube.watch(Nodes, { resourceVersion: "7" })
  const twoEvents = Stream.fromIterable<WatchEvent<Node>>([added("a", "8"), { type: "BOOKMARK", resourceVersion: "9" }])

  it.live("delivers events and bookmarks in order, and ends with the server's reply", () =>
    withServer(Effect.fnUntraced(function*(kube, server) {
      const events = yield* Stream.runCollect(watch(kube))
      assert.deepStrictEqual(events, [added("a", "8"), { type: "BOOKMARK", resourceVersion: "9" }])
      const query = server.requests.at(-1)?.url.searchParams
      assert.strictEqual(query?.get("allowWatchBookmarks"), "true")
      assert.strictEqual(query?.get("resourceVersion"), "7")
      assert.isAtLeast(Number(query?.get("timeoutSeconds")), 300)
      assert.isAtMost(Number(query?.get("timeoutSeconds")), 600)
    }), { watch: twoEvents }))

  it.live("fails as expired when the server says so in an event or in its reply", () =>
    withServer(Effect.fnUntraced(function*(kube, server) {
      server.expireWatches(1)
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(watch(kube)))).reason._tag, "Expired")
      server.setFault(() => ({ status: 410, body: { kind: "Status", reason: "Expired", code: 410 } }))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(watch(kube)))).reason._tag, "Expired")
    })))

  it.live("fails when the connection is cut, after what had come", () => withServer(Effect.fnUntraced(function*(kube, server) {
    const seen: Array<string> = []
    const first = yield* Deferred.make<void>()
    const fiber = yield* Effect.forkChild(Effect.flip(watch(kube).pipe(Stream.runForEach((event) => {
      seen.push(event.type)
      return Deferred.succeed(first, undefined)
    }))))
    yield* Deferred.await(first)
    server.dropWatches()
    assert.strictEqual((yield* Fiber.join(fiber)).reason._tag, "Unavailable")
    assert.deepStrictEqual(seen, ["ADDED"])
  }), { watch: Stream.concat(Stream.make(added("a", "8")), Stream.never) }))

  it.live("fails when the line goes dead", () => withServer(Effect.fnUntraced(function*(kube, server) {
    server.silenceWatches(true)
    const error = yield* Effect.flip(Stream.runDrain(watch(kube)))
    assert.strictEqual(error.reason._tag, "Unavailable")
    assert.include(error.message, "silent for")
  }), { options: { watch: { atLeast: 0, atMost: 0, slack: "100 millis" } } }))

  it.live("that nobody listens to any more closes its connection", () => withServer(Effect.fnUntraced(function*(kube, server) {
    yield* watch(kube).pipe(Stream.take(1), Stream.runDrain)
    yield* server.watchesClosed
  }), { watch: Stream.concat(Stream.make(added("a", "8")), Stream.never) }))

  it.live("whose event is no event fails as malformed", () => withServer(Effect.fnUntraced(function*(kube, server) {
    for (const body of ["garbage\n", '{"type":"ADDED"}\n', '{"type":"BOOKMARK","object":{}}\n']) {
      server.setFault(() => ({ status: 200, body }))
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(watch(kube)))).reason._tag, "Malformed")
    }
  })))
})

it.live("the way to the server may lead through a proxy", () => Effect.scoped(Effect.gen(function*() {
  const fake = Layer.mock(Kube, { get: () => Effect.succeed(node("n1") as never) })
  const server = yield* serveKube(yield* Kube.pipe(Effect.provide(fake)))
  const targets: Array<string | undefined> = []
  const proxy = createServer().on("connect", (request, client) => {
    targets.push(request.url)
    const upstream = connect(Number(new URL(server.url).port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n")
      upstream.pipe(client)
      client.pipe(upstream)
    })
    client.on("error", () => upstream.destroy())
    upstream.on("error", () => client.destroy())
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => { proxy.listen(0, "127.0.0.1", () => resume(Effect.void)) }),
    () => Effect.sync(() => proxy.close())
  )
  const through = { server: server.url, "proxy-url": `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
  const live = layerOf(yield* configOf(through), options)
  yield* Kube.use((kube) => kube.get(Nodes, { name: "n1" })).pipe(Effect.provide(live))
  assert.strictEqual(targets[0], new URL(server.url).host)
})))

describe("at the start", () => {
  const startOn = (config: KubeConfig) => Effect.flip(Kube.pipe(Effect.provide(layerOf(config, options))))

  it.live("an unreachable server is told of in one line", () => Effect.gen(function*() {
    const error = yield* startOn(yield* configOf({ server: "http://127.0.0.1:1" }))
    assert.strictEqual(
      error.message,
      "cannot reach the Kubernetes API server http://127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1"
    )
  }))

  it.live("refused credentials are told of in one line, without them", () => Effect.scoped(Effect.gen(function*() {
    const server = yield* serveKube(yield* Kube.pipe(Effect.provide(Layer.mock(Kube, {}))))
    server.setFault(() => ({ status: 401, body: { kind: "Status", reason: "Unauthorized", message: "Unauthorized" } }))
    const error = yield* startOn(yield* configOf({ server: server.url }, { token }))
    assert.strictEqual(error.message, `the Kubernetes API server ${server.url} refused the credentials: Unauthorized`)
    assert.notInclude(JSON.stringify(error), token)
  })))

  it.live("an address that is none is told of in one line", () => Effect.gen(function*() {
    const none = yield* configOf({ server: "kubernetes.default" })
    const error = yield* startOn(none)
    assert.strictEqual(error.message, `invalid kubeconfig (${none.source}): the cluster's server is no http or https URL`)
    const socks = { server: "https://example.test", "proxy-url": "socks5://a-secret@example.test" }
    const proxy = yield* startOn(yield* configOf(socks))
    assert.match(proxy.message, /: proxy-url is no http or https URL$/)
  }))
})
