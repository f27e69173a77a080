/** Whole lives in which nodes are replaced: drift, consolidation, and what happens when somebody dies in the middle. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { life } from "./house.ts"
import type { House } from "./house.ts"
import * as objects from "./objects.ts"

const isTrue = ({ claims }: House, type: string): ReadonlyArray<string> => claims().filter(({ status }) =>
  status?.conditions?.some(({ status: is, type: what }) => what === type && is === "True") === true).map(({ metadata }) => metadata.name)

/** Changes what the nodes of the pool would be made like now. */
const relabel = ({ kube }: House, value: string, name = "default") => kube.patch(NodePools, { name }, {
  spec: { template: { metadata: { labels: { team: value } } } }
}, { kind: "merge" })

const setDisruption = ({ kube }: House, disruption: NonNullable<NodePool["spec"]["disruption"]>) =>
  kube.patch(NodePools, { name: "default" }, { spec: { disruption } }, { kind: "merge" })

/** Every node is what would be made now. */
const renewed = ({ claims, nodes }: House, value: string) => claims().length > 0 &&
  claims().every(({ metadata }) => metadata.deletionTimestamp === undefined) &&
  nodes().length === claims().length && nodes().every(({ metadata }) => metadata.labels?.["team"] === value)

/** Pods of one CPU, one to each node. */
const one = { cpu: "1500m", nodePool: { types: ["g6-standard-2"] } }

describe("a change of the template", () => {
  it("replaces every node, and each goes only when the new one is ready", life(one, function*(house) {
    house.start()
    yield* house.scale(3)
    yield* house.settled(3)
    yield* setDisruption(house, { consolidateAfter: "0s", budgets: [{ nodes: "1" }] })
    let most = 0
    let fewest = 3
    yield* relabel(house, "blue")
    yield* house.wait("all nodes to be new", () => {
      most = Math.max(most, house.alive().length)
      fewest = Math.min(fewest, isTrue(house, "Initialized").length)
      return renewed(house, "blue") && house.running() === 3
    }, "3 hours")
    yield* house.settled(3)
    assert.isAtMost(most, 5, "one at a time")
    assert.isAtLeast(fewest, 3)
    house.sound()
    house.thrifty()
    assert.strictEqual(house.bought().length, 6)
  }))

  it("is carried through though the controller dies again and again", life(one, function*(house) {
    let replica = house.start()
    yield* house.scale(3)
    yield* house.settled(3)
    yield* relabel(house, "blue")
    for (let i = 0; i < 12 && !renewed(house, "blue"); i++) {
      yield* Effect.sleep("37 seconds")
      replica.kill()
      replica = house.start()
    }
    yield* house.wait("all nodes to be new", () => renewed(house, "blue") && house.running() === 3, "3 hours")
    yield* house.settled(3)
    house.sound()
    house.thrifty()
    assert.strictEqual(house.bought().length, 6, "no replacement was bought twice")
  }))
})

describe("a cluster that has shrunk", () => {
  it("ends with its pods on fewer or smaller nodes, and stays so", life({ cpu: "900m" }, function*(house) {
    house.start()
    yield* house.scale(12)
    yield* house.settled(12)
    yield* house.scale(3)
    yield* house.settled(3, "1 hour")
    yield* Effect.sleep("15 minutes")
    yield* house.settled(3, "1 hour")
    const before = house.alive().map(({ node }) => node).toSorted()
    const bought = house.bought().length
    yield* Effect.sleep("30 minutes")
    assert.deepStrictEqual(house.alive().map(({ node }) => node).toSorted(), before)
    assert.strictEqual(house.bought().length, bought)
    house.sound()
    house.thrifty()
  }), 60_000)
})

describe("a static NodePool whose template changes", () => {
  it("replaces its nodes one by one, within its limit", life({ env: { FEATURE_GATES: "StaticCapacity=true" } }, function*(house) {
    const { spec: { weight: _, limits: __, ...spec }, ...pool } = objects.nodePool({ name: "fixed", types: ["g6-standard-2"] })
    house.start()
    yield* house.kube.create(NodePools, { ...pool, spec: { ...spec, replicas: 2, limits: { nodes: 3 } } })
    yield* house.wait("two nodes", () => isTrue(house, "Initialized").length === 2)
    yield* relabel(house, "blue", "fixed")
    let most = 0
    yield* house.wait("both nodes to be new", () => {
      most = Math.max(most, house.claims().length)
      return house.claims().length === 2 && renewed(house, "blue")
    }, "3 hours")
    assert.isAtMost(most, 3)
    assert.strictEqual(house.bought().length, 4)
    house.sound()
    house.thrifty()
  }))
})
