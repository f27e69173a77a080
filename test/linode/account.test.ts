/** What the account has beside its Linodes, read through the real client. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Linode } from "../../src/linode/linode.ts"
import type { LinodeError } from "../../src/linode/linodeError.ts"
import * as live from "../../src/linode/live.ts"
import { LinodeCalls, Transport } from "../../src/linode/options.ts"
import type { LinodeCall } from "../../src/linode/options.ts"
import { layer as simulatorLayer, LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import type { SimulatorOptions } from "../../src/simulator/linode/linodeSimulator.ts"
import { transport } from "../../src/simulator/linode/transport.ts"
import { pool, world } from "./support.ts"

const simulated = (options: SimulatorOptions = {}, calls: Array<LinodeCall> = []) => Layer.unwrap(Effect.map(LinodeSimulator, ({ api }) =>
  live.layer({ token: Redacted.make("simulated-token") }).pipe(Layer.provide(Layer.mergeAll(
    Layer.succeed(Transport, transport(api)),
    Layer.succeed(LinodeCalls, (call: LinodeCall) => calls.push(call))
  )))
)).pipe(Layer.provideMerge(simulatorLayer(options)), Layer.orDie)

/** Lets `effect` run until it ends, moving the clock on in small steps. */
const settle = <A, E>(effect: Effect.Effect<A, E, Linode>) => Effect.gen(function*() {
  const fiber = yield* Effect.forkChild(effect)
  while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("100 millis")
  return yield* Fiber.join(fiber)
})

const said = (status: number, reason: string) =>
  ({ kind: "answered", status, body: JSON.stringify({ errors: [{ reason }] }) }) as const

describe("an account", () => {
  it.effect("tells what is planned for a Linode's host, as maintenance and as an event, until it is over", () => Effect.gen(function*() {
    const { cloud } = yield* world()
    yield* TestClock.setTime(Date.parse("2026-03-01T12:00:00Z"))
    const linode = yield* Linode
    const instance = cloud.addInstance({ label: "vm", type: "g6-standard-1", region: "us-ord" })
    cloud.power.planMaintenance(instance, { type: "cold_migration", after: 3_600_000, reason: "Bad memory" })
    const [entry] = yield* settle(linode.maintenance)
    assert.containsSubset(entry, {
      entity: { id: instance.id, type: "linode" }, type: "cold_migration", status: "scheduled", when: "2026-03-01T13:00:00", reason: "Bad memory"
    })
    const since = Date.parse("2026-03-01T00:00:00Z")
    const events = linode.events(["linode_migrate", "host_reboot"], since)
    assert.containsSubset(yield* settle(events), [{ action: "linode_migrate", status: "scheduled", source: "platform" }])
    assert.deepStrictEqual(yield* settle(linode.events(["linode_shutdown"], since)), [])
    yield* TestClock.adjust("1 hour")
    assert.strictEqual(instance.status, "migrating")
    assert.strictEqual((yield* settle(linode.maintenance))[0]?.status, "started")
    yield* TestClock.adjust("1 minute")
    assert.strictEqual(instance.status, "running")
    assert.deepStrictEqual(yield* settle(linode.maintenance), [])
    assert.strictEqual((yield* settle(events))[0]?.status, "finished")
  }).pipe(Effect.provide(simulated())))

  it.effect("tells what a LinodeNodeClass may name, and what there is not", () => Effect.gen(function*() {
    yield* world()
    const linode = yield* Linode
    assert.strictEqual((yield* settle(linode.firewall(7))).status, "enabled")
    assert.strictEqual((yield* settle(linode.placementGroup(3))).region, "us-east")
    assert.strictEqual((yield* settle(linode.image("linode/debian13"))).id, "linode/debian13")
    assert.strictEqual((yield* settle(linode.quotas("linode")))[0]?.quota_limit, 20)
    const missings: ReadonlyArray<Effect.Effect<unknown, LinodeError>> = [
      linode.firewall(8), linode.placementGroup(4), linode.image("private/9")
    ]
    for (const missing of missings) {
      assert.strictEqual((yield* settle(Effect.flip(missing))).reason._tag, "Gone")
    }
  }).pipe(Effect.provide(simulated({
    firewalls: [7],
    placementGroups: [{
      id: 3, label: "together", region: "us-east", placement_group_type: "affinity:local", placement_group_policy: "strict", members: []
    }],
    quotas: [{ quota_id: "q", quota_name: "Linodes", quota_limit: 20, resource_metric: "linode" }]
  }))))

  it.effect("lists a cluster's own Linodes, not those of another whose number begins alike", () => Effect.gen(function*() {
    const { cloud, cluster } = yield* world()
    cloud.addInstance({ label: `lke${cluster.id}-not-a-node`, type: "g6-standard-1", region: "us-ord" })
    cloud.addCluster({ label: "other", region: "us-ord", systemPool: { type: "g6-standard-1", count: 2 } })
    const linode = yield* Linode
    const instances = yield* settle(linode.clusterInstances(cluster.id))
    assert.deepStrictEqual(instances.map((instance) => instance.lke_cluster_id), [cluster.id])
    const [first] = instances
    const tagged = yield* settle(linode.tagInstance(first!.id, ["team=a"]))
    assert.deepStrictEqual(tagged.tags, ["team=a"])
  }).pipe(Effect.provide(simulated())))

  it.effect("whose token is wrong is asked now and then by one, whoever would like to; all are told the same", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    const heal = api.faults.on(() => true, said(401, "Invalid Token"), Infinity)
    const reads = Effect.forEach(Array.from({ length: 20 }), () => Effect.flip(linode.cluster(cluster.id)), { concurrency: 1 })
    for (let minute = 0; minute < 10; minute++) {
      const errors = yield* settle(reads)
      assert.isTrue(errors.every(({ reason, detail }) => reason._tag === "Auth" && detail === "Invalid Token"))
      yield* settle(Effect.flip(linode.createPool(cluster.id, pool)))
      yield* TestClock.adjust("1 minute")
    }
    assert.isAtMost(api.log.length, 7, "of 210 that would have been")
    assert.strictEqual((yield* linode.tokenRefused)?.status, 401)
    heal()
    yield* TestClock.adjust("5 minutes")
    yield* settle(linode.regions)
    assert.strictEqual((yield* linode.tokenRefused)?.status, 401, "what anybody may read says nothing about the token")
    yield* settle(linode.cluster(cluster.id))
    assert.isUndefined(yield* linode.tokenRefused)
    assert.strictEqual((yield* settle(linode.pools(cluster.id))).length, 1)
  }).pipe(Effect.provide(simulated())))

  it.effect("whose token lacks a scope is refused that alone; only a scope that is needed counts against the token", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    api.faults.on("GET /account/maintenance", said(403, "Your OAuth token is not authorized to use this endpoint."), Infinity)
    yield* settle(Effect.flip(linode.maintenance))
    yield* settle(Effect.flip(linode.maintenance))
    assert.strictEqual(api.log.length, 1)
    yield* settle(linode.cluster(cluster.id))
    assert.isUndefined(yield* linode.tokenRefused)
    api.faults.on("POST /lke/clusters/{id}/pools", said(403, "Unauthorized"), Infinity)
    yield* settle(Effect.flip(linode.createPool(cluster.id, pool)))
    yield* settle(linode.cluster(cluster.id))
    assert.strictEqual((yield* linode.tokenRefused)?.route, "POST /lke/clusters/{id}/pools")
  }).pipe(Effect.provide(simulated())))

  const counted: Array<LinodeCall> = []
  it.effect("is asked 200 times a minute for lists though another client uses half of what there is, without a refusal", () => Effect.gen(function*() {
    const { api, cluster } = yield* world()
    const linode = yield* Linode
    const other = { method: "GET", url: "/v4/lke/clusters", headers: { authorization: "Bearer simulated-token" }, body: "" }
    const wishes = yield* Effect.forkChild(Effect.forEach(
      Array.from({ length: 300 }), () => linode.pools(cluster.id), { concurrency: 20, discard: true }
    ))
    while (wishes.pollUnsafe() === undefined) {
      api.handle(other)
      yield* TestClock.adjust("600 millis")
    }
    yield* Fiber.join(wishes)
    assert.deepStrictEqual(api.log.filter(({ status }) => status === 429), [])
    assert.isAtMost(yield* Clock.currentTimeMillis, 300_000)
    assert.isTrue(counted.every(({ kind, route: of }) => kind === "list" && of === "/lke/clusters/{id}/pools"))
    assert.isAbove(Math.max(...counted.map(({ waitedMillis }) => waitedMillis)), 1_000, "the wait for a turn is told apart")
  }).pipe(Effect.provide(simulated({}, counted))))
})
