/** Linode says no, or a user asks for what cannot be: the cluster's owner is told why, and nothing else is touched. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life, region } from "./house.ts"
import type { House } from "./house.ts"
import * as objects from "./objects.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import type { Condition } from "../../src/kube/objects.ts"

const pools = "/lke/clusters/{id}/pools"
const orders = (house: House): number => house.changes().filter((change) => change === `POST ${pools}`).length

interface Conditioned {
  readonly status?: { readonly conditions?: ReadonlyArray<Condition> }
}

const conditionOf = (object: Conditioned | undefined, type: string) =>
  object?.status?.conditions?.find((condition) => condition.type === type)

const typesOf = (house: House): ReadonlyArray<string> => house.alive().map(({ type }) => type)

describe("a type that is sold out", () => {
  it("gives way to the next type, and is not asked for again while that is fresh", life(
    { nodePool: { types: ["g6-standard-2", "g6-dedicated-2", "g6-standard-6"] } },
    function*(house) {
      house.cloud.soldOut("g6-standard-2", region)
      house.start()
      yield* house.scale(2)
      yield* house.settled(2)
      assert.deepStrictEqual(typesOf(house), ["g6-dedicated-2"])
      assert.strictEqual(orders(house), 2)
      yield* house.scale(4)
      yield* house.settled(4)
      assert.deepStrictEqual(typesOf(house), ["g6-dedicated-2", "g6-dedicated-2"])
      assert.strictEqual(orders(house), 2, "only one refusal")
      house.sound()
      house.thrifty()
    }
  ))

  it("leaves pods waiting when no other fits; they run when there is stock again", life(
    { nodePool: { types: ["g6-standard-2", "g6-standard-4"] } },
    function*(house) {
      const restock = ["g6-standard-2", "g6-standard-4"].map((type) => house.cloud.soldOut(type, region))
      house.start()
      yield* house.scale(3)
      yield* house.wait("the event", () => house.events().some(({ reason }) => reason === "InsufficientCapacityError"))
      yield* house.wait("the claim to go", () => house.claims().length === 0, "30 seconds")
      const told = house.events().find(({ reason }) => reason === "InsufficientCapacityError")
      assert.strictEqual(told?.involvedObject.kind, "NodeClaim")
      assert.match(told?.message ?? "", /all requested instance types were unavailable/)
      const before = orders(house)
      yield* Effect.sleep("9 minutes")
      assert.isAtMost(orders(house) - before, 8, "each type is tried every three minutes")
      assert.strictEqual(house.bought().length, 0)
      for (const again of restock) again()
      yield* house.settled(3, "6 minutes")
      house.sound()
      house.thrifty()
    }
  ))
})

describe("an account that may have no more Linodes", () => {
  const limit = "Account Limit reached. Please open a support ticket."

  it("is told of in Linode's words, is asked now and then, and goes on when the limit is raised", life(
    { accountLimit: 2, nodePool: { types: ["g6-standard-2"] } },
    function*(house) {
      house.start()
      yield* house.scale(2)
      yield* house.settled(2)
      yield* house.scale(6)
      const launchedOf = () => house.claims().map((claim) => conditionOf(claim, "Launched")).find((one) => one?.status !== "True")
      yield* house.wait("the condition", () => launchedOf()?.reason === "AccountLimitReached")
      assert.include(launchedOf()?.message, limit)
      const before = house.changes().length
      yield* Effect.sleep("10 minutes")
      assert.isAtMost(house.changes().length - before, 40, "changes that Linode was asked for in ten minutes")
      assert.isAbove(house.changes().length, before, "it is tried again")
      assert.strictEqual(house.bought().length, 1)
      assert.strictEqual(house.running(), 2)
      house.cloud.accountLimit = 10
      yield* house.settled(6, "5 minutes")
      house.sound()
      assert.strictEqual(house.bought().length, 3)
      yield* house.scale(0)
      yield* house.empty()
      house.thrifty()
    }
  ))

  it("buys what still fits", life({ accountLimit: 3, nodePool: { types: ["g6-standard-2"] } }, function*(house) {
    house.start()
    yield* house.scale(6)
    yield* house.wait("as many pods as may be", () => house.running() === 4, "15 minutes")
    house.cloud.accountLimit = 4
    yield* house.settled(6)
    house.sound()
    house.thrifty()
  }))
})

describe("what a user gets wrong", () => {
  const started = (house: House) => Effect.gen(function*() {
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
  })
  /** Nothing is bought and nothing is given back while it is wrong. */
  const untouched = (house: House) => Effect.gen(function*() {
    const changes = house.changes().length
    const claims = house.claims().map(({ metadata }) => metadata.name)
    yield* house.scale(6)
    yield* Effect.sleep("5 minutes")
    assert.strictEqual(house.changes().length, changes)
    assert.deepStrictEqual(house.claims().map(({ metadata }) => metadata.name), claims)
    assert.strictEqual(house.running(), 2)
    house.sound()
  })

  it("in a NodePool is named in its condition; its nodes stay, new ones come when it is right", life({}, function*(house) {
    yield* started(house)
    const setCapacityType = (value: string) => house.kube.patch<NodePool>(NodePools, { name: "default" }, {
      spec: { template: { spec: { requirements: [{ key: "karpenter.sh/capacity-type", operator: "In", values: [value] }] } } }
    }, { kind: "merge" })
    // The API server's own rules let it pass.
    yield* setCapacityType("on-demnad")
    const pool = () => house.list<NodePool>(NodePools)[0]
    yield* house.wait("the condition", () => conditionOf(pool(), "ValidationSucceeded")?.status === "False", "1 minute")
    const told = conditionOf(pool(), "ValidationSucceeded")?.message ?? ""
    assert.match(told, /spec\.template\.spec\.requirements\[0\]\.values.*"on-demnad".*on-demand/)
    assert.strictEqual(conditionOf(pool(), "Ready")?.status, "False")
    yield* untouched(house)
    yield* setCapacityType("on-demand")
    yield* house.settled(6)
    house.thrifty()
  }))

  it("in a LinodeNodeClass is named in its condition; its nodes stay, new ones come when it is right", life({}, function*(house) {
    yield* started(house)
    const setTags = (tags: ReadonlyArray<string>) =>
      house.kube.patch<LinodeNodeClass>(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" })
    yield* setTags(["team=web", "lke-cluster-name=other"])
    const nodeClass = () => house.list<LinodeNodeClass>(LinodeNodeClasses)[0]
    yield* house.wait("the condition", () => conditionOf(nodeClass(), "ValidationSucceeded")?.status === "False", "1 minute")
    const wrong = conditionOf(nodeClass(), "ValidationSucceeded")
    assert.strictEqual(wrong?.reason, "TagValidationFailed")
    assert.match(wrong?.message ?? "", /spec\.tags.*lke-cluster-name=other/)
    const pool = () => house.list<NodePool>(NodePools)[0]
    yield* house.wait("the NodePool to know", () => conditionOf(pool(), "Ready")?.status === "False", "1 minute")
    yield* untouched(house)
    yield* setTags(["team=web"])
    yield* house.settled(6)
    assert.isTrue([...house.cloud.pools.values()].some((pool) => pool.tags.includes("team=web")))
    house.thrifty()
  }))

  it("in one NodePool does not keep another from being used", life({}, function*(house) {
    const wrong = objects.nodePool({ name: "wrong" })
    const { spec } = wrong.spec.template
    const nodeClassRef = { ...spec.nodeClassRef, name: "missing" }
    yield* house.kube.create(NodePools, { ...wrong, spec: { ...wrong.spec, template: { spec: { ...spec, nodeClassRef } } } })
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
    const pool = house.list<NodePool>(NodePools).find(({ metadata }) => metadata.name === "wrong")
    assert.match(conditionOf(pool, "NodeClassReady")?.message ?? "", /"missing" not found/)
  }))
})
