import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { annotation, label } from "../../../src/apis/labels.ts"
import { NodeOverlays } from "../../../src/apis/nodeOverlay.ts"
import type { NodeOverlay } from "../../../src/apis/nodeOverlay.ts"
import { CloudProvider } from "../../../src/cloud/cloudProvider.ts"
import * as overlays from "../../../src/cloud/overlays.ts"
import { Cluster } from "../../../src/cluster/cluster.ts"
import * as clusterLayer from "../../../src/cluster/clusterLayer.ts"
import { nodeOverlay } from "../../../src/controllers/nodeoverlay/nodeOverlay.ts"
import { CacheFeatures } from "../../../src/kube/cacheLayer.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { defaultFeatureGates } from "../../../src/settings/featureGates.ts"
import { Settings } from "../../../src/settings/settings.ts"
import {
  all, asking, eventsOf, FakeCloud, given, givenBasics, huge, large, medium, NodePools, nodePool, pass, pending, Pods, settle,
  small, world
} from "../../cluster/world.ts"
import { claims, start as startProvisioner } from "../provisioning/support.ts"

/** The world with the gate as told, and the cloud as overlays have it. */
const overlaid = (on: boolean) => Layer.fresh(clusterLayer.layer).pipe(
  Layer.provideMerge(overlays.layer),
  Layer.provideMerge(Layer.effect(Settings, Effect.map(Settings, (settings) =>
    ({ ...settings, featureGates: { ...defaultFeatureGates, NodeOverlay: on } })))),
  Layer.provideMerge(world),
  Layer.provideMerge(Layer.succeed(CacheFeatures, { nodeOverlays: on, capacityBuffers: false }))
)

const start = Effect.forkScoped(nodeOverlay).pipe(Effect.andThen(settle))

const named = (name: string, spec: Partial<NodeOverlay["spec"]> = {}): NodeOverlay =>
  ({ metadata: { name }, spec: { requirements: [], ...spec } })
const typeIn = (...values: ReadonlyArray<string>) => [{ key: label.instanceType, operator: "In" as const, values }]

const condition = (name: string, type = "ValidationSucceeded") => Effect.map(all(NodeOverlays), (found) =>
  found.find((one) => one.metadata.name === name)?.status?.conditions?.find((one) => one.type === type))

const clusterNodes = Effect.flatten(Effect.map(Cluster, (cluster) => cluster.nodes))
const types = CloudProvider.use((cloud) => cloud.instanceTypes(nodePool()))

describe("a NodeOverlay", () => {
  it.effect("says that it is in force, or why it is not", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeOverlays, named("a", { price: "1" }))
    yield* given(NodeOverlays, named("b", { price: "2" }))
    yield* given(NodeOverlays, named("light", { weight: 1, price: "3" }))
    yield* start
    assert.deepInclude(yield* condition("b"), { status: "True", reason: "ValidationSucceeded" })
    assert.deepInclude(yield* condition("b", "Ready"), { status: "True" })
    assert.deepInclude(yield* condition("light"), { status: "True" })
    assert.deepInclude(yield* condition("a"), { status: "False", reason: "Conflict" })
    assert.include((yield* condition("a"))?.message, "b, of the same weight")
    assert.strictEqual((yield* condition("a", "Ready"))?.status, "False")
    assert.lengthOf((yield* eventsOf("ValidationSucceeded")).filter((event) => event.type === "Warning"), 1)
  }).pipe(Effect.provide(overlaid(true))))

  it.effect("comes into force when the one in its way goes, and is written once", () => Effect.gen(function*() {
    const kube = yield* Kube
    const memory = yield* MemoryApiServer
    yield* givenBasics
    yield* given(NodeOverlays, named("a", { price: "1" }))
    yield* given(NodeOverlays, named("b", { price: "2" }))
    yield* start
    yield* pass(60)
    assert.strictEqual(yield* memory.count("patch", NodeOverlays), 2)
    yield* kube.delete(NodeOverlays, { name: "b" })
    yield* settle
    assert.strictEqual((yield* condition("a"))?.status, "True")
    assert.strictEqual((yield* types)[0]?.offerings[0]?.price, 1)
  }).pipe(Effect.provide(overlaid(true))))

  it.effect("is in the way of another as soon as a NodePool comes in which both count", () => Effect.gen(function*() {
    yield* givenBasics
    const requirements = [{ key: label.nodePool, operator: "In" as const, values: ["second"] }]
    yield* given(NodeOverlays, named("a", { price: "1", requirements }))
    yield* given(NodeOverlays, named("b", { price: "2", requirements }))
    yield* start
    assert.strictEqual((yield* condition("a"))?.status, "True")
    yield* given(NodePools, nodePool("second"))
    yield* settle
    assert.strictEqual((yield* condition("a"))?.reason, "Conflict")
  }).pipe(Effect.provide(overlaid(true))))
})

describe("instance types under overlays", () => {
  it.effect("are the same array while nothing changes, and the cloud's own without an overlay", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const kube = yield* Kube
    yield* givenBasics
    yield* settle
    assert.strictEqual(yield* types, cloud.types)
    yield* given(NodeOverlays, named("a", { price: "1" }))
    yield* settle
    const before = yield* types
    assert.strictEqual(yield* types, before)
    assert.notStrictEqual(before, cloud.types)
    yield* kube.patch(NodePools, { name: "default" }, { status: { nodes: 3 } }, { kind: "merge", subresource: "status" })
    yield* settle
    assert.strictEqual(yield* types, before)
    cloud.types = [medium]
    assert.deepStrictEqual((yield* types).map(({ name, offerings: [offering] }) => [name, offering?.price]), [["medium", 1]])
  }).pipe(Effect.provide(overlaid(true))))

  it.effect("decide what is bought, and the claim says that its price was changed", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeOverlays, named("contract", { requirements: typeIn("large"), priceAdjustment: "-90%" }))
    yield* startProvisioner
    yield* given(Pods, pending("a"))
    yield* pass(2)
    const [claim] = yield* claims
    assert.strictEqual(claim?.metadata.annotations?.[annotation.priceOverlayApplied], "true")
    assert.isUndefined(claim?.metadata.annotations?.[annotation.capacityOverlayApplied])
    const [coming] = yield* clusterNodes
    assert.strictEqual(coming?.labels[label.instanceType], "large")
  }).pipe(Effect.provide(overlaid(true))))

  it.effect("have the resources that pods ask for, also while the node is on its way", () => Effect.gen(function*() {
    yield* givenBasics
    yield* startProvisioner
    yield* given(Pods, pending("a", asking({ cpu: "100m", "example.com/fuse": "1" })))
    yield* pass(2)
    assert.lengthOf(yield* claims, 0)
    yield* given(NodeOverlays, named("fuse", { capacity: { "example.com/fuse": "10" } }))
    yield* pass(12)
    assert.lengthOf(yield* claims, 1)
    assert.strictEqual((yield* claims)[0]?.metadata.annotations?.[annotation.capacityOverlayApplied], "true")
    yield* given(Pods, pending("b", asking({ cpu: "100m", "example.com/fuse": "1" })))
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(overlaid(true))))

  it.effect("are the cloud's own while the gate is off, whatever overlays there are", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* givenBasics
    yield* given(NodeOverlays, named("a", { price: "1" }))
    yield* start
    yield* pass(5)
    assert.strictEqual(yield* types, cloud.types)
    assert.deepStrictEqual(cloud.types, [small, medium, large, huge])
    assert.isUndefined(yield* condition("a"))
  }).pipe(Effect.provide(overlaid(false))))
})
