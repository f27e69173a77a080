import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation } from "../../../src/apis/labels.ts"
import { nodeClassInPlaceUpdate } from "../../../src/controllers/nodeclass/inPlaceUpdate.ts"
import { Kube } from "../../../src/kube/kube.ts"
import {
  FakeCloud, given, givenMachine, isTrue, LinodeNodeClasses, machine, NodeClaims, nodeClass, nodePool, NodePools, pass, settle, world
} from "../../cluster/world.ts"

const start = Effect.forkScoped(nodeClassInPlaceUpdate).pipe(Effect.andThen(settle))
const setTags = (tags: ReadonlyArray<string>) => Kube.use((kube) =>
  kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { tags } }, { kind: "merge" }))

describe("the tags of a LinodeNodeClass", () => {
  it.effect("are written to its machines when they change, and when a machine comes", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* given(NodePools, nodePool())
    yield* given(LinodeNodeClasses, nodeClass("default", { tags: ["team=a"] }))
    yield* givenMachine("a")
    yield* start
    assert.deepStrictEqual(cloud.retagged, ["default"])
    yield* pass(120)
    assert.deepStrictEqual(cloud.retagged, ["default"], "nothing has changed")
    yield* setTags(["team=b"])
    yield* pass(15)
    assert.lengthOf(cloud.retagged, 2)
    for (const name of ["b", "c", "d", "e"]) {
      yield* givenMachine(name)
      yield* pass(1)
    }
    yield* pass(15)
    assert.lengthOf(cloud.retagged, 4, "the first at once, those that follow it together")
  }).pipe(Effect.provide(world)))

  it.effect("cost nothing where there are none, unless there were some", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* given(LinodeNodeClasses, nodeClass())
    yield* givenMachine("a")
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(cloud.retagged, [])
    const { claim } = machine("b")
    const annotations = { [annotation.lastAppliedUserTags]: `["team=a"]` }
    yield* given(NodeClaims, { ...claim, metadata: { ...claim.metadata, annotations } })
    yield* pass(15)
    assert.deepStrictEqual(cloud.retagged, ["default"])
  }).pipe(Effect.provide(world)))

  it.effect("are not written where the class is not valid", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const invalid = { ...isTrue("ValidationSucceeded"), status: "False" as const, reason: "TagValidationFailed" }
    yield* given(LinodeNodeClasses, { ...nodeClass("default", { tags: ["Name=x"] }), status: { conditions: [invalid] } })
    yield* givenMachine("a")
    yield* start
    yield* pass(30)
    assert.deepStrictEqual(cloud.retagged, [])
  }).pipe(Effect.provide(world)))
})
