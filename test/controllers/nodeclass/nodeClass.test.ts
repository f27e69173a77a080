import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nodeClassHash, nodeClassHashVersion } from "../../../src/apis/hash.ts"
import { annotation, finalizer } from "../../../src/apis/labels.ts"
import { nodeClassHashing } from "../../../src/controllers/nodeclass/hash.ts"
import { nodeClassController } from "../../../src/controllers/nodeclass/nodeClass.ts"
import { Kube } from "../../../src/kube/kube.ts"
import {
  all, eventsOf, FakeCloud, given, LinodeNodeClasses, machine, NodeClaims, nodeClass, nodePool, NodePools, pass, settle, world
} from "../../cluster/world.ts"

const start = Effect.forkScoped(nodeClassController).pipe(Effect.andThen(settle))
const fresh = { metadata: { name: "default" }, spec: {} }
const only = Effect.map(all(LinodeNodeClasses), (found) => found[0]!)
const condition = (type: string) => Effect.map(only, (one) => one.status?.conditions?.find((each) => each.type === type))

describe("a LinodeNodeClass", () => {
  it.effect("gets its finalizer and is ready when the cloud finds nothing wrong", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, fresh)
    yield* start
    assert.deepStrictEqual((yield* only).metadata.finalizers, [finalizer.nodeClass])
    for (const type of ["ValidationSucceeded", "Ready"]) assert.strictEqual((yield* condition(type))?.status, "True")
  }).pipe(Effect.provide(world)))

  it.effect("says every field that is wrong, touches nothing else, and is looked at again", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.issues = [
      { field: "spec.lkeK8sVersion", reason: "LKEK8sVersionUnsupported", message: "only for LKE Enterprise" },
      { field: "spec.tags[0]", reason: "TagValidationFailed", message: "Name is reserved" }
    ]
    const before = yield* given(LinodeNodeClasses, { ...fresh, spec: { tags: ["Name=x"] } })
    yield* start
    assert.deepInclude(yield* condition("ValidationSucceeded"), {
      status: "False",
      reason: "LKEK8sVersionUnsupported",
      message: "spec.lkeK8sVersion: only for LKE Enterprise; spec.tags[0]: Name is reserved"
    })
    assert.strictEqual((yield* condition("Ready"))?.status, "False")
    assert.deepStrictEqual((yield* only).spec, before.spec)
    const [event] = (yield* eventsOf("ValidationSucceeded")).filter((one) => one.type === "Warning")
    assert.include(event?.message, "LKEK8sVersionUnsupported")
    cloud.issues = []
    yield* pass(60)
    assert.strictEqual((yield* condition("Ready"))?.status, "True")
  }).pipe(Effect.provide(world)))

  it.effect("lists the image that it names as Linode has it, for as long as it names one, and writes it once", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.images = [{ id: "linode/debian9", label: "Debian 9", deprecated: true }]
    yield* given(LinodeNodeClasses, { ...fresh, spec: { image: "linode/debian9" } })
    yield* start
    assert.deepStrictEqual((yield* only).status?.linodeImages, [{ id: "linode/debian9", label: "Debian 9", deprecated: true }])
    assert.strictEqual((yield* condition("Ready"))?.status, "True")
    const { resourceVersion } = (yield* only).metadata
    yield* pass(1200)
    assert.strictEqual((yield* only).metadata.resourceVersion, resourceVersion)
    cloud.images = []
    yield* pass(660)
    assert.isUndefined((yield* only).status?.linodeImages)
  }).pipe(Effect.provide(world)))

  it.effect("that nothing uses goes at once when it is deleted", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* given(LinodeNodeClasses, fresh)
    yield* start
    yield* kube.delete(LinodeNodeClasses, { name: "default" })
    yield* settle
    assert.lengthOf(yield* all(LinodeNodeClasses), 0)
  }).pipe(Effect.provide(world)))

  it.effect("waits for its NodeClaims when it is deleted, names them, and goes with the last", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* given(LinodeNodeClasses, fresh)
    for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
      const { claim } = machine(name)
      yield* given(NodeClaims, { ...claim, metadata: { name } })
    }
    yield* start
    yield* kube.delete(LinodeNodeClasses, { name: "default" })
    yield* settle
    const [event] = yield* eventsOf("WaitingOnNodeClaimTermination")
    assert.strictEqual(event?.message, "Waiting on NodeClaim termination for a, b, c, d, e and 2 other(s)")
    for (const claim of yield* all(NodeClaims)) yield* kube.delete(NodeClaims, claim.metadata)
    yield* settle
    assert.lengthOf(yield* all(LinodeNodeClasses), 0)
  }).pipe(Effect.provide(world)))

  it.effect("keeps its hash, which its tags do not change", () => Effect.gen(function*() {
    const kube = yield* Kube
    const made = yield* given(LinodeNodeClasses, nodeClass("default", { firewallID: 1 }))
    yield* given(NodePools, nodePool())
    const { claim } = machine("a")
    const annotations = { [annotation.nodeClassHash]: "1", [annotation.nodeClassHashVersion]: "v1alpha1" }
    yield* given(NodeClaims, { ...claim, metadata: { ...claim.metadata, annotations } })
    yield* Effect.forkScoped(nodeClassHashing)
    yield* settle
    const expected = {
      [annotation.nodeClassHash]: nodeClassHash(made.spec), [annotation.nodeClassHashVersion]: nodeClassHashVersion
    }
    assert.deepInclude((yield* only).metadata.annotations, expected)
    assert.deepInclude((yield* all(NodeClaims))[0]?.metadata.annotations, expected)
    yield* kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { tags: ["team=a"] } }, { kind: "merge" })
    yield* settle
    assert.deepInclude((yield* only).metadata.annotations, expected)
    yield* kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { firewallID: 2 } }, { kind: "merge" })
    yield* settle
    assert.notStrictEqual((yield* only).metadata.annotations?.[annotation.nodeClassHash], expected[annotation.nodeClassHash])
  }).pipe(Effect.provide(world)))
})
