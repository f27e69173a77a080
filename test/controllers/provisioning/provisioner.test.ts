import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint, label } from "../../../src/apis/labels.ts"
import { nodePoolHash } from "../../../src/apis/hash.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { apiVersion } from "../../../src/kube/resources.ts"
import type { InstanceType } from "../../../src/scheduling/problem.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import {
  asking, eventsOf, FakeCloud, given, givenBasics, givenMachine, huge, isTrue, large, LinodeNodeClasses, machine, medium,
  NodeClaims, nodeClass, nodePool, NodePools, Nodes, pass, pending, pod, Pods, settle, small, world
} from "../../cluster/world.ts"
import { claims, start, typesOf } from "./support.ts"

describe("a pod that no node can take", () => {
  it.effect("gets a NodeClaim of the cheapest type that holds it, one second after it turned up", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a"))
    yield* settle
    assert.lengthOf(yield* claims, 0)
    yield* pass(1)
    const [claim, ...others] = yield* claims
    assert.lengthOf(others, 0)
    assert.strictEqual(typesOf(claim!)[0], "small")
  }).pipe(Effect.provide(world)))

  it.effect("is planned together with those that come while the window is open", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (const name of ["a", "b", "c", "d", "e"]) {
      yield* given(Pods, pending(name))
      yield* settle
    }
    yield* pass(1)
    const found = yield* claims
    assert.lengthOf(found, 1)
    assert.strictEqual(typesOf(found[0]!)[0], "large")
  }).pipe(Effect.provide(world)))

  it.effect("leads to a claim that carries all that the node and its owner need", () => Effect.gen(function*() {
    const template = {
      taints: [{ key: "team", value: "a", effect: "NoSchedule" as const }],
      startupTaints: [{ key: "booting", effect: "NoExecute" as const }],
      expireAfter: "24h",
      terminationGracePeriod: "1h"
    }
    const spec = { template: { metadata: { labels: { tier: "web" }, annotations: { note: "x" } }, spec: {} } }
    yield* given(LinodeNodeClasses, nodeClass())
    const pool = yield* given(NodePools, nodePool("default", spec as never, template))
    yield* start
    yield* given(Pods, pending("a", { tolerations: [{ operator: "Exists" }], nodeSelector: { tier: "web" } }))
    yield* pass(1)
    const [claim] = yield* claims
    assert.match(claim!.metadata.name, /^default-/u)
    assert.deepInclude(claim!.metadata.labels, { tier: "web", [label.nodePool]: "default", [label.nodeClass]: "default" })
    assert.deepInclude(claim!.metadata.annotations, { note: "x", [annotation.nodePoolHash]: nodePoolHash(pool.spec.template) })
    assert.deepStrictEqual(claim!.metadata.finalizers, ["karpenter.sh/termination"])
    assert.deepStrictEqual(claim!.metadata.ownerReferences, [{
      apiVersion: "karpenter.sh/v1", kind: "NodePool", name: "default", uid: pool.metadata.uid!, blockOwnerDeletion: true
    }])
    assert.deepInclude(claim!.spec, {
      taints: template.taints, startupTaints: template.startupTaints, expireAfter: "24h", terminationGracePeriod: "1h"
    })
    assert.strictEqual(claim!.spec.resources?.requests?.["cpu"], "1")
    assert.deepStrictEqual(claim!.spec.nodeClassRef, pool.spec.template.spec.nodeClassRef)
  }).pipe(Effect.provide(world)))

  it.effect("is told where it should run, and counted", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(1)
    const [claim] = yield* claims
    const [event] = yield* eventsOf("Nominated")
    assert.strictEqual(event?.message, `Pod should schedule on: nodeclaim/${claim!.metadata.name}`)
    assert.strictEqual(event?.involvedObject.name, "a")
    const text = yield* Metrics.use((metrics) => metrics.exposition)
    assert.include(
      text, "karpenter_nodeclaims_created_total{reason=\"provisioned\",nodepool=\"default\",min_values_relaxed=\"false\"} 1"
    )
    assert.include(text, "karpenter_scheduler_unschedulable_pods_count{controller=\"provisioner\"} 0")
  }).pipe(Effect.provide(world)))

  it.effect("is told why it has to wait, once in five minutes", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a", asking({ cpu: "64" })))
    yield* pass(60)
    assert.lengthOf(yield* claims, 0)
    const found = yield* eventsOf("FailedScheduling")
    assert.lengthOf(found, 1)
    assert.include(found[0]!.message, "default")
    assert.include(found[0]!.message, "cpu")
    yield* pass(300)
    assert.lengthOf(yield* eventsOf("FailedScheduling"), 2)
    assert.include(yield* Metrics.use((metrics) => metrics.exposition), "unschedulable_pods_count{controller=\"provisioner\"} 1")
  }).pipe(Effect.provide(world)))

  it.effect("gets a node as soon as there is a NodePool for it", () => Effect.gen(function*() {
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(5)
    assert.lengthOf(yield* claims, 0)
    yield* givenBasics
    yield* pass(1)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))
})

describe("pods that do not count", () => {
  const daemon = { ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "u" }] }
  const affinity = (expression: object) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [expression] } } }
  })
  const silent: ReadonlyArray<readonly [string, ReturnType<typeof pending>]> = [
    ["runs", pod("a", { nodeName: "elsewhere" })],
    ["was not looked at by the scheduler yet", { ...pending("a"), status: { phase: "Pending" } }],
    ["belongs to a DaemonSet", pending("a", {}, daemon)],
    ["waits for a preemption", { ...pending("a"), status: { ...pending("a").status, nominatedNodeName: "n" } }],
    ["opts out", pending("a", affinity({ matchExpressions: [{ key: label.nodePool, operator: "DoesNotExist" }] }) as never)]
  ]
  for (const [why, object] of silent) {
    it.effect(`leave the cluster as it is: one that ${why}`, () => Effect.gen(function*() {
      yield* givenBasics
      yield* start
      yield* given(Pods, object)
      yield* pass(15)
      assert.lengthOf(yield* claims, 0)
      assert.lengthOf(yield* eventsOf("FailedScheduling"), 0)
    }).pipe(Effect.provide(world)))
  }

  const refused: ReadonlyArray<readonly [string, ReturnType<typeof pending>, string]> = [
    ["a restricted label", pending("a", { nodeSelector: { [label.hostname]: "n1" } }), label.hostname],
    ["a field", pending(
      "a", affinity({ matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] }) as never
    ), "matchFields"],
    ["a number that is none", pending(
      "a", affinity({ matchExpressions: [{ key: label.instanceCpu, operator: "Gt", values: ["many"] }] }) as never
    ), "Gt"]
  ]
  for (const [what, object, word] of refused) {
    it.effect(`are told so when they ask for ${what}`, () => Effect.gen(function*() {
      yield* givenBasics
      yield* start
      yield* given(Pods, object)
      yield* pass(15)
      assert.lengthOf(yield* claims, 0)
      const [event] = yield* eventsOf("FailedScheduling")
      assert.include(event?.message, word)
      assert.include(yield* Metrics.use((metrics) => metrics.exposition), "karpenter_scheduler_ignored_pods_count 1")
    }).pipe(Effect.provide(world)))
  }
})

describe("pods of a node that is going away", () => {
  it.effect("get a new node before they are evicted, and only one", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    const leaving = yield* givenMachine("old")
    yield* given(Pods, pod("a", { nodeName: "node-old" }))
    yield* start
    yield* pass(20)
    assert.lengthOf(yield* claims, 1)
    yield* kube.delete(NodeClaims, leaving.metadata)
    yield* kube.patch(Nodes, { name: "node-old" }, { spec: { taints: [disruptedTaint] } }, { kind: "merge" })
    yield* pass(60)
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  it.effect("need none when they are daemons, or hold up the drain themselves", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    const leaving = yield* givenMachine("old")
    yield* given(Pods, pod(
      "daemon", { nodeName: "node-old" }, { ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "d", uid: "u" }] }
    ))
    yield* given(Pods, pod("holding", { nodeName: "node-old" }, { annotations: { [annotation.doNotDisrupt]: "true" } }))
    yield* start
    yield* kube.delete(NodeClaims, leaving.metadata)
    yield* kube.patch(Nodes, { name: "node-old" }, { spec: { taints: [disruptedTaint] } }, { kind: "merge" })
    yield* pass(30)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))
})

describe("NodePools", () => {
  it.effect("are never exceeded: limits hold within a batch and over several", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { limits: { nodes: 2 } }))
    yield* start
    for (let i = 0; i < 4; i++) yield* given(Pods, pending(`p${i}`, asking({ cpu: "12" })))
    yield* pass(30)
    assert.lengthOf(yield* claims, 2)
    assert.lengthOf(yield* eventsOf("FailedScheduling"), 2)
  }).pipe(Effect.provide(world)))

  it.effect("count the machines that they have against their limits, each once", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { limits: { nodes: 3, cpu: 8 } }))
    yield* givenMachine("old")
    yield* start
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name, asking({ cpu: "1500m", memory: "6Gi" })))
    yield* pass(30)
    // 4 of 8 CPUs are there already, so one more node of 4 fits the limit and no third.
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  it.effect("count claims that came while a plan was made", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const { server } = yield* MemoryApiServer
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { limits: { cpu: 4 } }))
    yield* start
    const { types } = cloud
    let made = false
    // A pass asks for the types when it has read what is there.
    Object.defineProperty(cloud, "types", { get: () => {
      if (!made) server.create(NodeClaims, { apiVersion: apiVersion(NodeClaims), kind: NodeClaims.kind, ...machine("other").claim })
      made = true
      return types
    } })
    yield* given(Pods, pending("a", asking({ cpu: "1500m" })))
    yield* pass(30)
    assert.deepStrictEqual((yield* claims).map((claim) => claim.metadata.name), ["other"])
  }).pipe(Effect.provide(world)))

  it.effect("of a higher weight come first", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("light", { weight: 1 }))
    yield* given(NodePools, nodePool("heavy", { weight: 50 }))
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(1)
    assert.deepStrictEqual((yield* claims).map((claim) => claim.metadata.labels?.[label.nodePool]), ["heavy"])
  }).pipe(Effect.provide(world)))

  const unusable: ReadonlyArray<readonly [string, ReturnType<typeof nodePool>]> = [
    ["is not ready", { ...nodePool(), status: { conditions: [{ ...isTrue("Ready"), status: "False" as const }] } }],
    ["was judged before its last change", {
      ...nodePool(), status: { conditions: [{ ...isTrue("Ready"), observedGeneration: 0 }] }
    }],
    ["has a fixed number of nodes", nodePool("default", { replicas: 1 })]
  ]
  for (const [why, pool] of unusable) {
    it.effect(`are not bought for when one ${why}`, () => Effect.gen(function*() {
      yield* given(LinodeNodeClasses, nodeClass())
      yield* given(NodePools, pool)
      yield* start
      yield* given(Pods, pending("a"))
      yield* pass(15)
      assert.lengthOf(yield* claims, 0)
    }).pipe(Effect.provide(world)))
  }

  it.effect("that are not ready are why a pod waits, in the words of their conditions", () => Effect.gen(function*() {
    const says = { type: "AccountReady", reason: "LinodeAuthFailed", message: "Invalid Token", lastTransitionTime: "2026-01-01T00:00:00Z" }
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, {
      ...nodePool(), status: { conditions: [{ ...isTrue("Ready"), status: "False" as const }, { ...says, status: "False" as const }] }
    })
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(15)
    assert.lengthOf(yield* claims, 0)
    assert.deepStrictEqual((yield* eventsOf("FailedScheduling")).map(({ message }) => message), [
      "there is no NodePool to buy a node from; NodePool default is not ready (LinodeAuthFailed: Invalid Token)"
    ])
  }).pipe(Effect.provide(world)))

  it.effect("whose types are sold out are passed over", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* givenBasics
    const soldOut = (type: InstanceType): InstanceType =>
      ({ ...type, offerings: type.offerings.map((one) => ({ ...one, available: false })) })
    cloud.types = [small, medium, large, huge].map(soldOut)
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(15)
    assert.lengthOf(yield* claims, 0)
    cloud.types = [large]
    yield* pass(15)
    assert.deepStrictEqual((yield* claims).map(typesOf), [["large"]])
  }).pipe(Effect.provide(world)))
})
