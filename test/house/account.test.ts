/** What Linode announces, does and refuses, as a whole cluster lives through it. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import type { Condition } from "../../src/kube/objects.ts"
import type { SimulatedInstance } from "../../src/simulator/linode/world.ts"
import { life } from "./house.ts"
import type { House } from "./house.ts"

const options = { nodePool: { types: ["g6-standard-2"] } }
const hour = 3_600_000

const running = (replicas: number) => Effect.fnUntraced(function*(house: House) {
  house.start()
  yield* house.scale(replicas)
  yield* house.settled(replicas)
})

/** A node of ours, and its Linode. */
const someNode = (house: House): { readonly id: string; readonly instance: SimulatedInstance } => {
  const [node] = house.cloud.nodes().filter((each) => house.alive().some((bought) => bought.node === each.id))
  return { id: node!.id, instance: house.cloud.instances.get(node!.instanceId!)! }
}
const owns = (house: House, id: string): boolean => house.claims().some((claim) => house.nodeOf(claim) === id)
const told = (house: House, reason: string) => house.events().filter((event) => event.reason === reason)
const conditionOf = (object: { readonly status?: { readonly conditions?: ReadonlyArray<Condition> } } | undefined, type: string) =>
  object?.status?.conditions?.find((condition) => condition.type === type)
const nodePool = (house: House) => house.list<NodePool>(NodePools)[0]
const refusedForRate = (house: House): number => house.api.log.filter(({ status }) => status === 429).length

describe("planned maintenance of a host", () => {
  it("empties its node before it begins, once, and touches no other", life(options, function*(house) {
    yield* running(4)(house)
    const { id, instance } = someNode(house)
    house.cloud.power.planMaintenance(instance, { type: "cold_migration", after: 1.5 * hour, reason: "Bad memory" })
    yield* Effect.sleep("27 minutes")
    assert.isTrue(owns(house, id), "it is early yet")
    assert.strictEqual(house.bought().length, 2)
    yield* house.wait("the claim to go", () => !owns(house, id), "15 minutes")
    yield* house.settled(4, "10 minutes")
    assert.isUndefined(house.cloud.instances.get(instance.id), "long before its host goes down")
    yield* Effect.sleep("1 hour")
    yield* house.settled(4, "1 minute")
    assert.strictEqual(house.bought().length, 3)
    assert.deepStrictEqual(told(house, "TerminatingOnInterruption").map(({ involvedObject }) => involvedObject.kind).toSorted(), ["Node", "NodeClaim"])
    assert.match(told(house, "TerminatingOnInterruption")[0]?.message ?? "", /cold_migration.*Bad memory/)
    house.sound()
    house.thrifty()
  }))

  for (const at of ["sending", "carriedOut"] as const) {
    for (const what of ["patch nodeclaims", "delete nodeclaims"]) {
      it(`is acted on once when the controller dies at "${what}" (${at})`, life({ ...options, restarts: true }, function*(house) {
        let armed = false
        let deaths = 0
        house.start((moment) => {
          if (!armed || moment.at !== at || moment.what !== what) return false
          if (what.startsWith("patch") && !moment.body.includes(annotation.interruption)) return false
          armed = false
          deaths++
          return true
        })
        yield* house.scale(4)
        yield* house.settled(4)
        const { id, instance } = someNode(house)
        house.cloud.power.planMaintenance(instance, { type: "reboot", after: 30 * 60_000 })
        armed = true
        yield* house.wait("the death", () => deaths === 1, "5 minutes")
        house.start()
        yield* house.wait("the claim to go", () => !owns(house, id), "25 minutes")
        yield* house.settled(4, "10 minutes")
        yield* Effect.sleep("20 minutes")
        assert.strictEqual(house.bought().length, 3)
        assert.isAtMost(told(house, "TerminatingOnInterruption").length, 2)
        house.sound()
      }))
    }
  }

  it("that a Linode stays up through is none of our business", life(options, function*(house) {
    yield* running(2)(house)
    house.cloud.power.planMaintenance(someNode(house).instance, { type: "live_migration", after: 600_000 })
    yield* Effect.sleep("20 minutes")
    assert.strictEqual(house.bought().length, 1)
    assert.lengthOf(told(house, "TerminatingOnInterruption"), 0)
  }))
})

describe("a Linode that is powered off behind our back", () => {
  it("is replaced, as its node does not come back by itself", life(options, function*(house) {
    yield* running(4)(house)
    const { id, instance } = someNode(house)
    house.cloud.power.shutDown(instance)
    yield* house.wait("the claim to go", () => !owns(house, id), "15 minutes")
    yield* house.settled(4, "15 minutes")
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("is kept when somebody boots it soon", life(options, function*(house) {
    yield* running(4)(house)
    const { id, instance } = someNode(house)
    house.cloud.power.shutDown(instance)
    yield* Effect.sleep("90 seconds")
    house.cloud.power.boot(instance)
    yield* Effect.sleep("30 minutes")
    assert.isTrue(owns(house, id))
    assert.strictEqual(house.bought().length, 2)
    yield* house.settled(4)
  }))

  it("is not replaced on an error", life(options, function*(house) {
    yield* running(2)(house)
    const { id, instance } = someNode(house)
    house.api.faults.on(({ route }) => route.startsWith("/linode/instances"), { kind: "refused", status: 500 }, Infinity)
    house.cloud.power.shutDown(instance)
    yield* Effect.sleep("30 minutes")
    assert.isTrue(owns(house, id))
    house.api.faults.clear()
    yield* house.wait("the claim to go", () => !owns(house, id), "15 minutes")
    yield* house.settled(2, "15 minutes")
  }))
})

describe("the tags of a LinodeNodeClass", () => {
  it("are changed on the Linodes that are there, without replacing one", life(options, function*(house) {
    const setTags = (tags: ReadonlyArray<string>) =>
      house.kube.patch<LinodeNodeClass>(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" })
    yield* setTags(["team=a"])
    yield* running(4)(house)
    const tagsOf = () => house.alive().map(({ node }) => {
      const { instanceId } = house.cloud.nodes().find(({ id }) => id === node)!
      return house.cloud.instances.get(instanceId!)?.tags ?? []
    })
    yield* house.wait("the first tags", () => tagsOf().every((tags) => tags.includes("team=a")), "5 minutes")
    yield* setTags(["team=b"])
    yield* house.wait("the new tags", () => tagsOf().every((tags) => tags.join() === "team=b"), "5 minutes")
    yield* Effect.sleep("10 minutes")
    const requests = house.changes().length
    yield* Effect.sleep("10 minutes")
    assert.strictEqual(house.changes().length, requests, "and then nothing more is written")
    assert.strictEqual(house.bought().length, 2)
    yield* house.scale(0)
    yield* house.empty()
    house.thrifty()
  }))
})

describe("an account that Linode refuses", () => {
  it("because of its token is told of on NodePools and NodeClaims, is hardly asked, and goes on when the token is good", life(options, function*(house) {
    yield* running(2)(house)
    const heal = house.api.faults.on(() => true, {
      kind: "answered", status: 401, body: JSON.stringify({ errors: [{ reason: "Invalid Token" }] })
    }, Infinity)
    const before = house.api.log.length
    yield* house.scale(20)
    yield* house.wait("the NodePool to know", () => conditionOf(nodePool(house), "AccountReady")?.status === "False", "3 minutes")
    assert.deepInclude(conditionOf(nodePool(house), "AccountReady"), { reason: "LinodeAuthFailed" })
    assert.include(conditionOf(nodePool(house), "AccountReady")?.message, "Invalid Token")
    assert.strictEqual(conditionOf(nodePool(house), "Ready")?.status, "False")
    yield* house.wait("the claims to know", () =>
      house.claims().some((claim) => conditionOf(claim, "Launched")?.reason === "LinodeAuthFailed"), "2 minutes")
    const asked = house.claims().length
    yield* house.scale(40)
    yield* Effect.sleep("15 minutes")
    assert.isAtMost(house.claims().length, asked, "no claim is made that would only fail")
    assert.isTrue(told(house, "FailedScheduling").some(({ message }) => message?.includes("Invalid Token") === true))
    yield* house.scale(20)
    assert.isTrue(told(house, "LinodeAuthFailed").some(({ involvedObject, message }) =>
      involvedObject.kind === "NodeClaim" && message?.includes("Invalid Token") === true))
    assert.isTrue(told(house, "AccountReady").some(({ type }) => type === "Warning"))
    const refused = house.api.log.slice(before).filter(({ route }) => !/^\/(regions|linode\/types)/.test(route)).length
    assert.isAtMost(refused, 25, "requests in 15 minutes that could only be refused")
    assert.strictEqual(house.running(), 2, "what runs goes on")
    heal()
    yield* house.settled(20, "20 minutes")
    yield* house.wait("the NodePool to know", () => conditionOf(nodePool(house), "AccountReady")?.status === "True", "3 minutes")
    house.sound()
  }))

  it("because of its limit is told of on the NodePool in Linode's words", life({ ...options, accountLimit: 2 }, function*(house) {
    yield* running(2)(house)
    yield* house.scale(6)
    yield* house.wait("the NodePool to know", () => conditionOf(nodePool(house), "AccountReady")?.reason === "AccountLimitReached", "3 minutes")
    assert.include(conditionOf(nodePool(house), "AccountReady")?.message, "Account Limit reached. Please open a support ticket.")
    yield* house.wait("the event", () => told(house, "AccountLimitReached").length > 0, "2 minutes")
    assert.strictEqual(conditionOf(nodePool(house), "Ready")?.status, "True")
    house.cloud.accountLimit = 10
    yield* house.settled(6, "10 minutes")
    yield* house.wait("the NodePool to know", () => conditionOf(nodePool(house), "AccountReady")?.status === "True", "2 minutes")
    house.sound()
  }))
})

describe("200 NodeClaims at once", () => {
  it("launch, join and go within Linode's documented rates", life({ ...options, cpu: "1500m" }, function*(house) {
    house.start()
    yield* house.scale(200)
    yield* house.settled(200, "30 minutes")
    assert.strictEqual(house.bought().length, 200)
    assert.strictEqual(refusedForRate(house), 0)
    yield* house.scale(0)
    yield* house.empty("2 hours")
    assert.strictEqual(refusedForRate(house), 0)
    house.thrifty()
  }), 300_000)
})
