import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, label } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { repairPolicies } from "../../../src/cloud/repairPolicies.ts"
import { ailmentOf, healthChanged, tolerableOf } from "../../../src/controllers/node/health.ts"
import { nodeRepair } from "../../../src/controllers/node/repair.ts"
import { nodeTermination } from "../../../src/controllers/node/termination.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Denied, Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import type { Condition } from "../../../src/kube/objects.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import * as settings from "../../../src/settings/load.ts"
import {
  claim, claimNamed, counted, createClaim, createNode, createPool, eventsOn, inWorld, node, nodeOf, podNamed, poolNamed, reasonsOn,
  runPod, seconds, setNodeStatus, start
} from "../nodeclaim/support.ts"
import { holdPods } from "./support.ts"

const at = (seconds: number): string => new Date(start + seconds * 1000).toISOString()
const says = (type: string, status: Condition["status"], since = 0): Condition =>
  ({ type, status, reason: "Test", lastTransitionTime: at(since) })
const nodeSaying = (...conditions: ReadonlyArray<Condition>) => ({ ...nodeOf("a"), status: { conditions } })

describe("what makes a node ill", () => {
  const due = (...conditions: ReadonlyArray<Condition>) => {
    const found = ailmentOf(nodeSaying(...conditions), repairPolicies)
    return found === undefined ? undefined : `${found.condition.type} after ${(found.due - start) / 60_000}m`
  }
  it.each<[ReadonlyArray<Condition>, string | undefined]>([
    [[says("Ready", "True")], undefined],
    [[says("Ready", "False")], "Ready after 30m"],
    [[says("Ready", "Unknown", 60)], "Ready after 31m"],
    [[says("AcceleratedHardwareReady", "False")], "AcceleratedHardwareReady after 10m"],
    [[says("Ready", "False"), says("AcceleratedHardwareReady", "False", 600)], "AcceleratedHardwareReady after 20m"],
    [[says("Ready", "True"), says("StorageReady", "False")], "StorageReady after 30m"],
    [[says("StorageReady", "Unknown")], undefined],
    [[says("MemoryPressure", "True")], undefined]
  ])("%#", (conditions, expected) => {
    assert.strictEqual(due(...conditions), expected)
  })

  it.each([[1, 1], [3, 1], [5, 1], [6, 2], [10, 2], [100, 20]])("of %i nodes %i may be ill", (nodes, tolerable) => {
    assert.strictEqual(tolerableOf(nodes), tolerable)
  })

  it("is not told by heartbeats", () => {
    const before = nodeSaying({ ...says("Ready", "True"), lastHeartbeatTime: at(0) })
    assert.isFalse(healthChanged(before, nodeSaying({ ...says("Ready", "True"), lastHeartbeatTime: at(10) })))
    assert.isTrue(healthChanged(before, nodeSaying(says("Ready", "False"))))
    assert.isTrue(healthChanged(before, nodeSaying(says("Ready", "True", 10))))
    assert.isTrue(healthChanged(before, nodeSaying(says("Ready", "True"), says("KernelReady", "True"))))
  })
})

const gates = (value: string) => settings.layer({ args: [], env: { CLUSTER_NAME: "test", LINODE_TOKEN: "t", FEATURE_GATES: value } })
/** Claims on ready nodes of NodePool `default`, with everything at work that takes nodes away. */
const running = Effect.fnUntraced(function*(names: ReadonlyArray<string>, gate = "NodeRepair=true") {
  yield* createPool(poolNamed("default", undefined))
  yield* Effect.forkScoped(nodeClaimLifecycle)
  yield* Effect.forkScoped(nodeTermination)
  yield* Effect.forkScoped(nodeRepair.pipe(Effect.provide(gates(gate))))
  for (const name of names) {
    yield* createClaim(claimNamed(name))
    yield* seconds(1)
    yield* createNode(nodeOf(name, { spec: { providerID: `linode://${name}` } }))
  }
  yield* seconds(2)
})
const falls = (name: string, status: Condition["status"] = "Unknown") =>
  setNodeStatus(`lke1-${name}`, { conditions: [says("Ready", status)] })
const gone = (name: string) => Effect.map(claim(name), (found) => found === undefined || found.metadata.deletionTimestamp !== undefined)

describe("node repair", () => {
  it.effect("replaces a node that has been NotReady for half an hour", () => inWorld(Effect.gen(function*() {
    yield* running(["a"])
    yield* runPod(podNamed("web", "lke1-a"))
    yield* falls("a")
    yield* seconds(1780)
    assert.isFalse(yield* gone("a"))
    yield* seconds(100)
    assert.isTrue(yield* gone("a"))
    const labels = "condition=\"ready\",nodepool=\"default\",capacity_type=\"on-demand\""
    assert.strictEqual(yield* counted(`karpenter_nodeclaims_unhealthy_disrupted_total{${labels}`), 1)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_disrupted_total{reason=\"unhealthy\""), 1)
    assert.strictEqual(yield* counted("karpenter_pods_disruption_initiated_total{reason=\"unhealthy\""), 1)
  })), 30_000)

  it.effect("leaves a node alone that gets well in time", () => inWorld(Effect.gen(function*() {
    yield* running(["a"])
    yield* falls("a")
    yield* seconds(1700)
    yield* falls("a", "True")
    yield* seconds(300)
    assert.isFalse(yield* gone("a"))
  })), 30_000)

  it.effect("is held by nothing: no PodDisruptionBudget, no do-not-disrupt, no grace", () => inWorld(Effect.gen(function*() {
    yield* running(["a"])
    yield* Kube.use((kube) => kube.patch(NodeClaims, { name: "a" },
      { metadata: { annotations: { [annotation.terminationTimestamp]: at(1_000_000) } } }, { kind: "merge" }))
    yield* runPod(podNamed("db", "lke1-a"))
    yield* runPod(podNamed("job", "lke1-a", { metadata: { annotations: { [annotation.doNotDisrupt]: "true" } } }))
    yield* holdPods("all", "db")
    yield* falls("a")
    yield* seconds(1900)
    assert.isUndefined(yield* node("lke1-a"))
    assert.include(yield* reasonsOn("db"), "Disrupted")
    assert.include(yield* reasonsOn("job"), "Disrupted")
  })), 30_000)

  it.effect("leaves no deadline on a claim that it could not delete", () => inWorld(Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* running(["a"])
    yield* memory.inject({ verb: "delete", resource: NodeClaims, reason: new Denied(), status: 403, times: Infinity })
    yield* falls("a")
    yield* seconds(1900)
    assert.isAtLeast(yield* memory.count("delete", NodeClaims), 2)
    yield* falls("a", "True")
    yield* memory.heal
    yield* seconds(120)
    assert.isFalse(yield* gone("a"))
    assert.isUndefined((yield* claim("a"))?.metadata.annotations?.[annotation.terminationTimestamp])
  })), 30_000)

  it.effect("ends the grace of a claim whose deletion was carried out without a reply", () => inWorld(Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* running(["a"])
    yield* runPod(podNamed("db", "lke1-a"))
    yield* holdPods("all", "db")
    yield* memory.inject({ verb: "delete", resource: NodeClaims, reason: new Unavailable(), when: "after" })
    yield* falls("a")
    yield* seconds(1900)
    assert.isUndefined(yield* node("lke1-a"))
    assert.include(yield* reasonsOn("db"), "Disrupted")
  })), 30_000)

  it.effect("stops when more than a fifth of a NodePool is ill, and says so where it matters", () => inWorld(Effect.gen(function*() {
    yield* running(["a", "b", "c"])
    yield* falls("a")
    yield* falls("b")
    yield* seconds(1900)
    assert.isFalse(yield* gone("a"))
    assert.isFalse(yield* gone("b"))
    for (const [name, kind] of [["lke1-a", "Node"], ["a", "NodeClaim"], ["default", "NodePool"]] as const) {
      const found = (yield* eventsOn(name)).filter(({ reason }) => reason === "NodeRepairBlocked")
      assert.deepStrictEqual(found.map(({ involvedObject }) => involvedObject.kind), [kind])
    }
    // One of three is tolerable.
    yield* falls("b", "True")
    yield* seconds(301)
    assert.isTrue(yield* gone("a"))
    assert.isFalse(yield* gone("b"))
  })), 30_000)

  it.effect("counts by NodePool", () => inWorld(Effect.gen(function*() {
    yield* running(["a", "b"])
    yield* Kube.use((kube) => kube.patch(Nodes, { name: "lke1-b" }, { metadata: { labels: { [label.nodePool]: "other" } } }, { kind: "merge" }))
    yield* falls("a")
    yield* falls("b")
    yield* seconds(1900)
    assert.isTrue(yield* gone("a"))
  })), 30_000)

  it.effect("is off unless the gate is on", () => inWorld(Effect.gen(function*() {
    yield* running(["a"], "NodeRepair=false")
    yield* falls("a")
    yield* seconds(2000)
    assert.isFalse(yield* gone("a"))
  })), 30_000)
})
