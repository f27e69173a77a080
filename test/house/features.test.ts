/** What feature gates turn on, in whole lives: static NodePools, NodeOverlays, CapacityBuffers. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CapacityBuffers } from "../../src/apis/capacityBuffer.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodeOverlays } from "../../src/apis/nodeOverlay.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { life } from "./house.ts"
import type { House } from "./house.ts"
import * as objects from "./objects.ts"
import type { Moment } from "./program.ts"

const on = (gate: string) => ({ FEATURE_GATES: `${gate}=true` })

const fixed = (replicas: number, limit?: number): NodePool => {
  const { spec: { weight: _, limits: __, ...spec }, ...pool } = objects.nodePool({ name: "fixed", types: ["g6-standard-2"] })
  return { ...pool, spec: { ...spec, replicas, ...(limit === undefined ? {} : { limits: { nodes: limit } }) } }
}

const ready = ({ claims }: House): number => claims().filter(({ status }) =>
  status?.conditions?.some(({ status: is, type }) => type === "Initialized" && is === "True") === true).length

describe("a static NodePool", () => {
  const scale = ({ kube }: House, replicas: number) =>
    kube.patch(NodePools, { name: "fixed" }, { spec: { replicas } }, { kind: "merge" })

  it("has its nodes without a pod, and gives back what is too many", life({ env: on("StaticCapacity") }, function*(house) {
    house.start()
    yield* house.kube.create(NodePools, fixed(3))
    yield* house.wait("three nodes", () => ready(house) === 3)
    assert.strictEqual(house.bought().length, 3)
    yield* house.scale(3)
    yield* house.wait("the pods to run", () => house.running() === 3)
    assert.strictEqual(house.bought().length, 3, "pods run where room is")
    yield* scale(house, 1)
    yield* house.wait("one node of the pool to be left", () => house.running() === 3 && ready(house) === house.alive().length)
    house.sound()
    yield* house.scale(0)
    yield* scale(house, 0)
    yield* house.empty()
    house.thrifty()
  }))

  it("replaces a node that is deleted, within its limit", life({ env: on("StaticCapacity") }, function*(house) {
    house.start()
    yield* house.kube.create(NodePools, fixed(2, 2))
    yield* house.wait("two nodes", () => ready(house) === 2)
    const [first] = house.claims()
    let most = 0
    yield* house.kube.delete(NodeClaims, { name: first!.metadata.name })
    yield* house.wait("another node in its place", () => {
      most = Math.max(most, house.claims().length)
      return ready(house) === 2 && house.claims().every(({ metadata }) => metadata.uid !== first?.metadata.uid)
    })
    assert.strictEqual(most, 2)
    house.sound()
  }))

  it("never exceeds its limit though the controller dies at every second claim", life({
    env: on("StaticCapacity")
  }, function*(house) {
    let requests = 0
    let deaths = 0
    const dies = ({ at, what }: Moment): boolean => what === "create nodeclaims" && at === "carriedOut" && ++requests % 2 === 1
    let replica = house.start(dies)
    yield* house.kube.create(NodePools, fixed(4, 4))
    for (let second = 0; second < 600 && ready(house) < 4; second++) {
      yield* Effect.sleep("1 second")
      assert.isAtMost(house.claims().length, 4)
      assert.isAtMost(house.alive().length, 4)
      if (replica.alive()) continue
      deaths++
      replica = house.start(dies)
    }
    assert.strictEqual(ready(house), 4)
    assert.isAtLeast(deaths, 1)
    house.sound()
    house.thrifty()
  }))
})

describe("a NodeOverlay", () => {
  const options = { env: on("NodeOverlay"), nodePool: { types: ["g6-standard-2", "g6-dedicated-2"] } }
  it("decides which type is bought", life(options, function*(house) {
    house.start()
    yield* house.kube.create(NodeOverlays, {
      apiVersion: "karpenter.sh/v1alpha1",
      kind: "NodeOverlay",
      metadata: { name: "contract" },
      spec: {
        requirements: [{ key: "node.kubernetes.io/instance-type", operator: "In", values: ["g6-dedicated-2"] }],
        priceAdjustment: "-90%"
      }
    })
    yield* Effect.sleep("2 seconds")
    yield* house.scale(2)
    yield* house.settled(2)
    assert.deepStrictEqual([...new Set(house.alive().map(({ type }) => type))], ["g6-dedicated-2"])
    house.sound()
  }))
})

describe("a CapacityBuffer", () => {
  const options = { env: on("CapacityBuffer"), nodePool: { types: ["g6-standard-2"] }, cpu: "1500m" }
  it("has a node ready before its pods come, and then another", life(options, function*(house) {
    house.start()
    yield* house.kube.create(CapacityBuffers, {
      apiVersion: "autoscaling.x-k8s.io/v1beta1",
      kind: "CapacityBuffer",
      metadata: { name: "spare", namespace: "default" },
      spec: { scalableRef: { apiGroup: "apps", kind: "Deployment", name: "inflate" }, replicas: 1 }
    })
    yield* house.wait("a spare node", () => ready(house) === 1)
    yield* Effect.sleep("3 minutes")
    assert.strictEqual(house.alive().length, 1, "it stays though it is empty")
    const asked = house.time.now
    yield* house.scale(1)
    yield* house.wait("the pod to run", () => house.running() === 1)
    assert.isBelow(house.time.now - asked, 20_000, "nobody waited for a node")
    yield* house.wait("another spare node", () => ready(house) === 2)
    yield* house.kube.delete(CapacityBuffers, { name: "spare", namespace: "default" })
    yield* house.scale(0)
    yield* house.empty()
    house.thrifty()
  }))
})
