import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { CapacityBuffers } from "../../../src/apis/capacityBuffer.ts"
import type { CapacityBuffer } from "../../../src/apis/capacityBuffer.ts"
import { label } from "../../../src/apis/labels.ts"
import { BufferRoom, makeBufferRoom } from "../../../src/controllers/capacitybuffer/bufferRoom.ts"
import { capacityBuffer } from "../../../src/controllers/capacitybuffer/capacityBuffer.ts"
import { disruption } from "../../../src/controllers/disruption/disruption.ts"
import { provisioner } from "../../../src/controllers/provisioning/provisioner.ts"
import { CacheFeatures } from "../../../src/kube/cacheLayer.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import type { PodTemplateObject, Workload } from "../../../src/kube/objects.ts"
import { Deployments, PodTemplates } from "../../../src/kube/resources.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import { defaultFeatureGates } from "../../../src/settings/featureGates.ts"
import { Settings } from "../../../src/settings/settings.ts"
import {
  all, asking, eventsOf, given, givenBasics, givenMachine, LinodeNodeClasses, NodeClaims, nodeClass, nodePool, NodePools,
  Nodes, pass, pending, pod, Pods, settle, small, world
} from "../../cluster/world.ts"

const buffering = world.pipe(
  Layer.provideMerge(Layer.succeed(CacheFeatures, { nodeOverlays: false, capacityBuffers: true }))
)

const on = Effect.provide(Layer.effect(Settings, Effect.map(Settings, (settings) =>
  ({ ...settings, featureGates: { ...defaultFeatureGates, CapacityBuffer: true } }))))

/** Runs a test in a world of its own, with the gate on and what is known of buffers shared by the controllers. */
const inWorld = <A, E, R>(test: Effect.Effect<A, E, R>) =>
  test.pipe(Effect.provideServiceEffect(BufferRoom, makeBufferRoom), on, Effect.provide(buffering))

const start = Effect.gen(function*() {
  for (const controller of [provisioner, capacityBuffer, disruption]) yield* Effect.forkScoped(controller)
  yield* settle
})

const requests = { cpu: "1500m", memory: "1Gi" }
const podSpec = { containers: [{ name: "main", image: "pause", resources: { requests } }] }

const template = (name = "web", spec: PodTemplateObject["template"]["spec"] = podSpec): PodTemplateObject => ({
  metadata: { name, namespace: "default" },
  template: { metadata: { labels: { app: name } }, spec }
})

const buffer = (spec: CapacityBuffer["spec"], name = "spare"): CapacityBuffer =>
  ({ metadata: { name, namespace: "default" }, spec })
const ofTemplate = (replicas: number, name = "spare") => buffer({ podTemplateRef: { name: "web" }, replicas }, name)

const deployment = (replicas: number): Workload => ({
  metadata: { name: "web", namespace: "default" },
  spec: { replicas, selector: { matchLabels: { app: "web" } }, template: { metadata: { labels: { app: "web" } }, spec: podSpec } }
})

const only = Effect.map(all(CapacityBuffers), (found) => found[0])
const condition = (type: "ReadyForProvisioning" | "Provisioning") =>
  Effect.map(only, (found) => found?.status?.conditions?.find((one) => one.type === type))

const claims = all(NodeClaims)
const going = Effect.map(claims, (found) =>
  found.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).map(({ metadata }) => metadata.name).toSorted())

/** What the lifecycle controller and Linode do: every claim gets a node that is ready. */
const join = Effect.gen(function*() {
  for (const { metadata: { name }, status } of yield* claims) {
    if (status?.providerID !== undefined) continue
    yield* Kube.use((kube) => kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" }))
    yield* Kube.use((kube) => kube.delete(NodeClaims, { name }))
    yield* givenMachine(name, { type: small, conditions: ["Consolidatable"] })
  }
  yield* settle
})

const basics = Effect.gen(function*() {
  yield* given(LinodeNodeClasses, nodeClass())
  const onlySmall = [{ key: label.instanceType, operator: "In" as const, values: ["small"] }]
  const freely = { disruption: { consolidateAfter: "0s", budgets: [{ nodes: "100%" }] } }
  yield* given(NodePools, nodePool("default", freely, { requirements: onlySmall }))
  yield* given(PodTemplates, template())
})

describe("a capacity buffer", () => {
  it.effect("gets nodes though no pod waits, and says when its room is there", () => inWorld(Effect.gen(function*() {
    yield* basics
    yield* given(CapacityBuffers, ofTemplate(2))
    yield* start
    yield* pass(3)
    assert.lengthOf(yield* claims, 2)
    assert.deepInclude(yield* condition("ReadyForProvisioning"), { status: "True", reason: "Resolved" })
    assert.deepInclude(yield* condition("Provisioning"), { status: "False", reason: "RequiresNewCapacity" })
    assert.include((yield* condition("Provisioning"))?.message, "0 of 2 pods have room, 2 will have it")
    assert.deepInclude((yield* only)?.status, {
      replicas: 2,
      provisioningStrategy: "buffer.x-k8s.io/active-capacity",
      podTemplateRef: { name: "web" },
      podTemplateGeneration: 1
    })
    yield* join
    yield* pass(60)
    assert.lengthOf(yield* claims, 2)
    assert.deepInclude(yield* condition("Provisioning"), { status: "True", reason: "FitsExistingCapacity" })
    assert.lengthOf(yield* all(Pods), 0)
    assert.lengthOf(yield* eventsOf("Nominated"), 0)
  })))

  it.effect("needs no node where there is room already", () => inWorld(Effect.gen(function*() {
    yield* basics
    yield* givenMachine("there")
    yield* given(CapacityBuffers, ofTemplate(2))
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
    assert.deepInclude(yield* condition("Provisioning"), { status: "True", reason: "FitsExistingCapacity" })
  })))

  it.effect("keeps its nodes while it lasts, and gives them up when it goes", () => inWorld(Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* start
    yield* pass(3)
    yield* join
    yield* givenMachine("unneeded", { type: small, conditions: ["Consolidatable"] })
    yield* pass(120)
    assert.deepStrictEqual(yield* going, ["unneeded"])
    assert.include((yield* eventsOf("Unconsolidatable"))[0]?.message, "capacity buffer")
    yield* kube.delete(CapacityBuffers, { name: "spare", namespace: "default" })
    yield* pass(60)
    assert.lengthOf(yield* going, 2)
  })))

  it.effect("keeps its nodes over a restart of the controller", () => inWorld(Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* basics
    yield* given(Deployments, deployment(1))
    yield* given(CapacityBuffers, buffer({ scalableRef: { kind: "Deployment", name: "web" }, replicas: 1 }))
    yield* givenMachine("held", { type: small, conditions: ["Consolidatable"] })
    // For a minute the API server does not tell what the buffer is for.
    yield* memory.inject({ verb: "get", resource: Deployments, reason: new Unavailable(), times: 8 })
    yield* start
    yield* pass(180)
    assert.deepStrictEqual(yield* going, [])
    assert.deepInclude(yield* condition("Provisioning"), { status: "True" })
  })))

  it.effect("gets other room when real pods take what it has", () => inWorld(Effect.gen(function*() {
    yield* basics
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* start
    yield* pass(3)
    yield* join
    yield* pass(31)
    assert.lengthOf(yield* claims, 1)
    const [node] = yield* all(Nodes)
    yield* given(Pods, pod("real", { nodeName: node!.metadata.name, ...asking(requests) }))
    yield* pass(33)
    assert.lengthOf(yield* claims, 2)
    assert.deepInclude(yield* condition("Provisioning"), { status: "False", reason: "RequiresNewCapacity" })
  })))

  it.effect("comes after pods that wait: they have the last node that the limits allow", () => inWorld(Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(PodTemplates, template())
    yield* given(NodePools, nodePool("default", { limits: { nodes: "1" } }))
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* given(Pods, pending("real", asking({ cpu: "15" })))
    yield* start
    yield* pass(30)
    const [claim, ...others] = yield* claims
    assert.lengthOf(others, 0)
    assert.strictEqual(claim?.spec.resources?.requests?.["cpu"], "15")
    assert.include((yield* condition("Provisioning"))?.message, "1 find none")
    assert.lengthOf(yield* eventsOf("FailedScheduling"), 0)
    const text = yield* Metrics.use((metrics) => metrics.exposition)
    assert.include(text, "karpenter_scheduler_unschedulable_pods_count{controller=\"provisioner\"} 0")
  })))

  it.effect("does not count room that a waiting pod was promised", () => inWorld(Effect.gen(function*() {
    yield* basics
    yield* given(Pods, pending("real", asking(requests)))
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* claims, 2)
  })))
})

describe("a capacity buffer of a workload", () => {
  const ofWorkload = (spec: Partial<CapacityBuffer["spec"]> = {}) =>
    buffer({ scalableRef: { apiGroup: "apps", kind: "Deployment", name: "web" }, ...spec })

  it.effect("grows with the workload by its percentage", () => inWorld(Effect.gen(function*() {
    const kube = yield* Kube
    yield* basics
    yield* given(Deployments, deployment(4))
    yield* given(CapacityBuffers, ofWorkload({ percentage: 25 }))
    yield* start
    yield* pass(3)
    assert.strictEqual((yield* only)?.status?.replicas, 1)
    assert.lengthOf(yield* claims, 1)
    yield* kube.patch(Deployments, { name: "web", namespace: "default" }, { spec: { replicas: 8 } }, { kind: "merge" })
    yield* pass(33)
    assert.strictEqual((yield* only)?.status?.replicas, 2)
    assert.lengthOf(yield* claims, 2)
  })))

  it.effect("that is for no pods is empty", () => inWorld(Effect.gen(function*() {
    yield* basics
    yield* given(Deployments, deployment(0))
    yield* given(CapacityBuffers, ofWorkload({ percentage: 50 }))
    yield* start
    yield* pass(35)
    assert.lengthOf(yield* claims, 0)
    assert.deepInclude(yield* condition("Provisioning"), { status: "False", reason: "BufferEmpty" })
  })))

  it.effect.each<readonly [string, CapacityBuffer, string]>([
    ["a Deployment that is not there", ofWorkload({ replicas: 1 }), "ScalableRefNotFound"],
    ["a PodTemplate that is not there", buffer({ podTemplateRef: { name: "none" }, replicas: 1 }), "PodTemplateNotFound"],
    ["a kind that it cannot be for", buffer({ scalableRef: { kind: "Job", name: "web" }, replicas: 1 }), "ResolutionFailed"],
    ["nothing", buffer({ replicas: 1 }), "ResolutionFailed"]
  ])("says that it is for %s", ([, given_, reason]) => inWorld(Effect.gen(function*() {
    yield* basics
    yield* given(CapacityBuffers, given_)
    yield* start
    yield* pass(35)
    assert.deepInclude(yield* condition("ReadyForProvisioning"), { status: "False", reason })
    assert.deepInclude(yield* condition("Provisioning"), { status: "False", reason: "NotReadyForProvisioning" })
    assert.lengthOf(yield* claims, 0)
  })))

  it.effect("begins once its PodTemplate is there, and follows it", () => inWorld(Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* start
    yield* pass(5)
    assert.lengthOf(yield* claims, 0)
    yield* given(PodTemplates, template())
    yield* pass(3)
    assert.lengthOf(yield* claims, 1)
    const containers = [{ name: "main", image: "pause", resources: { requests: { cpu: "15" } } }]
    const ref = { name: "web", namespace: "default" }
    yield* kube.patch(PodTemplates, ref, { template: { spec: { containers } } }, { kind: "merge" })
    yield* pass(3)
    assert.lengthOf(yield* claims, 2)
  })))
})

describe("capacity buffers that are not ours", () => {
  it.effect("are left to the controllers of their strategy", () => inWorld(Effect.gen(function*() {
    yield* basics
    const provisioningStrategy = "example.com/other"
    yield* given(CapacityBuffers, buffer({ podTemplateRef: { name: "web" }, replicas: 1, provisioningStrategy }))
    yield* givenMachine("empty", { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(60)
    assert.isUndefined((yield* only)?.status)
    assert.deepStrictEqual(yield* going, ["empty"])
  })))

  it.effect("are not looked at while the gate is off", () => Effect.gen(function*() {
    yield* basics
    yield* given(CapacityBuffers, ofTemplate(1))
    yield* givenMachine("empty", { conditions: ["Consolidatable"] })
    yield* start
    yield* pass(60)
    assert.isUndefined((yield* only)?.status)
    assert.deepStrictEqual(yield* going, ["empty"])
  }).pipe(Effect.provideServiceEffect(BufferRoom, makeBufferRoom), Effect.provide(world)))
})
