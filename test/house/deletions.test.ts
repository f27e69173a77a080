/** What users and accidents take away: it is drained where it can be, given back once, and replaced where pods need it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life, region } from "./house.ts"
import type { House, LifeOptions } from "./house.ts"
import * as objects from "./objects.ts"
import { clusterName } from "./program.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import { Nodes, PodDisruptionBudgets } from "../../src/kube/resources.ts"

const options: LifeOptions = { nodePool: { types: ["g6-standard-2"] } }

const running = (replicas: number) => (house: House) => Effect.gen(function*() {
  house.start()
  yield* house.scale(replicas)
  yield* house.settled(replicas)
})

const evictions = (house: House): number => house.events().filter(({ reason }) => reason === "Evicted").length

describe("a NodeClaim that is deleted while its node joins", () => {
  for (const tier of ["standard", "enterprise"] as const) {
    for (const afterSeconds of tier === "standard" ? [2, 30, 55] : [5, 45, 75]) {
      const name = `${afterSeconds} seconds after it came is given back and replaced, on the ${tier} tier`
      it(name, life({ ...options, tier }, function*(house) {
        house.start()
        yield* Effect.sleep("5 seconds")
        yield* house.scale(4)
        yield* house.wait("the claims", () => house.claims().length === 2)
        yield* Effect.sleep(afterSeconds * 1_000)
        const [victim] = house.claims()
        yield* house.kube.delete(NodeClaims, { name: victim!.metadata.name })
        yield* house.settled(4)
        assert.isFalse(house.claims().some(({ metadata }) => metadata.name === victim!.metadata.name))
        assert.strictEqual(house.claimsEver(), 3)
        assert.isAtMost(house.bought().length, 3)
        house.sound()
        house.thrifty()
        yield* house.scale(0)
        yield* house.empty()
      }))
    }
  }
})

describe("a running node", () => {
  it("whose Node is deleted is drained, given back and replaced", life(options, function*(house) {
    yield* running(4)(house)
    const [victim] = house.nodes()
    yield* house.kube.delete(Nodes, { name: victim!.metadata.name })
    yield* house.wait("its end", () => !house.nodes().some(({ metadata }) => metadata.name === victim!.metadata.name))
    assert.strictEqual(evictions(house), 2)
    yield* house.settled(4)
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("whose NodeClaim is deleted is drained, given back and replaced", life(options, function*(house) {
    yield* running(4)(house)
    const [victim] = house.claims()
    yield* house.kube.delete(NodeClaims, { name: victim!.metadata.name })
    yield* house.wait("its end", () => !house.claims().some(({ metadata }) => metadata.name === victim!.metadata.name))
    assert.strictEqual(evictions(house), 2)
    yield* house.settled(4)
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("that a PodDisruptionBudget keeps stays until the budget allows it", life(options, function*(house) {
    yield* house.kube.create(PodDisruptionBudgets, objects.budget())
    yield* running(4)(house)
    const [victim] = house.nodes()
    const name = victim!.metadata.name
    yield* house.kube.delete(Nodes, { name })
    yield* Effect.sleep("10 minutes")
    assert.strictEqual(evictions(house), 0)
    assert.strictEqual(house.pods().filter((pod) => pod.spec.nodeName === name && pod.status?.phase === "Running").length, 2)
    assert.isTrue(house.alive().some(({ node }) => name.endsWith(node)), "its Linode is still there")
    assert.isTrue(house.events().some(({ reason }) => reason === "FailedDraining"), "somebody is told")
    yield* house.kube.delete(PodDisruptionBudgets, { name: "inflate", namespace: "default" })
    yield* house.settled(4)
    assert.isFalse(house.alive().some(({ node }) => name.endsWith(node)))
    assert.strictEqual(evictions(house), 2)
    house.sound()
    house.thrifty()
  }))

  it("that joined while no controller was there is drained too when its NodeClaim is deleted", life(options, function*(house) {
    yield* house.kube.create(PodDisruptionBudgets, objects.budget())
    const first = house.start()
    yield* house.scale(2)
    yield* house.wait("the order", () => house.bought().length === 1)
    yield* Effect.sleep("2 seconds")
    first.kill()
    yield* house.wait("its pods", () => house.running() === 2)
    const [victim] = house.claims()
    yield* house.kube.delete(NodeClaims, { name: victim!.metadata.name })
    house.start()
    yield* Effect.sleep("10 minutes")
    assert.strictEqual(house.running(), 2, "the pods that a budget keeps")
    yield* house.kube.delete(PodDisruptionBudgets, { name: "inflate", namespace: "default" })
    yield* house.settled(2)
    assert.strictEqual(evictions(house), 2)
    assert.strictEqual(house.bought().length, 2)
    house.sound()
    house.thrifty()
  }))

  it("whose LKE node is deleted behind our back is replaced", life(options, function*(house) {
    yield* running(4)(house)
    const [victim] = house.cloud.nodes().filter((node) => house.alive().some((bought) => bought.node === node.id))
    house.cloud.deleteNode(house.cloud.pools.get(victim!.poolId)!, victim!)
    yield* house.wait("the claim to go", () => !house.claims().some((claim) => house.nodeOf(claim) === victim!.id), "10 minutes")
    yield* house.settled(4)
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("whose Linode is deleted behind our back is replaced", life(options, function*(house) {
    yield* running(4)(house)
    const [victim] = house.cloud.nodes().filter((node) => house.alive().some((bought) => bought.node === node.id))
    house.cloud.deleteInstance(house.cloud.instances.get(victim!.instanceId!)!)
    yield* house.wait("the claim to go", () => !house.claims().some((claim) => house.nodeOf(claim) === victim!.id), "10 minutes")
    yield* house.settled(4)
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("that is still joining when its LKE node is deleted behind our back is replaced", life(options, function*(house) {
    house.start()
    yield* house.scale(4)
    yield* house.wait("the order", () => house.alive().length === 2)
    yield* Effect.sleep("10 seconds")
    const [victim] = house.cloud.nodes().filter((node) => house.alive().some((bought) => bought.node === node.id))
    house.cloud.deleteNode(house.cloud.pools.get(victim!.poolId)!, victim!)
    yield* house.settled(4)
    assert.strictEqual(house.bought().length, 3)
    house.sound()
  }))
})

describe("a node that is still joining", () => {
  const ordered = Effect.fnUntraced(function*(house: House) {
    house.start()
    yield* house.scale(4)
    yield* house.wait("the order", () => house.alive().length === 2)
  })

  it("is given back when its pods are gone before it came", life(options, function*(house) {
    yield* ordered(house)
    yield* house.scale(0)
    yield* house.empty("5 minutes")
    assert.strictEqual(house.bought().length, 2)
    house.thrifty()
  }))

  it("is given back when its NodePool is deleted", life(options, function*(house) {
    yield* ordered(house)
    yield* house.kube.delete(NodePools, { name: "default" })
    yield* house.wait("everything to be given back", () => house.claims().length === 0 && house.alive().length === 0, "5 minutes")
    assert.strictEqual(house.bought().length, 2)
    assert.strictEqual(house.list(NodePools).length, 0)
  }))

  const days = 24 * 3_600_000
  const never: LifeOptions = { ...options, delays: { join: [days, days] } }
  it("after 15 minutes is given up, and another is tried", life(never, function*(house) {
    yield* ordered(house)
    yield* Effect.sleep("14 minutes")
    assert.strictEqual(house.bought().length, 2)
    yield* Effect.sleep("3 minutes")
    assert.strictEqual(house.bought().length, 4)
    assert.strictEqual(house.alive().length, 2, "the first two are given back")
    house.sound()
    house.thrifty()
  }))
})

describe("a NodePool that is deleted", () => {
  it("takes its nodes along, drained", life(options, function*(house) {
    yield* running(4)(house)
    yield* house.kube.delete(NodePools, { name: "default" })
    yield* house.wait("its claims to go", () => house.claims().length === 0)
    assert.strictEqual(house.alive().length, 0)
    assert.strictEqual(evictions(house), 4)
    assert.strictEqual(house.running(), 0)
    assert.strictEqual(house.list(NodePools).length, 0)
    assert.strictEqual(house.bought().length, 2, "nothing is bought for a pool that goes")
    yield* house.kube.create(NodePools, objects.nodePool(options.nodePool))
    yield* house.settled(4)
    house.sound()
    house.thrifty()
  }))
})

describe("pools that no claim owns", () => {
  it("are given back after a while when they are ours, and never touched when they are not", life(options, function*(house) {
    yield* running(2)(house)
    const { cloud, cluster } = house
    const ours = [...cloud.pools.values()].find((pool) => pool.tags.length > 0)!
    const other = cloud.addCluster({ label: `${clusterName}-2`, region, systemPool: { type: "g6-standard-1", count: 1 } })
    const order = (on: typeof cluster, tags: ReadonlyArray<string>) =>
      cloud.createPool(on, { type: "g6-standard-2", count: 2, tags })
    // Of a process that bought it and whose claims somebody removed by force.
    const intent = "karpenter.k8s.linode/intent="
    const orphan = order(cluster, ours.tags.map((tag) => tag.startsWith(intent) ? `${intent}0123456789abcdef` : tag))
    const users = order(cluster, ["team=web"])
    const elsewhere = order(other, ours.tags)
    const namesake = order(cluster, ours.tags.map((tag) => tag.replaceAll(clusterName, `${clusterName}-2`)))
    yield* Effect.sleep("3 minutes")
    assert.isTrue(cloud.pools.has(orphan.id), "within the grace")
    yield* Effect.sleep("4 minutes")
    assert.isFalse(cloud.pools.has(orphan.id), "after the grace")
    yield* Effect.sleep("20 minutes")
    for (const pool of [users, elsewhere, namesake]) {
      assert.strictEqual(cloud.pools.get(pool.id)?.nodes.length, 2)
      assert.deepStrictEqual(cloud.pools.get(pool.id)?.tags, pool.tags)
    }
    assert.strictEqual(house.running(), 2)
    yield* house.scale(0)
    yield* house.wait("our own pool to go", () => !cloud.pools.has(ours.id))
    yield* Effect.sleep("10 minutes")
    for (const pool of [users, elsewhere, namesake]) assert.strictEqual(cloud.pools.get(pool.id)?.nodes.length, 2)
    const touched = house.api.log.filter(({ method }) => method !== "GET").map(({ path }) => path)
    assert.deepStrictEqual(touched.filter((path) => !path.startsWith(`/lke/clusters/${cluster.id}/`)), [])
  }))

  it("are taken into use by a claim that needs a node before they are given back", life(options, function*(house) {
    yield* running(2)(house)
    const { cloud, cluster } = house
    const ours = [...cloud.pools.values()].find((pool) => pool.tags.length > 0)!
    cloud.createPool(cluster, { type: "g6-standard-2", count: 1, tags: ours.tags, labels: ours.labels, taints: ours.taints })
    yield* Effect.sleep("1 minute")
    const orders = house.changes().length
    yield* house.scale(4)
    yield* house.settled(4)
    assert.strictEqual(house.changes().length, orders, "nothing was ordered")
    assert.strictEqual(house.bought().length, 2)
    house.sound()
  }))

  it("remain when claims are removed by force, until their grace is over", life(options, function*(house) {
    yield* running(2)(house)
    const [claim] = house.claims()
    yield* house.scale(0)
    yield* house.kube.patch(NodeClaims, { name: claim!.metadata.name }, { metadata: { finalizers: null } }, { kind: "merge" })
    yield* house.kube.delete(NodeClaims, { name: claim!.metadata.name })
    yield* house.empty()
    house.thrifty()
  }))
})
