import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { Kube } from "../../src/kube/kube.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./lkeWorld.ts"

const { addClaims, alive, bindings, changes, createAll, deleteAll, during, everBought, getClaim, numbered, pass, play, setUp } = world

const provider = (id: string) => Effect.gen(function*() {
  const kube = yield* Kube
  const claim = yield* getClaim(id)
  const { cloud } = yield* LinodeSimulator
  const node = cloud.nodes().find((candidate) => candidate.id === claim.metadata.annotations?.["karpenter.k8s.linode/lke-node"])
  yield* kube.updateStatus(NodeClaims, {
    ...claim, status: { nodeName: node?.name ?? "", providerID: `linode://${node?.instanceId}` }
  })
})

describe("giving nodes back to LKE", () => {
  it.effect("deletes the very node of the claim, and says gone only when its Linode is", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const kube = yield* Kube
    linode.delays = { ...linode.delays, vanish: [60_000, 60_000] }
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b", "c"])))
      yield* pass("1 minute")
      const before = yield* bindings
      yield* provider("b")
      yield* kube.delete(NodeClaims, { name: "b" })
      const claim = yield* getClaim("b")
      assert.strictEqual(yield* play(cloud.delete(claim)), "terminating")
      assert.deepStrictEqual((yield* alive).map(({ node }) => node).toSorted(), [before.a, before.c].toSorted())
      assert.strictEqual(yield* play(cloud.delete(claim)), "terminating", "its Linode is still there")
      yield* pass("1 minute")
      assert.strictEqual(yield* play(cloud.delete(claim)), "gone")
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "DELETE /nodes/{id}"])
  }).pipe(Effect.provide(world.outside())))

  it.effect("deletes the pool with its last nodes, and makes a new one for the next claim", () => Effect.gen(function*() {
    yield* setUp()
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(numbered("first", 4))))
      yield* play(deleteAll(cloud, numbered("first", 4)))
      assert.strictEqual((yield* alive).length, 0)
      yield* play(createAll(cloud, yield* addClaims(["second"])))
    }))
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}", "DELETE /pools/{id}", "POST /pools"])
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("does not doubt for a minute that a young node is gone which it has just deleted with its pool", () => Effect.gen(function*() {
    yield* setUp()
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a"])))
      yield* kube.delete(NodeClaims, { name: "a" })
      assert.strictEqual(yield* play(cloud.delete(yield* getClaim("a"))), "terminating")
      yield* pass("10 seconds")
      assert.strictEqual(yield* play(cloud.delete(yield* getClaim("a"))), "gone")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("never gives a node of a sentenced pool to a claim, not even in the next process", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["old"])))
      yield* kube.delete(NodeClaims, { name: "old" })
      api.faults.on("DELETE /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 60_000 })
      yield* play(Effect.ignore(cloud.delete(yield* getClaim("old"))))
    }))
    yield* kube.patch(NodeClaims, { name: "old" }, { metadata: { finalizers: null } }, { kind: "merge" })
    yield* during((cloud) => Effect.flatMap(addClaims(["new"]), (claims) => play(createAll(cloud, claims))))
    yield* pass("2 minutes")
    const [left, ...more] = yield* alive
    assert.strictEqual(left?.node, (yield* bindings).new)
    assert.strictEqual(more.length, 0)
  }).pipe(Effect.provide(world.outside())))

  it.effect("goes on after errors and lost replies until the node is gone", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b"])))
      api.faults.on("DELETE /lke/clusters/{id}/nodes/{id}", { kind: "refused", status: 500 })
      api.faults.on("DELETE /lke/clusters/{id}/nodes/{id}", { kind: "lost" })
      yield* play(deleteAll(cloud, ["a"]))
    }))
    assert.deepStrictEqual((yield* alive).map(({ node }) => node), [(yield* bindings).b])
  }).pipe(Effect.provide(world.outside())))

  it.effect("takes no error for an absence", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b"])))
      yield* kube.delete(NodeClaims, { name: "a" })
      const claim = yield* getClaim("a")
      api.faults.on("GET /lke/clusters/{id}/pools", { kind: "refused", status: 503 }, 100)
      assert.strictEqual((yield* play(Effect.flip(cloud.delete(claim)))).reason._tag, "CloudUnavailable")
      assert.strictEqual((yield* play(Effect.flip(cloud.exists(claim)))).reason._tag, "CloudUnavailable")
      assert.strictEqual((yield* alive).length, 2)
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("keeps a deleted claim until the change that was sent for it is over, and gives back what came of it", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      api.faults.on("POST /lke/clusters/{id}/pools", { kind: "late", afterMillis: 100_000 })
      const [claim] = yield* addClaims(["a"])
      yield* play(Effect.flip(cloud.create(claim!)))
      yield* kube.delete(NodeClaims, { name: "a" })
      assert.strictEqual(yield* play(cloud.delete(yield* getClaim("a"))), "waiting")
      yield* pass("2 minutes")
      assert.strictEqual((yield* alive).length, 1)
      assert.strictEqual(yield* play(cloud.delete(yield* getClaim("a"))), "gone")
      yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { finalizers: null } }, { kind: "merge" })
      yield* play(cloud.collectGarbage)
      yield* pass("5 minutes")
      yield* play(cloud.collectGarbage)
    }))
    assert.strictEqual((yield* alive).length, 0)
  }).pipe(Effect.provide(world.outside())))

  it.effect("gives back nothing of the user's own pool, whatever a claim says", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const kube = yield* Kube
    const pool = linode.createPool(cluster, { type: "g6-standard-2", count: 1 })
    yield* pass("1 minute")
    const [node] = pool.nodes
    yield* during((cloud) => Effect.gen(function*() {
      yield* addClaims(["a"], { annotations: { "karpenter.k8s.linode/lke-node": node!.id } })
      const [b] = yield* addClaims(["b"])
      const status = { nodeName: node!.name, providerID: `linode://${node!.instanceId}` }
      yield* kube.updateStatus(NodeClaims, { ...b!, status })
      for (const name of ["a", "b"]) {
        yield* kube.delete(NodeClaims, { name })
        assert.strictEqual(yield* play(cloud.delete(yield* getClaim(name))), "gone")
      }
    }))
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("still gives back the machines of a pool that somebody took the tags off", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const claims = yield* addClaims(["a", "b"])
      yield* play(createAll(cloud, claims))
      const before = yield* bindings
      for (const pool of linode.poolsOf(cluster)) pool.tags = []
      yield* play(createAll(cloud, claims))
      assert.deepStrictEqual(yield* bindings, before)
      yield* play(deleteAll(cloud, ["a", "b"]))
    }))
    assert.strictEqual((yield* alive).length, 0)
  }).pipe(Effect.provide(world.outside())))

  it.effect("says at once that a claim which never asked for anything has nothing", () => Effect.gen(function*() {
    yield* setUp()
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* addClaims(["a"])
      yield* kube.delete(NodeClaims, { name: "a" })
      assert.strictEqual(yield* play(cloud.delete(yield* getClaim("a"))), "gone")
    }))
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("knows whether a machine exists from lists and real 404s", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b"])))
      yield* pass("1 minute")
      yield* provider("a")
      assert.strictEqual(yield* play(cloud.exists(yield* getClaim("a"))), "present")
      const claim = yield* getClaim("a")
      linode.deleteInstance(linode.instances.get(Number(claim.status?.providerID?.slice("linode://".length)))!)
      assert.strictEqual(yield* play(cloud.exists(claim)), "present", "it is only being deleted")
      yield* pass("1 minute")
      assert.strictEqual(yield* play(cloud.exists(claim)), "gone", "its pool lists the node still")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("takes over a machine of the Go provider, and gives it back", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const kube = yield* Kube
    const pool = linode.createPool(cluster, {
      type: "g6-standard-2", count: 2,
      tags: ["karpenter.k8s.linode/lke-managed=true", "lke-cluster-name=prod", "kubernetes.io/cluster/prod=owned", "karpenter.sh/nodepool=general"]
    })
    yield* pass("1 minute")
    const [claim] = yield* addClaims(["theirs"])
    const [node] = pool.nodes
    yield* kube.updateStatus(NodeClaims, { ...claim!, status: { nodeName: node!.name, providerID: `linode://${node!.instanceId}` } })
    yield* during((cloud) => Effect.gen(function*() {
      const machine = yield* play(cloud.create(yield* getClaim("theirs")))
      assert.strictEqual(machine.nodeName, node!.name)
      yield* play(createAll(cloud, yield* addClaims(["ours"])))
      assert.strictEqual(pool.count, 2, "new nodes never join its pools")
      yield* play(deleteAll(cloud, ["theirs"]))
      yield* play(cloud.collectGarbage)
      yield* pass("10 minutes")
      yield* play(cloud.collectGarbage)
    }))
    assert.strictEqual(pool.nodes.length, 1)
    assert.isFalse(pool.nodes.includes(node!))
  }).pipe(Effect.provide(world.outside())))
})

describe("collecting what no claim owns", () => {
  const sweepFor = (cloud: world.Provider, minutes: number) => Effect.forEach(Array.from({ length: minutes }), () =>
    Effect.andThen(pass("1 minute"), play(cloud.collectGarbage)), { discard: true })

  it.effect("gives back a node whose claim has vanished, after its grace and not before", () => Effect.gen(function*() {
    yield* setUp()
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b"])))
      yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { finalizers: null } }, { kind: "merge" })
      yield* kube.delete(NodeClaims, { name: "a" })
      yield* sweepFor(cloud, 4)
      assert.strictEqual((yield* alive).length, 2)
      yield* sweepFor(cloud, 2)
    }))
    assert.deepStrictEqual((yield* alive).map(({ node }) => node), [(yield* bindings).b])
    assert.deepStrictEqual(yield* changes, ["POST /pools", "PUT /pools/{id}", "DELETE /nodes/{id}"])
  }).pipe(Effect.provide(world.outside())))

  const vanish = Effect.fnUntraced(function*(name: string) {
    const kube = yield* Kube
    yield* kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" })
    yield* kube.delete(NodeClaims, { name })
  })

  it.effect("spares a node that a claim took before its sentence came, and takes that back", () => Effect.gen(function*() {
    const cluster = yield* setUp()
    const { api, cloud: linode } = yield* LinodeSimulator
    const kube = yield* Kube
    const sentences = () => linode.poolsOf(cluster).flatMap(({ tags }) => tags).filter((tag) => tag.includes("sentenced"))
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "x"])))
      const { x } = yield* bindings
      yield* vanish("x")
      yield* sweepFor(cloud, 4)
      api.faults.on("PUT /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 60_000 })
      yield* play(Effect.flip(Effect.andThen(pass("1 minute"), cloud.collectGarbage)))
      yield* play(createAll(cloud, yield* addClaims(["c"])))
      assert.strictEqual((yield* bindings).c, x)
      yield* pass("1 minute")
      assert.deepStrictEqual(sentences(), [`karpenter-sentenced=${x}`])
      yield* kube.delete(NodeClaims, { name: "a" })
      yield* play(Effect.ignore(cloud.delete(yield* getClaim("a"))))
      assert.deepStrictEqual((yield* alive).map(({ node }) => node), [x])
      yield* sweepFor(cloud, 5)
      assert.deepStrictEqual(sentences(), [])
      assert.deepStrictEqual((yield* alive).map(({ node }) => node), [x])
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("sends no other sentence while an unanswered one may still be written over it", () => Effect.gen(function*() {
    yield* setUp()
    const { api } = yield* LinodeSimulator
    const sentences = () => api.log.filter(({ method, body }) => method === "PUT" && body.includes("karpenter-sentenced")).length
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b", "c"])))
      yield* vanish("a")
      yield* sweepFor(cloud, 1)
      yield* vanish("b")
      yield* sweepFor(cloud, 3)
      api.faults.on("PUT /lke/clusters/{id}/pools/{id}", { kind: "late", afterMillis: 110_000 })
      yield* play(Effect.flip(Effect.andThen(pass("1 minute"), cloud.collectGarbage)))
      yield* Effect.ignore(sweepFor(cloud, 2))
      assert.strictEqual(sentences(), 1)
      yield* sweepFor(cloud, 3)
    }))
    assert.deepStrictEqual((yield* alive).map(({ node }) => node), [(yield* bindings).c])
  }).pipe(Effect.provide(world.outside())))

  it.effect("deletes a pool of which nothing is owned", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a", "b"])))
      for (const name of ["a", "b"]) {
        yield* kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" })
        yield* kube.delete(NodeClaims, { name })
      }
      yield* sweepFor(cloud, 6)
    }))
    assert.strictEqual((yield* alive).length, 0)
    assert.strictEqual(linode.pools.size, 1, "the system pool")
  }).pipe(Effect.provide(world.outside())))

  it.effect("gives a node without a claim to the next claim rather than back", () => Effect.gen(function*() {
    yield* setUp()
    const kube = yield* Kube
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, yield* addClaims(["a"])))
      yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { finalizers: null } }, { kind: "merge" })
      yield* kube.delete(NodeClaims, { name: "a" })
      yield* sweepFor(cloud, 2)
      yield* play(createAll(cloud, yield* addClaims(["b"])))
      yield* sweepFor(cloud, 6)
    }))
    assert.strictEqual((yield* everBought).length, 1)
    assert.strictEqual((yield* alive).length, 1)
  }).pipe(Effect.provide(world.outside())))

  it.effect("leaves everything alone that is not of this cluster or not of Karpenter", () => Effect.gen(function*() {
    yield* setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const other = linode.addCluster({ label: "other", region: world.region, systemPool: { type: "g6-standard-2", count: 1 } })
    const tags = ["karpenter.k8s.linode/lke-managed=true", "lke-cluster-name=prod", "karpenter.k8s.linode/pool-hash=0123456789abcdef"]
    linode.createPool(other, { type: "g6-standard-2", count: 2, tags })
    linode.addInstance({ label: "mine", type: "g6-standard-2", region: world.region, tags })
    const [cluster] = linode.clusters.values()
    linode.createPool(cluster!, { type: "g6-standard-2", count: 1, tags: ["karpenter.k8s.linode/lke-managed=true", "lke-cluster-name=else"] })
    linode.createPool(cluster!, { type: "g6-standard-2", count: 1 })
    yield* during((cloud) => sweepFor(cloud, 10))
    assert.deepStrictEqual(yield* changes, [])
  }).pipe(Effect.provide(world.outside())))

  it.effect("parts two claims that were given one node: the older keeps it", () => Effect.gen(function*() {
    yield* setUp()
    yield* during((cloud) => Effect.gen(function*() {
      const [older] = yield* addClaims(["older"])
      yield* play(createAll(cloud, [older!]))
      yield* pass("1 minute")
      const { older: node } = yield* bindings
      const annotations = (yield* getClaim("older")).metadata.annotations
      const [younger] = yield* addClaims(["a-younger"], { annotations: annotations! })
      yield* play(cloud.collectGarbage)
      assert.deepStrictEqual(yield* bindings, { older: node, "a-younger": undefined })
      yield* play(createAll(cloud, [younger!]))
      assert.strictEqual((yield* alive).length, 2)
    }))
  }).pipe(Effect.provide(world.outside())))
})
