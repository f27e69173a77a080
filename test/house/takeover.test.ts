/** A cluster that the Go provider ran is taken over: nothing is bought, drifted or deleted by that, and life goes on. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nodeClassHashVersion, nodePoolHashVersion } from "../../src/apis/hash.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { Taint } from "../../src/kube/objects.ts"
import { Deployments, Nodes } from "../../src/kube/resources.ts"
import * as go from "./goProvider.ts"
import { life } from "./house.ts"
import type { House, LifeOptions } from "./house.ts"
import * as objects from "./objects.ts"

const types = ["g6-standard-2", "g6-standard-4"]
/** What is taken away for being too much is another matter. */
const options: LifeOptions = { nodePool: { types, disruption: { consolidationPolicy: "WhenEmpty" } } }
const initialized = { stage: "initialized", types } as const

const hashVersions = ({ claims, list }: House) => ({
  claims: [...new Set(claims().map(({ metadata }) =>
    `${metadata.annotations?.["karpenter.sh/nodepool-hash-version"]} ${metadata.annotations?.["karpenter.k8s.linode/linodenodeclass-hash-version"]}`))],
  pools: [...new Set(list(NodePools).map(({ metadata }) => metadata.annotations?.["karpenter.sh/nodepool-hash-version"]))],
  classes: list(LinodeNodeClasses).map(({ metadata }) => metadata.annotations?.["karpenter.k8s.linode/linodenodeclass-hash-version"])
})

const taint: Taint = { key: "example.com/batch", value: "yes", effect: "NoSchedule" }

/** Two NodePools, three LKE pools, five claims whose nodes all run pods. */
const fleet = Effect.fnUntraced(function*(house: House) {
  const { kube } = house
  const batch = objects.nodePool({ ...options.nodePool, name: "batch" })
  yield* kube.create(NodePools, {
    ...batch,
    spec: {
      ...batch.spec,
      template: { metadata: { labels: { team: "blue" } }, spec: { ...batch.spec.template.spec, taints: [taint] } }
    }
  })
  const made: go.Made = { nodePool: "batch", labels: { team: "blue" }, taints: [taint] }
  const small = go.poolOf(house, "g6-standard-2", 3)
  const large = go.poolOf(house, "g6-standard-4", 1)
  const blue = go.poolOf(house, "g6-standard-2", 1, made)
  yield* Effect.sleep("4 minutes")
  for (const [i, node] of small.nodes.entries()) yield* go.claimFor(house, `default-small${i}`, node, initialized)
  yield* go.claimFor(house, "default-large", large.nodes[0], initialized)
  yield* go.claimFor(house, "batch-blue", blue.nodes[0], { ...initialized, ...made })
  const tolerant = objects.deployment(1, "1", "batch")
  yield* kube.create(Deployments, {
    ...tolerant,
    spec: {
      ...tolerant.spec,
      template: {
        ...tolerant.spec.template,
        spec: { ...tolerant.spec.template!.spec, nodeSelector: { team: "blue" }, tolerations: [{ key: taint.key, operator: "Exists" }] }
      }
    }
  })
  // Two on each small node, one of them full, and the rest on the large one.
  yield* house.scale(10)
  yield* house.wait("all pods to run on what is there", () => house.running() === 11)
  yield* go.wasHere(house)
})

describe("a cluster of the Go provider", () => {
  for (const tier of ["standard", "enterprise"] as const) {
    it(`is left as it is for an hour, on the ${tier} tier, and then grows and shrinks`, life({ ...options, tier }, function*(house) {
      yield* fleet(house)
      const before = { fates: go.fates(house.claims()), pods: house.pods().map(({ metadata }) => metadata.uid).toSorted() }
      const pools = [...house.cloud.pools.values()].map(({ count, id, tags }) => ({ count, id, tags }))
      house.start()
      yield* Effect.sleep("1 hour")

      assert.deepStrictEqual(house.changes(), [])
      assert.deepStrictEqual([...house.cloud.pools.values()].map(({ count, id, tags }) => ({ count, id, tags })), pools)
      assert.deepStrictEqual(go.fates(house.claims()), before.fates)
      assert.deepStrictEqual(house.pods().map(({ metadata }) => metadata.uid).toSorted(), before.pods, "no pod was moved")
      assert.strictEqual(house.running(), 11)
      assert.deepStrictEqual(hashVersions(house), {
        claims: [`${nodePoolHashVersion} ${nodeClassHashVersion}`], pools: [nodePoolHashVersion], classes: [nodeClassHashVersion]
      })
      house.sound()

      yield* house.scale(16)
      yield* house.wait("more pods to run", () => house.running() === 17)
      assert.strictEqual(house.bought().length, house.claimsEver(), "one purchase for each claim")
      assert.isTrue(house.changes().every((change) => change.startsWith("POST")), "its pools do not grow")
      house.sound()

      yield* house.scale(0)
      yield* house.kube.patch(Deployments, { name: "batch", namespace: "default" }, { spec: { replicas: 0 } }, { kind: "merge" })
      yield* house.empty()
      house.thrifty()
      assert.strictEqual(house.nodes().length, 0)
    }), 60_000)
  }

  const patient: LifeOptions = { nodePool: { types, disruption: { budgets: [{ nodes: "0" }] } } }
  it("keeps what had drifted before drifted", life(patient, function*(house) {
    const pool = go.poolOf(house, "g6-standard-2", 2)
    yield* Effect.sleep("4 minutes")
    yield* go.claimFor(house, "default-old", pool.nodes[0], { ...initialized, drifted: "NodePoolDrifted" })
    yield* go.claimFor(house, "default-new", pool.nodes[1], initialized)
    yield* house.scale(4)
    yield* house.wait("all pods to run", () => house.running() === 4)
    yield* go.wasHere(house)
    house.start()
    yield* Effect.sleep("2 minutes")
    assert.deepStrictEqual(go.fates(house.claims()).map(({ drifted }) => drifted), [undefined, "NodePoolDrifted"])
  }))

  it("keeps the tags of its Linodes until their LinodeNodeClass changes, and then all but the class's", life(options, function*(house) {
    const { cloud, kube } = house
    yield* kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { tags: ["team=web", "shared"] } }, { kind: "merge" })
    const pool = go.poolOf(house, "g6-standard-2", 1)
    yield* Effect.sleep("4 minutes")
    yield* go.claimFor(house, "default-a", pool.nodes[0], { ...initialized, userTags: ["shared", "team=web"] })
    yield* house.scale(2)
    yield* house.wait("the pods to run", () => house.running() === 2)
    yield* go.wasHere(house)
    const tags = () => cloud.instances.get(pool.nodes[0]!.instanceId!)!.tags
    const [before, ofPool] = [tags(), pool.tags]
    house.start()
    yield* Effect.sleep("30 minutes")
    assert.deepStrictEqual(house.changes(), [])
    yield* kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { tags: ["team=db", "shared"] } }, { kind: "merge" })
    yield* house.wait("the new tag", () => tags().includes("team=db"))
    assert.deepStrictEqual(tags().toSorted(), [...before.filter((tag) => tag !== "team=web"), "team=db"].toSorted())
    assert.deepStrictEqual(house.changes(), ["PUT /linode/instances/{id}"])
    assert.deepStrictEqual(pool.tags, ofPool)
    assert.deepStrictEqual(go.fates(house.claims()), [{ name: "default-a", deleted: false, drifted: undefined }])
  }))

  it("has its lease waited for", life(options, function*(house) {
    yield* go.wasHere(house)
    house.start()
    yield* house.scale(2)
    yield* Effect.sleep("14 seconds")
    assert.strictEqual(house.claims().length, 0, "the Go provider may still be at work")
    yield* house.settled(2)
  }))
})

describe("what the Go provider was in the middle of", () => {
  /** Three claims of which the Go provider had told one of its node, and another's node of it, and a third one free. */
  const halfMade = Effect.fnUntraced(function*(house: House) {
    const pool = go.poolOf(house, "g6-standard-4", 3)
    yield* house.wait("the Linodes", () => pool.nodes.length === 3 && pool.nodes.every(({ instanceId }) => instanceId !== undefined))
    const [launched, tagged, free] = pool.nodes
    yield* go.claimFor(house, "default-launched", launched, { stage: "launched", types })
    yield* go.claimFor(house, "default-tagged", tagged, { stage: "tagged", types })
    // A type that is dearer than the claim's first choice: it is paid for.
    yield* go.claimFor(house, "default-asked", undefined, { stage: "asked", types })
    yield* go.wasHere(house)
    yield* house.scale(9)
    return { "default-asked": free!.id, "default-launched": launched!.id, "default-tagged": tagged!.id }
  })
  const nodes = (house: House) => Object.fromEntries(house.claims().map((claim) => [claim.metadata.name, house.nodeOf(claim)]))

  for (const tier of ["standard", "enterprise"] as const) {
    it(`is brought to its end without buying anything, on the ${tier} tier`, life({ ...options, tier }, function*(house) {
      const planned = yield* halfMade(house)
      house.start()
      yield* house.settled(9)
      assert.deepStrictEqual(house.changes(), [])
      assert.deepStrictEqual(nodes(house), planned)
      house.sound()
      yield* house.scale(0)
      yield* house.empty()
    }))
  }

  it("is brought to its end whenever the first controller dies and whatever fails meanwhile", async () => {
    let died = 0
    for (let moment = 1; moment <= 160; moment += 9) {
      const tier = moment % 2 === 0 ? "standard" : "enterprise"
      await life({ ...options, tier, seed: moment, restarts: true }, function*(house) {
        const planned = yield* halfMade(house)
        house.api.faults.on(({ method }) => method === "GET", { kind: "refused", status: 500 }, moment % 4)
        let left = moment
        const first = house.start(() => --left === 0)
        const successor = Effect.gen(function*() {
          while (first.alive()) yield* Effect.sleep("100 millis")
          died++
          house.start()
        })
        yield* Effect.raceFirst(house.settled(9), Effect.andThen(successor, Effect.never))
        assert.deepStrictEqual(house.changes(), [], `after ${moment} moments`)
        assert.deepStrictEqual(nodes(house), planned)
        house.sound()
      })()
    }
    assert.isAbove(died, 12)
  }, 120_000)

  it("is waited for while Linode has not said which instance it is", life(options, function*(house) {
    const pool = go.poolOf(house, "g6-standard-2", 1)
    yield* go.claimFor(house, "default-asked", undefined, { stage: "asked", types })
    yield* go.wasHere(house)
    yield* house.scale(2)
    house.start()
    yield* house.settled(2)
    assert.deepStrictEqual(house.changes(), [])
    assert.deepStrictEqual(house.claims().map(house.nodeOf), [pool.nodes[0]!.id])
  }))

  it("and deleted is given back", life(options, function*(house) {
    const pool = go.poolOf(house, "g6-standard-2", 2)
    yield* Effect.sleep("4 minutes")
    yield* go.claimFor(house, "default-kept", pool.nodes[0], initialized)
    yield* go.claimFor(house, "default-gone", pool.nodes[1], initialized)
    yield* house.scale(2)
    yield* house.wait("the pods to run", () => house.running() === 2)
    yield* go.wasHere(house)
    yield* house.kube.delete(Nodes, { name: pool.nodes[1]!.name })
    house.start()
    yield* house.wait("its end", () => !house.claims().some(({ metadata }) => metadata.name === "default-gone"))
    yield* house.settled(2)
    assert.deepStrictEqual(house.changes(), ["DELETE /lke/clusters/{id}/nodes/{id}"])
    assert.deepStrictEqual(house.claims().map(house.nodeOf), [pool.nodes[0]!.id])
    house.sound()
  }))
})

describe("Linodes that the Go provider forgot", () => {
  it("get a claim, are used or emptied, and given back", life(options, function*(house) {
    const pool = go.poolOf(house, "g6-standard-2", 3)
    yield* Effect.sleep("4 minutes")
    yield* go.claimFor(house, "default-known", pool.nodes[0], initialized)
    // Nodes of its pools take pods whether or not a claim knows of them.
    yield* house.scale(4)
    yield* house.wait("the pods to run", () => house.running() === 4)
    yield* go.wasHere(house)
    const busy = new Set(house.pods().map(({ spec }) => spec.nodeName))
    const idle = pool.nodes.filter(({ name }) => !busy.has(name)).length
    house.start()
    yield* Effect.sleep("3 minutes")
    assert.strictEqual(house.claims().length, 1)
    yield* house.wait("each Linode to have its claim", () => house.claims().length === house.alive().length &&
      house.alive().length === 3 - idle, "15 minutes")
    assert.strictEqual(house.bought().length, 3)
    assert.strictEqual(house.running(), 4)
    assert.deepStrictEqual(house.events().filter(({ reason }) => reason === "Evicted"), [])
    house.sound()
    yield* house.scale(0)
    yield* house.empty()
  }))

  it("go to the next claim that can use them", life(options, function*(house) {
    go.poolOf(house, "g6-standard-2", 1)
    yield* Effect.sleep("4 minutes")
    for (const { metadata: { name } } of house.list(Nodes)) {
      yield* house.kube.patch(Nodes, { name }, { spec: { unschedulable: true } }, { kind: "merge" })
    }
    yield* go.wasHere(house)
    house.start()
    yield* house.scale(2)
    yield* house.wait("a claim with a node", () => house.claims().some((claim) => house.nodeOf(claim) !== undefined))
    assert.deepStrictEqual(house.changes(), [])
    assert.strictEqual(house.claims().length, 1)
  }))

  it("stay, and are reported, where their NodePool is gone", life(options, function*(house) {
    const pool = go.poolOf(house, "g6-standard-2", 1, { nodePool: "old" })
    yield* go.wasHere(house)
    house.start()
    yield* Effect.sleep("1 hour")
    assert.deepStrictEqual(house.changes(), [])
    assert.strictEqual(pool.nodes.length, 1)
    assert.strictEqual(house.claims().length, 0)
    assert.strictEqual(house.logs.filter((line) => line.includes("its NodePool is gone") && line.includes(pool.nodes[0]!.id)).length, 1)
  }))

  it("are somebody else's in another cluster of the account", life(options, function*(house) {
    const { cloud } = house
    const other = cloud.addCluster({ label: "prod-2", region: house.cluster.region })
    const usual = cloud.delays
    cloud.delays = { ...usual, join: [86_400_000, 86_400_000] }
    const pool = go.poolOf({ ...house, cluster: other }, "g6-standard-2", 1)
    yield* Effect.sleep("1 minute")
    cloud.delays = usual
    yield* go.wasHere(house)
    house.start()
    yield* house.scale(2)
    yield* house.wait("the pods to run", () => house.running() === 2)
    yield* house.scale(0)
    yield* Effect.sleep("20 minutes")
    assert.strictEqual(house.claims().length, 0)
    assert.strictEqual(cloud.pools.get(pool.id)?.nodes.length, 1)
  }))
})
