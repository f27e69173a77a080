import { assert, describe, it } from "@effect/vitest"
import { AxiosError } from "axios"
import { Cause, Duration, Effect, Exit, Layer, Redacted } from "effect"
import { inspect } from "node:util"
import { Linode } from "../../src/linode/linode.ts"
import type { LinodeError } from "../../src/linode/linodeError.ts"
import { LinodeCalls, type LinodeCall, Transport } from "../../src/linode/options.ts"
import * as live from "../../src/linode/live.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { overHttp, pool, token, world } from "./support.ts"

const createRoute = "POST /lke/clusters/{id}/pools"
const said = (status: number, reason: string, field?: string): Fault => ({
  kind: "answered", status, body: JSON.stringify({ errors: [{ reason, field }] })
})

describe("the catalogue", () => {
  it.live("types, regions and availability come decoded", () => Effect.gen(function*() {
    const linode = yield* Linode
    const types = yield* linode.types
    const standard = types.find(({ id }) => id === "g6-standard-4")
    assert.strictEqual(standard?.memory, 8192)
    assert.isTrue((yield* linode.regions).some(({ id }) => id === "us-ord"))
    const availability = yield* linode.availability("us-east")
    assert.isTrue(availability.some(({ available, plan }) => plan.startsWith("g7-premium") && !available))
  }).pipe(Effect.provide(overHttp())))

  it.live("lists are complete over several pages", () => Effect.gen(function*() {
    const { api, cloud } = yield* world()
    for (let i = 0; i < 600; i++) cloud.addInstance({ label: `vm-${i}`, type: "g6-standard-1", region: "us-ord" })
    const linode = yield* Linode
    const instances = yield* linode.instances([])
    assert.strictEqual(instances.length, 601)
    assert.strictEqual(new Set(instances.map(({ id }) => id)).size, 601)
    assert.strictEqual(api.calls()["GET /linode/instances"], 2)
  }).pipe(Effect.provide(overHttp())))

  it.live("a list that changes between two pages is read anew", () => Effect.gen(function*() {
    const { api, cloud } = yield* world()
    const add = (_: unknown, i: number) => cloud.addInstance({ label: `vm-${i}`, type: "g6-standard-1", region: "us-ord" })
    const added = Array.from({ length: 600 }, add)
    // The first page has been told when the second is asked for: by then a row of the first is gone.
    api.faults.on((request) => {
      if (request.route !== "/linode/instances" || api.calls()["GET /linode/instances"] !== 1) return false
      cloud.instances.delete(added[0]!.id)
      return false
    }, { kind: "failedAfter" })
    const linode = yield* Linode
    const instances = yield* linode.instances([])
    assert.strictEqual(instances.length, 600)
    assert.isTrue(instances.some(({ id }) => id === added[500]!.id), "the row that slipped to the first page")
  }).pipe(Effect.provide(overHttp())))

  it.live("instances are asked for by equal tags, all of them", () => Effect.gen(function*() {
    const { api, cloud } = yield* world()
    cloud.addInstance({ label: "a", type: "g6-standard-1", region: "us-ord", tags: ["nodepool=12", "x"] })
    cloud.addInstance({ label: "b", type: "g6-standard-1", region: "us-ord", tags: ["nodepool=123", "x"] })
    const linode = yield* Linode
    assert.deepStrictEqual((yield* linode.instances(["x", "nodepool=12"])).map(({ label }) => label), ["a"])
    assert.strictEqual(api.log.at(-1)?.filter, `{"+and":[{"tags":"x"},{"tags":"nodepool=12"}]}`)
  }).pipe(Effect.provide(overHttp())))

  it.live("clusters are found by their label, with their tier", () => Effect.gen(function*() {
    const { cloud, cluster } = yield* world("enterprise")
    cloud.addCluster({ label: "demo-2", region: "us-ord" })
    const linode = yield* Linode
    const found = yield* linode.clustersByLabel("demo")
    assert.deepStrictEqual(found.map(({ id, tier }) => ({ id, tier })), [{ id: cluster.id, tier: "enterprise" }])
    assert.strictEqual((yield* linode.cluster(cluster.id)).label, "demo")
    assert.deepStrictEqual(yield* linode.clustersByLabel("nobody"), [])
  }).pipe(Effect.provide(overHttp())))
})

describe("pools", () => {
  it.live("a pool is made, grown, shrunk by node and deleted", () => Effect.gen(function*() {
    const { cloud, cluster } = yield* world()
    const linode = yield* Linode
    const created = yield* linode.createPool(cluster.id, {
      ...pool, count: 2, tags: ["a", "b"], labels: { "karpenter.sh/nodepool": "default", empty: "" },
      taints: [{ key: "karpenter.sh/unregistered", value: "", effect: "NoExecute" }]
    })
    assert.strictEqual(created.nodes.length, 2)
    assert.isNull(created.nodes[0]!.instance_id)
    assert.deepStrictEqual(created.taints, [{ key: "karpenter.sh/unregistered", value: "", effect: "NoExecute" }])
    const grown = yield* linode.updatePool(cluster.id, created.id, { count: 3 })
    assert.strictEqual(grown.nodes.length, 3)
    yield* linode.deleteNode(cluster.id, grown.nodes[1]!.id)
    const left = yield* linode.pool(cluster.id, created.id)
    assert.deepStrictEqual(left.nodes.map(({ id }) => id), [grown.nodes[0]!.id, grown.nodes[2]!.id])
    assert.strictEqual(left.count, 2)
    const tagged = yield* linode.updatePool(cluster.id, created.id, { tags: ["c"] })
    assert.deepStrictEqual(tagged.tags, ["c"])
    assert.strictEqual((yield* linode.pools(cluster.id)).length, 2)
    yield* linode.deletePool(cluster.id, created.id)
    assert.strictEqual(cloud.hourlyPrice, 0)
    const gone = yield* Effect.flip(linode.pool(cluster.id, created.id))
    assert.strictEqual(gone.reason._tag, "Gone")
    assert.strictEqual(gone.route, "GET /lke/clusters/{id}/pools/{id}")
  }).pipe(Effect.provide(overHttp())))

  it.live("an ordinary pool goes through the client's own check", () => Effect.gen(function*() {
    const { cluster } = yield* world()
    const linode = yield* Linode
    const created = yield* linode.createPool(cluster.id, {
      ...pool, labels: { team: "a" }, taints: [{ key: "example.com/gpu", value: "yes", effect: "NoSchedule" }]
    })
    assert.deepStrictEqual(created.labels, { team: "a" })
    const taints = [{ key: "-bad", value: "x", effect: "NoSchedule" }]
    const error = yield* Effect.flip(linode.createPool(cluster.id, { ...pool, taints }))
    assert.deepStrictEqual([error.status, error.reason._tag], [0, "Validation"])
  }).pipe(Effect.provide(overHttp())))
})

describe("errors of changes", () => {
  type Fields = Partial<Record<"field" | "outcomeUnknown" | "retryAfterSeconds", unknown>>
  const html: Fault = { kind: "answered", status: 404, body: "<html>", contentType: "text/html" }
  const cases: ReadonlyArray<readonly [string, Fault, string, Fields]> = [
    ["an unknown firewall", said(400, "firewall_id is not valid", "firewall_id"), "Validation", { field: "firewall_id" }],
    ["a bad taint", said(400, "Invalid", "taints"), "Validation", { field: "taints" }],
    ["a type that is sold out", said(400, "unavailable", "type"), "Capacity", {}],
    ["a dotted type", said(400, "unavailable", "node_pools.type"), "Capacity", {}],
    ["a complaint about nothing in particular", said(400, "Not today"), "Capacity", {}],
    ["an account that is full", said(400, "Account Limit reached. Please open a support ticket."), "Quota", {}],
    ["a busy Linode", said(400, "Linode busy."), "Transient", { outcomeUnknown: false }],
    ["a wrong token", said(401, "Invalid Token"), "Auth", {}],
    ["a missing scope", said(403, "Your OAuth token is not authorized to use this endpoint."), "Auth", {}],
    ["a cluster that is gone", said(404, "Not found"), "Gone", {}],
    ["a 404 that Linode did not write", html, "Transient", { outcomeUnknown: true }],
    ["too many requests", { kind: "refused", status: 429, retryAfterSeconds: 17 }, "RateLimited", { retryAfterSeconds: 17 }],
    ["a request time-out", { kind: "refused", status: 408 }, "Transient", { outcomeUnknown: true }],
    ["a proxy's HTML page", { kind: "refused", status: 502 }, "Transient", { outcomeUnknown: true }],
    ["maintenance", { kind: "refused", status: 503 }, "Transient", { outcomeUnknown: true }],
    ["an error after the action", { kind: "failedAfter" }, "Transient", { outcomeUnknown: true }],
    ["a lost reply", { kind: "lost" }, "Transient", { outcomeUnknown: true }],
    ["a lost request", { kind: "lost", acts: false }, "Transient", { outcomeUnknown: true }],
    ["a reply that breaks off", { kind: "truncated" }, "Transient", { outcomeUnknown: true }],
    ["a reply that is not JSON", { kind: "malformed" }, "Decode", {}],
    ["a reply of another shape", { kind: "answered", status: 200, body: `{"id":"seven"}` }, "Decode", {}],
    ["a redirect", { kind: "answered", status: 302, body: "" }, "Decode", {}]
  ]
  for (const [name, fault, tag, fields] of cases) {
    it.live(`${name} is ${tag}`, () => Effect.gen(function*() {
      const { api, cluster } = yield* world()
      const linode = yield* Linode
      api.faults.on(createRoute, fault)
      const error = yield* Effect.flip(linode.createPool(cluster.id, pool))
      assert.strictEqual(error.reason._tag, tag)
      assert.containsSubset(error.reason, fields)
      assert.strictEqual(error.route, createRoute)
      assert.strictEqual(api.calls()[createRoute], 1, "a change is sent once")
      assertSecret(error)
    }).pipe(Effect.provide(overHttp())))
  }

  it.live("a lost reply does not undo the purchase", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on(createRoute, { kind: "lost" })
    yield* Effect.flip(linode.createPool(cluster.id, pool))
    assert.strictEqual((yield* linode.pools(cluster.id)).length, 2)
  }).pipe(Effect.provide(overHttp())))

  it.live("no answer in time leaves the outcome open", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on(createRoute, { kind: "hung" })
    const error = yield* Effect.flip(linode.createPool(cluster.id, pool))
    assert.containsSubset(error.reason, { _tag: "Transient", outcomeUnknown: true })
    assert.strictEqual((yield* linode.pools(cluster.id)).length, 2)
    assertSecret(error)
  }).pipe(Effect.provide(overHttp({ linode: { timeout: Duration.millis(200) } }))))

  it.live("a refused connection changed nothing", () => Effect.gen(function*() {
    const linode = yield* Linode
    const error = yield* Effect.flip(linode.createPool(1, pool))
    assert.containsSubset(error, { status: 0, reason: { _tag: "Transient", outcomeUnknown: false } })
    assertSecret(error)
  }).pipe(Effect.provide(live.layer({ token: Redacted.make(token), baseUrl: "http://127.0.0.1:1" }))))

  // As Node names them: a connection may break while its server is checked, or when the request has long been carried out.
  const broken: ReadonlyArray<readonly [string, boolean]> = [
    ["DEPTH_ZERO_SELF_SIGNED_CERT", false], ["SELF_SIGNED_CERT_IN_CHAIN", false], ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", false],
    ["CERT_HAS_EXPIRED", false], ["ERR_TLS_CERT_ALTNAME_INVALID", false],
    ["ERR_SSL_WRONG_VERSION_NUMBER", true], ["ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC", true],
    ["ERR_SSL_CIPHER_OPERATION_FAILED", true], ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", true], ["ECONNRESET", true]
  ]
  for (const [code, outcomeUnknown] of broken) {
    const meaning = outcomeUnknown ? "leaves the outcome open" : "changed nothing"
    it.live(`a connection that ends by ${code} ${meaning}`, () => Effect.gen(function*() {
      const linode = yield* Linode
      const error = yield* Effect.flip(linode.createPool(1, pool))
      assert.containsSubset(error, { status: 0, reason: { _tag: "Transient", outcomeUnknown } })
    }).pipe(Effect.provide(live.layer({ token: Redacted.make(token) }).pipe(
      Layer.provide(Layer.succeed(Transport, () => Promise.reject(new AxiosError("broken", code))))
    ))))
  }

  it.live("a complaint without a field is not about the offering when nothing was ordered", () => Effect.gen(function*() {
    const { cluster, systemPool } = yield* world()
    const linode = yield* Linode
    const error = yield* Effect.flip(linode.deletePool(cluster.id, systemPool.id))
    assert.containsSubset(error.reason, { _tag: "Validation", field: "" })
  }).pipe(Effect.provide(overHttp())))
})

describe("reads", () => {
  it.live("are repeated after trouble", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on("GET /lke/clusters/{id}", { kind: "refused", status: 502 })
    api.faults.on("GET /lke/clusters/{id}", { kind: "lost" })
    assert.strictEqual((yield* linode.cluster(cluster.id)).id, cluster.id)
    assert.strictEqual(api.calls()["GET /lke/clusters/{id}"], 3)
  }).pipe(Effect.provide(overHttp())))

  it.live("wait as long as Retry-After says", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on("GET /lke/clusters/{id}", { kind: "refused", status: 429, retryAfterSeconds: 1 })
    yield* linode.cluster(cluster.id)
    const [first, second] = api.log
    assert.isAtLeast(second!.at - first!.at, 1000)
  }).pipe(Effect.provide(overHttp())))

  it.live("a malformed reply names its route", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    const body = `{"data":[{"id":1}],"page":1,"pages":1,"results":1}`
    api.faults.on("GET /lke/clusters/{id}/pools", { kind: "answered", status: 200, body })
    const error = yield* Effect.flip(linode.pools(cluster.id))
    assert.strictEqual(error.reason._tag, "Decode")
    assert.match(error.message, /^GET \/lke\/clusters\/\{id\}\/pools: Decode: /)
  }).pipe(Effect.provide(overHttp())))

  it.live("a wrong token is told at once, and not told on", () => Effect.gen(function*() {
    const { api } = yield* world()
    const linode = yield* Linode
    const error = yield* Effect.flip(linode.types)
    assert.deepStrictEqual([error.reason._tag, error.detail], ["Auth", "Invalid Token"])
    assert.strictEqual(api.log.length, 1)
    assertSecret(error)
  }).pipe(Effect.provide(overHttp({ simulator: { tokens: ["another"] } }))))

  it.live("a server that repeats the token does not get it into an error", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on(createRoute, said(400, `Bearer ${token} may not`, "tags"))
    const error = yield* Effect.flip(linode.createPool(cluster.id, pool))
    assert.include(error.detail, "<redacted>")
    assertSecret(error)
  }).pipe(Effect.provide(overHttp())))
})

it.live("every exchange is counted by its route", () => {
  const calls: Array<LinodeCall> = []
  return Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on("GET /lke/clusters/{id}/pools", { kind: "refused", status: 500 })
    yield* linode.pools(cluster.id)
    yield* linode.createPool(cluster.id, pool)
    assert.deepStrictEqual(calls.map(({ method, route, status }) => `${status} ${method} ${route}`), [
      "500 GET /lke/clusters/{id}/pools", "200 GET /lke/clusters/{id}/pools", `200 ${createRoute}`
    ])
  }).pipe(Effect.provide(overHttp()), Effect.provideService(LinodeCalls, (call: LinodeCall) => calls.push(call)))
})

it.live("two accounts in one process never meet", () => Effect.gen(function*() {
  const other = "another-secret-9876543210"
  const run = (secret: string) => Effect.gen(function*() {
    const { cluster } = yield* world()
    const linode = yield* Linode
    return yield* Effect.forEach(Array.from({ length: 20 }), () => linode.cluster(cluster.id), { concurrency: 10 })
  }).pipe(Effect.provide(overHttp({ linode: { token: Redacted.make(secret) }, simulator: { tokens: [secret] } })))
  const [mine, theirs] = yield* Effect.all([run(token), run(other)], { concurrency: 2 })
  assert.strictEqual(mine.length + theirs.length, 40)
}))

/** Whatever prints the error, the token is not in it. */
function assertSecret(error: LinodeError): void {
  const texts = [
    String(error), JSON.stringify(error), inspect(error, { depth: 20, showHidden: true }), error.stack ?? "",
    Cause.pretty(Cause.fail(error)), JSON.stringify(Exit.fail(error))
  ]
  for (const text of texts) assert.notInclude(text, token)
}
