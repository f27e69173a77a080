import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { label } from "../../src/apis/labels.ts"
import { NodeOverlays } from "../../src/apis/nodeOverlay.ts"
import type { NodeOverlay } from "../../src/apis/nodeOverlay.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import * as overlays from "../../src/cloud/overlays.ts"
import { CacheFeatures } from "../../src/kube/cacheLayer.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import { defaultFeatureGates } from "../../src/settings/featureGates.ts"
import { nodePool } from "../house/objects.ts"
import * as world from "./lkeWorld.ts"

const { addClaims, alive, createAll, play, setUp } = world

const program = overlays.layer.pipe(
  Layer.provideMerge(world.settings({ featureGates: { ...defaultFeatureGates, NodeOverlay: true } })),
  Layer.provideMerge(world.program),
  Layer.provide(Layer.succeed(CacheFeatures, { nodeOverlays: true, capacityBuffers: false }))
)

const types = ["g6-standard-2", "g6-standard-4"]
const add = (name: string, spec: Partial<NodeOverlay["spec"]>) => Kube.use((kube) => kube.create(NodeOverlays, {
  apiVersion: "karpenter.sh/v1alpha1", kind: "NodeOverlay", metadata: { name }, spec: { requirements: [], ...spec }
}))

/** Machines of claims that allow both types, bought under overlays. */
const buy = (...given: ReadonlyArray<ReturnType<typeof add>>) => Effect.scoped(Effect.gen(function*() {
  yield* setUp()
  yield* Kube.use((kube) => kube.create(NodePools, nodePool({ name: "general" })))
  for (const overlay of given) yield* overlay
  const claims = yield* addClaims(["a"], { types })
  const context = yield* play(Layer.build(program))
  return yield* Effect.gen(function*() {
    yield* play((yield* Caches).synced)
    return yield* play(createAll(yield* CloudProvider, claims))
  }).pipe(Effect.provide(context))
}))

describe("a launch under NodeOverlays", () => {
  it.effect("buys the cheapest type by the prices that the NodePool sees", () => Effect.gen(function*() {
    const requirements = [{ key: label.instanceType, operator: "In" as const, values: ["g6-standard-4"] }]
    const [machine] = yield* buy(add("contract", { requirements, price: "0.001" }))
    assert.strictEqual(machine?.labels[label.instanceType], "g6-standard-4")
    assert.deepStrictEqual((yield* alive).map(({ type }) => type), ["g6-standard-4"])
  }).pipe(Effect.provide(world.outside())))

  it.effect("goes by Linode's prices where an overlay is for another NodePool", () => Effect.gen(function*() {
    const requirements = [{ key: label.nodePool, operator: "In" as const, values: ["other"] }]
    const [machine] = yield* buy(add("contract", { requirements, priceAdjustment: "-100%" }))
    assert.strictEqual(machine?.labels[label.instanceType], "g6-standard-2")
  }).pipe(Effect.provide(world.outside())))

  it.effect("gives a machine the resources that an overlay adds to its type", () => Effect.gen(function*() {
    const [machine] = yield* buy(add("fuse", { capacity: { "example.com/fuse": "10" } }))
    assert.strictEqual(machine?.capacity["example.com/fuse"], "10")
    assert.strictEqual(machine?.allocatable["example.com/fuse"], "10")
  }).pipe(Effect.provide(world.outside())))
})
