import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { annotation, label } from "../../src/apis/labels.ts"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./lkeWorld.ts"

const { addClaims, alive, bindings, changes, createAll, during, everBought, getClaim, numbered, play, setUp } = world

const distinct = (values: Iterable<unknown>) => new Set(values).size

describe("buying nodes through LKE", () => {
  it.effect("buys for 50 claims in one change, and each gets its own node", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const claims = yield* addClaims(numbered("claim", 50))
    const machines = yield* during((cloud) => play(createAll(cloud, claims)))
    assert.deepStrictEqual(yield* changes, ["POST /pools"])
    assert.strictEqual((yield* alive).length, 50)
    assert.strictEqual(distinct(machines.map((machine) => machine.nodeName)), 50)
    assert.strictEqual(distinct(Object.values(yield* bindings)), 50)
    for (const machine of machines) assert.match(machine.nodeName, new RegExp(`^lke${cluster.id}-\\d+-[0-9a-f]{12}$`))
  }).pipe(Effect.provide(world.outside())))

  it.effect("grows the pool that is there with one change for the next claims", () => Effect.gen(function*() {
    yield* setUp()
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("first", 3))))
      yield* play(createAll(cloud, yield* addClaims(numbered("second", 4))))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}"])
    assert.strictEqual((yield* alive).length, 7)
  }).pipe(Effect.provide(world.outside())))

  it.effect("knows the node's name while Linode has not said which instance it is, and the instance later", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      const [first] = yield* play(createAll(cloud, claims))
      assert.isUndefined(first?.providerID)
      yield* world.pass("20 seconds")
      const [second] = yield* play(createAll(cloud, claims))
      assert.match(second?.providerID ?? "", /^linode:\/\/\d+$/)
      assert.strictEqual(second?.nodeName, first?.nodeName)
      assert.strictEqual(second?.labels[label.zone], world.region)
      assert.strictEqual(second?.labels[label.capacityType], "on-demand")
      assert.strictEqual(second?.labels[label.instanceType], "g6-standard-2")
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools"])
  }).pipe(Effect.provide(world.outside())))

  it.effect("waits for the nodes that an enterprise pool names late, and buys none twice meanwhile", () => Effect.gen(function*() {
    yield* setUp({ tier: "enterprise" })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("claim", 5))))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools"])
    assert.strictEqual((yield* everBought).length, 5)
    assert.strictEqual(distinct(Object.values(yield* bindings)), 5)
  }).pipe(Effect.provide(world.outside())))

  it.effect("finds what a lost reply had bought", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    api.faults.on("POST /lke/clusters/{id}/pools", { kind: "lost" })
    api.faults.on("PUT /lke/clusters/{id}/pools/{id}", { kind: "failedAfter" })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("first", 3))))
      yield* play(createAll(cloud, yield* addClaims(numbered("second", 2))))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}"])
    assert.strictEqual((yield* everBought).length, 5)
  }).pipe(Effect.provide(world.outside())))

  it.effect("does not ask again while a request may still arrive, and then not twice", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    api.faults.on("POST /lke/clusters/{id}/pools", { kind: "late", afterMillis: 90_000 })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("claim", 3))))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools"])
    assert.strictEqual((yield* everBought).length, 3)
  }).pipe(Effect.provide(world.outside())))

  it.effect("asks anew once a request that never arrived is too old", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    api.faults.on("POST /lke/clusters/{id}/pools", { kind: "hung", acts: false })
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a"])))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "POST /pools"])
    assert.strictEqual((yield* everBought).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("buys for other claims in a sibling pool while a change of the pool is in doubt", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a"])))
      api.faults.on("PUT /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 60_000 })
      const doubtful = yield* addClaims(["b"])
      const error = yield* play(Effect.flip(cloud.create(doubtful[0]!)))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
      yield* play(createAll(cloud, yield* addClaims(["c"])), "10 seconds")
      assert.strictEqual((yield* alive).length, 2)
      yield* play(createAll(cloud, doubtful))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}", "POST /pools"])
    assert.strictEqual((yield* everBought).length, 3)
  }).pipe(Effect.provide(world.outside())))

  it.effect("tries again after an error that came before anything was done", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    api.faults.on("POST /lke/clusters/{id}/pools", { kind: "refused", status: 429, retryAfterSeconds: 3 })
    yield* during((cloud) => Effect.gen(function*() {
      const claims = yield* addClaims(["a"])
      const error = yield* play(Effect.flip(cloud.create(claims[0]!)))
      assert.strictEqual(error.reason._tag === "CloudUnavailable" && error.reason.retryAfterSeconds, 3)
      assert.isUndefined((yield* getClaim("a")).metadata.annotations?.[annotation.lkeIntent])
      yield* play(createAll(cloud, claims))
    }))
    assert.strictEqual((yield* everBought).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("takes the next type in the same call when one is sold out, and offers it as unavailable for three minutes", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    linode.soldOut("g6-standard-2", world.region)
    const pool = { metadata: { name: "general" }, spec: { template: { spec: { requirements: [], nodeClassRef: { group: "", kind: "", name: "default" } } } } }
    yield* during((cloud) => Effect.gen(function*() {
      const offered = Effect.map(cloud.instanceTypes(pool), (types) => types.find((type) => type.name === "g6-standard-2")?.offerings[0]?.available)
      const before = yield* cloud.instanceTypes(pool)
      const claims = yield* addClaims(numbered("claim", 3), { types: ["g6-standard-2", "g6-standard-4"] })
      const machines = yield* play(Effect.forEach(claims, (claim) => cloud.create(claim), { concurrency: "unbounded" }))
      assert.deepStrictEqual(machines.map((machine) => machine.labels[label.instanceType]), ["g6-standard-4", "g6-standard-4", "g6-standard-4"])
      assert.isFalse(yield* offered)
      yield* world.pass("3 minutes")
      assert.isTrue(yield* offered)
      assert.deepStrictEqual(yield* cloud.instanceTypes(pool), before)
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "POST /pools"])
  }).pipe(Effect.provide(world.outside())))

  it.effect("says so when no type is left", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    linode.soldOut("g6-standard-2", world.region)
    const error = yield* during((cloud) => Effect.gen(function*() {
      const [claim] = yield* addClaims(["a"])
      return yield* play(Effect.flip(cloud.create(claim!)))
    }))
    assert.strictEqual(error.reason._tag, "InsufficientCapacity")
  }).pipe(Effect.provide(world.outside())))

  it.effect("tells a quota from a shortage, and keeps the type on offer", () => Effect.gen(function*() {
    yield* setUp()
    const error = yield* during((cloud) => Effect.gen(function*() {
      const [claim] = yield* addClaims(["a"], { types: ["g6-standard-2", "g6-standard-4"] })
      return yield* play(Effect.flip(cloud.create(claim!)))
    }))
    assert.strictEqual(error.reason._tag === "CreateFailed" && error.reason.condition, "AccountLimitReached")
    assert.include(error.message, "Account Limit reached")
    assert.deepStrictEqual(yield* changes, ["POST /pools"])
    assert.isUndefined((yield* getClaim("a")).metadata.annotations?.[annotation.lkeIntent])
  }).pipe(Effect.provide(world.outside({ accountLimit: 1 }))))

  it.effect("names the field that Linode does not like", () => Effect.gen(function*() {
    yield* setUp({ tier: "enterprise", spec: { firewallID: 99 } })
    const error = yield* during((cloud) => Effect.gen(function*() {
      const [claim] = yield* addClaims(["a"])
      return yield* play(Effect.flip(cloud.create(claim!)))
    }))
    assert.strictEqual(error.reason._tag === "CreateFailed" && error.reason.condition, "NodePoolCreationFailed")
    assert.include(error.message, "firewall_id")
  }).pipe(Effect.provide(world.outside({ firewalls: [1] }))))

  it.effect("keeps claims of another template, and another NodePool, in pools of their own", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const claims = [
        ...(yield* addClaims(["plain"])),
        ...(yield* addClaims(["tainted"], { taints: [{ key: "team", effect: "NoSchedule" }] })),
        ...(yield* addClaims(["other"], { nodePool: "batch", labels: { "example.com/tier": "batch", "topology.kubernetes.io/zone": "us-ord" } }))
      ]
      yield* play(createAll(cloud, claims))
    }))
    const pools = [...linode.pools.values()].filter((pool) => pool.tags.includes("karpenter.k8s.linode/lke-managed=true"))
    assert.strictEqual(pools.length, 3)
    assert.deepStrictEqual(pools.map((pool) => pool.taints).flat(), [{ key: "team", value: "", effect: "NoSchedule" }])
    assert.deepStrictEqual(pools.map((pool) => pool.labels["example.com/tier"]).filter(Boolean), ["batch"])
    for (const pool of pools) for (const tag of pool.tags) assert.isAtMost(tag.length, 50)
  }).pipe(Effect.provide(world.outside())))

  it.effect("fills a pool to LKE's limit and goes on in a sibling", () => Effect.gen(function*() {
    yield* setUp()
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("claim", 120))))
    }))
    assert.strictEqual((yield* everBought).length, 120)
    assert.deepStrictEqual(yield* changes, ["POST /pools", "POST /pools"])
  }).pipe(Effect.provide(world.outside())))

  it.effect("neither takes a node from a claim nor lowers a pool's count because a list is old", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { api } = yield* LinodeSimulator
    const headers = { authorization: "Bearer simulated-token" }
    const list = { method: "GET", url: `/v4/lke/clusters/${cluster.id}/pools`, headers, body: "" }
    yield* during((cloud) => Effect.gen(function*() {
      const late = yield* addClaims(["b", "c"])
      yield* play(createAll(cloud, yield* addClaims(["a"])))
      const { body } = api.handle(list)
      yield* world.pass("2 minutes")
      yield* play(createAll(cloud, late))
      const before = yield* bindings
      const renew = api.faults.on("GET /lke/clusters/{id}/pools", { kind: "answered", status: 200, body }, Infinity)
      const next = yield* addClaims(["d"])
      assert.strictEqual((yield* play(Effect.flip(cloud.create(next[0]!)))).reason._tag, "CloudUnavailable")
      assert.deepStrictEqual(yield* bindings, { ...before, d: undefined })
      renew()
      yield* play(createAll(cloud, next))
      assert.deepStrictEqual(yield* bindings, { ...before, d: (yield* bindings).d })
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}", "PUT /pools/{id}"])
    assert.strictEqual((yield* alive).length, 4)
    assert.strictEqual((yield* everBought).length, 4)
  }).pipe(Effect.provide(world.outside())))

  it.effect("takes no node of the user's own pool, whatever a claim says", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const [node] = linode.poolsOf(cluster)[0]!.nodes
    yield* during((cloud) => Effect.gen(function*() {
      for (const [name, key] of [["a", {}], ["b", { [annotation.lkePoolKey]: "0123456789abcdef" }]] as const) {
        const [claim] = yield* addClaims([name], { annotations: { [annotation.lkeNode]: node!.id, ...key } })
        const error = yield* play(Effect.flip(cloud.create(claim!)))
        assert.strictEqual(error.reason._tag, "CloudUnavailable")
        assert.include(error.message, "does not carry Karpenter's tags")
      }
    }))
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("gives a claim no node of a pool that is being deleted, though the list is older than that", () => Effect.gen(function*() {
    yield* setUp()
    const { api, cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a"])))
      const renew = linode.ageLists()
      // Sentenced, and deleted a minute later.
      api.faults.on("DELETE /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 60_000 })
      const deleting = yield* Effect.forkChild(world.deleteAll(cloud, ["a"]))
      yield* play(Effect.sleep("5 seconds"))
      yield* play(createAll(cloud, yield* addClaims(["b"])))
      const own = (yield* bindings)["b"]
      renew()
      yield* play(Effect.sleep("4 minutes"))
      assert.deepStrictEqual((yield* alive).map(({ node }) => node), [own])
      yield* Fiber.interrupt(deleting)
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("hears the answer to what it has asked for before it finishes, and asks nothing afterwards", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    const [a, b] = yield* addClaims(["a", "b"])
    api.faults.on("POST /lke/clusters/{id}/pools", { kind: "slow", millis: 5_000 })
    yield* during((cloud) => Effect.gen(function*() {
      const asked = yield* Effect.forkChild(cloud.create(a!))
      yield* play(Effect.sleep("1 second"))
      yield* play(cloud.finish)
      assert.lengthOf(yield* alive, 1)
      const before = api.log.length
      yield* Effect.forkChild(cloud.create(b!))
      yield* play(Effect.sleep("1 minute"))
      assert.strictEqual(api.log.length, before)
      assert.isDefined(asked.pollUnsafe())
    }))
    yield* during((cloud) => play(createAll(cloud, [a!, b!]), "1 minute"))
    assert.lengthOf(yield* everBought, 2)
  }).pipe(Effect.provide(world.outside())))

  it.effect("never makes a pool smaller by a count that another process has changed meanwhile", () => Effect.gen(function*() {
    yield* setUp()
    const kube = yield* Kube
    const [a, b, c, d] = yield* addClaims(["a", "b", "c", "d"])
    yield* during((cloud) => play(cloud.create(a!)))
    // It has looked, and what it records arrives late.
    const slow = Layer.succeed(Kube, {
      ...kube, patch: (...args: Parameters<typeof kube.patch>) => Effect.andThen(Effect.sleep("3 seconds"), kube.patch(...args))
    } as typeof kube)
    const context = yield* play(Layer.build(world.program.pipe(Layer.provide(slow))))
    yield* play(Context.get(context, Caches).synced)
    const late = yield* Effect.forkScoped(createAll(Context.get(context, CloudProvider), [b!]))
    yield* world.pass("1 second")
    yield* during((cloud) => play(createAll(cloud, [c!, d!])))
    yield* play(Fiber.join(late), "1 minute")
    assert.strictEqual((yield* alive).length, 4)
    assert.deepStrictEqual((yield* everBought).map(({ deletedAt }) => deletedAt), [undefined, undefined, undefined, undefined])
    assert.lengthOf(new Set(Object.values(yield* bindings)), 4)
  }).pipe(Effect.scoped, Effect.provide(world.outside())))

  it.effect("gives a claim another node when LKE has taken its own before it joined", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const claims = yield* addClaims(["a", "b"])
      yield* play(createAll(cloud, claims))
      const lost = (yield* bindings).a
      yield* world.pass("61 seconds")
      const pool = [...linode.pools.values()].find((candidate) => candidate.nodes.some((node) => node.id === lost))!
      linode.deleteNode(pool, pool.nodes.find((node) => node.id === lost)!)
      const [a, b] = yield* play(createAll(cloud, claims))
      assert.notInclude(a?.nodeName ?? "", lost ?? "")
      assert.notStrictEqual(a?.nodeName, b?.nodeName)
    }))
    assert.strictEqual((yield* alive).length, 2)
  }).pipe(Effect.provide(world.outside())))
})
