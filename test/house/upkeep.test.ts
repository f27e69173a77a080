/** What becomes of nodes over time: they expire, fall ill, and stop being what their NodePool would make. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { Condition } from "../../src/kube/objects.ts"
import { Nodes, PodDisruptionBudgets } from "../../src/kube/resources.ts"
import { life } from "./house.ts"
import type { House } from "./house.ts"
import * as objects from "./objects.ts"

const names = (house: House): ReadonlyArray<string> => house.claims().map(({ metadata }) => metadata.name).toSorted()
const conditionOf = (house: House, type: string): ReadonlyArray<Condition | undefined> =>
  house.claims().map(({ status }) => status?.conditions?.find((condition) => condition.type === type))
const editPool = ({ kube }: House, template: object) => kube.patch(NodePools, { name: "default" }, { spec: { template } }, { kind: "merge" })

describe("a node in its time", () => {
  it("expires, drains for as long as its grace period allows, and is replaced", life({}, function*(house) {
    yield* editPool(house, { spec: { expireAfter: "1h", terminationGracePeriod: "5m" } })
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
    yield* house.kube.create(PodDisruptionBudgets, objects.budget())
    const [before] = names(house)
    yield* house.wait("the claim to expire", () => house.claims().some(({ metadata }) => metadata.deletionTimestamp !== undefined), "70 minutes")
    yield* Effect.sleep("3 minutes")
    // The budget holds it.
    assert.strictEqual(house.running(), 2)
    yield* house.wait("the node to be replaced", () => !names(house).includes(before ?? ""), "20 minutes")
    yield* house.settled(2)
    house.sound()
    house.thrifty()
  }), 60_000)

  it("is replaced when its conditions say that it will not get well, and no other with it", life({
    env: { FEATURE_GATES: "NodeRepair=true" }, nodePool: { types: ["g6-standard-2"] }, cpu: "1500m"
  }, function*(house) {
    const { kube } = house
    house.start()
    yield* house.scale(3)
    yield* house.settled(3)
    const before = names(house)
    assert.lengthOf(before, 3)
    const ill = house.claims()[0]
    const name = ill?.status?.nodeName ?? ""
    const node = yield* kube.get(Nodes, { name })
    const since = new Date(house.time.now).toISOString()
    const broken: Condition = { type: "StorageReady", status: "False", reason: "DiskFailed", lastTransitionTime: since }
    yield* kube.patch(Nodes, { name }, {
      status: { conditions: [...node.status?.conditions ?? [], broken] }
    }, { kind: "merge", subresource: "status" })
    yield* Effect.sleep("28 minutes")
    assert.deepStrictEqual(names(house), before)
    yield* house.wait("the ill node to be replaced", () => !names(house).includes(ill?.metadata.name ?? ""))
    yield* house.settled(3)
    assert.includeMembers([...names(house)], before.filter((one) => one !== ill?.metadata.name))
    house.sound()
    house.thrifty()
  }), 60_000)

  it("is marked when it is not what its NodePool or LinodeNodeClass would make now, and stays where no budget lets it go", life({}, function*(house) {
    const { kube } = house
    const editClass = (spec: object) => kube.patch(LinodeNodeClasses, { name: "default" }, { spec }, { kind: "merge" })
    const reasons = () => [...new Set(conditionOf(house, "Drifted").map((condition) => condition?.reason))]
    const becomes = (reason: string | undefined) => house.wait(`Drifted to be ${reason}`, () => reasons().length === 1 && reasons()[0] === reason)
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
    const before = names(house)
    assert.deepStrictEqual(reasons(), [undefined])
    yield* house.kube.patch(NodePools, { name: "default" }, { spec: { disruption: { budgets: [{ nodes: "0" }] } } }, { kind: "merge" })

    yield* editPool(house, { metadata: { labels: { team: "blue" } } })
    yield* becomes("NodePoolDrifted")
    yield* editPool(house, { metadata: null })
    yield* becomes(undefined)

    yield* editClass({ tags: ["team-blue"] })
    yield* Effect.sleep("6 minutes")
    assert.deepStrictEqual(reasons(), [undefined])
    yield* editClass({ image: "linode/debian12" })
    yield* becomes("NodeClassDrift")

    yield* Effect.sleep("2 hours")
    assert.deepStrictEqual(reasons(), ["NodeClassDrift"])
    assert.deepStrictEqual(names(house), before)
    house.sound()
  }), 60_000)
})

describe("a NodePool", () => {
  it("says that its nodes come up, and that they are what was bought", life({}, function*(house) {
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
    const pool = yield* house.kube.get(NodePools, { name: "default" })
    const health = pool.status?.conditions?.find(({ type }) => type === "NodeRegistrationHealthy")
    assert.strictEqual(health?.status, "True")
    yield* house.wait("the nodes to be compared", () => conditionOf(house, "ConsistentStateFound").every((one) => one !== undefined))
    assert.isTrue(conditionOf(house, "ConsistentStateFound").every((one) => one?.status === "True"))
  }), 60_000)
})
