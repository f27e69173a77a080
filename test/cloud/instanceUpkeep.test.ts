import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, label } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { Kube } from "../../src/kube/kube.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./instanceWorld.ts"

const { addClaims, alive, changes, createAll, during, everBought, getClaim, nodeClass, numbered, play, setUp } = world

describe("two programs that both believe to lead", () => {
  it.effect("buy one Linode for each claim between them, and give it back together", () => Effect.gen(function*() {
    yield* setUp()
    const names = numbered("claim", 8)
    const claims = yield* addClaims(names)
    yield* during((one) => during((two) => Effect.gen(function*() {
      const made = yield* play(Effect.all([createAll(one, claims), createAll(two, claims)], { concurrency: 2 }))
      assert.deepStrictEqual(made[0].map(({ providerID }) => providerID), made[1].map(({ providerID }) => providerID))
      assert.strictEqual((yield* everBought).length, names.length)
      yield* play(Effect.all([world.deleteAll(one, names), world.deleteAll(two, names)], { concurrency: 2 }))
    })))
    assert.deepStrictEqual(yield* alive, [])
  }).pipe(Effect.provide(world.outside())))
})

describe("the tags of a class", () => {
  it.effect("are written where they differ, and not again", () => Effect.gen(function*() {
    const made = yield* setUp({ tags: ["team=a"] })
    const claims = yield* addClaims(["a", "b"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const before = (yield* changes).length
      yield* play(cloud.retag(made))
      assert.strictEqual((yield* changes).length, before)
      const edited = { ...made, spec: { tags: ["team=b"] } }
      yield* play(cloud.retag(edited))
      yield* play(cloud.retag(edited))
      assert.deepStrictEqual((yield* changes).slice(before), ["PUT /linode/instances/{id}", "PUT /linode/instances/{id}"])
      for (const { tags } of yield* alive) {
        assert.include(tags, "team=b")
        assert.notInclude(tags, "team=a")
      }
      assert.strictEqual((yield* getClaim("a")).metadata.annotations?.[annotation.lastAppliedUserTags], "[\"team=b\"]")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are those of the last edit, though Linode's list is older than the edit before", () => Effect.gen(function*() {
    const made = yield* setUp({ tags: ["team=a"] })
    const claims = yield* addClaims(["a", "b"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const [first] = yield* alive
      const renewLists = (yield* LinodeSimulator).cloud.ageLists()
      first!.tags = [...first!.tags, "by=hand"]
      yield* play(cloud.retag({ ...made, spec: { tags: ["team=b"] } }))
      for (const { tags } of yield* alive) assert.include(tags, "team=b")
      yield* play(cloud.retag(made))
      renewLists()
      for (const { tags } of yield* alive) {
        assert.include(tags, "team=a")
        assert.notInclude(tags, "team=b")
      }
      assert.include(first!.tags, "by=hand", "what somebody added meanwhile stays")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("reach a machine that is too new to be listed", () => Effect.gen(function*() {
    const made = yield* setUp({ tags: ["team=a"] })
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      const renewLists = (yield* LinodeSimulator).cloud.ageLists()
      yield* play(createAll(cloud, claims))
      yield* play(cloud.retag({ ...made, spec: { tags: ["team=b"] } }))
      renewLists()
      const [bought] = yield* alive
      assert.include(bought!.tags, "team=b")
      assert.notInclude(bought!.tags, "team=a")
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("cost one list where all is as it is to be", () => Effect.gen(function*() {
    const made = yield* setUp({ tags: ["team=a"] })
    const claims = yield* addClaims(numbered("claim", 8))
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const before = (yield* world.requests).length
      yield* play(cloud.retag(made))
      assert.deepStrictEqual((yield* world.requests).slice(before), ["GET /linode/instances"])
    }))
  }).pipe(Effect.provide(world.outside())))

  it.effect("are written at the next look where Linode did not take them", () => Effect.gen(function*() {
    const made = yield* setUp({ tags: ["team=a"] })
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const edited = { ...made, spec: { tags: [] } }
      ;(yield* LinodeSimulator).api.faults.on("PUT /linode/instances/{id}", { kind: "lost", acts: false })
      const error = yield* play(Effect.flip(cloud.retag(edited)))
      assert.strictEqual(error.reason._tag, "CloudUnavailable")
      assert.strictEqual((yield* getClaim("a")).metadata.annotations?.[annotation.lastAppliedUserTags], "[\"team=a\"]")
      yield* play(cloud.retag(edited))
    }))
    assert.notInclude((yield* alive)[0]!.tags, "team=a")
    assert.isUndefined((yield* getClaim("a")).metadata.annotations?.[annotation.lastAppliedUserTags])
  }).pipe(Effect.provide(world.outside())))
})

describe("a class", () => {
  it.effect("is checked against what Linode has, with the image that it would get where it names none", () =>
    during((cloud) => Effect.gen(function*() {
      const plain = yield* play(cloud.validate(nodeClass()))
      assert.deepStrictEqual(plain, { issues: [], images: [{ id: "linode/ubuntu22.04", label: "ubuntu22.04" }] })
      const { issues } = yield* play(cloud.validate(nodeClass({ image: "private/1", firewallID: 9, placementGroup: { id: 4 }, vpcID: 3 })))
      assert.deepStrictEqual(issues.map(({ reason }) => reason), ["FieldNotSupported", "FirewallNotFound", "ImageNotFound", "PlacementGroupNotFound"])
    })).pipe(Effect.provide(world.outside({ firewalls: [3] }))))

  it.effect("that is edited makes its machines drift, but for its tags", () => Effect.gen(function*() {
    const kube = yield* Kube
    const made = yield* setUp()
    const claims = yield* addClaims(["a"])
    yield* during((cloud) => Effect.gen(function*() {
      yield* play(createAll(cloud, claims))
      const claim = yield* getClaim("a")
      const { annotations = {} } = claim.metadata
      const stamp = (hash: string) => kube.patch(LinodeNodeClasses, { name: made.metadata.name }, {
        metadata: { annotations: { [annotation.nodeClassHash]: hash, [annotation.nodeClassHashVersion]: annotations[annotation.nodeClassHashVersion] } }
      }, { kind: "merge" })
      yield* stamp(annotations[annotation.nodeClassHash]!)
      yield* play(Effect.sleep("1 second"))
      assert.isUndefined(yield* cloud.drifted(claim))
      yield* stamp("1")
      yield* play(Effect.sleep("1 second"))
      assert.strictEqual(yield* cloud.drifted(claim), "NodeClassDrift")
    }))
  }).pipe(Effect.provide(world.outside())))
})

describe("what may be bought", () => {
  it.effect("is in the cluster's region, and has room for a boot disk and swap beside its volumes", () =>
    during((cloud) => Effect.gen(function*() {
      const types = yield* cloud.instanceTypes({
        metadata: { name: "general" },
        spec: { template: { spec: { nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" }, requirements: [] } } }
      })
      const small = types.find(({ name }) => name === "g6-standard-2")
      assert.strictEqual(small?.labels?.[label.region], world.region)
      assert.deepStrictEqual(small?.volumeLimits, { "linodebs.csi.linode.com": 6 })
    })).pipe(Effect.provide(world.outside())))

  it.effect("is interrupted by what Linode announces for a machine", () => Effect.gen(function*() {
    yield* setUp()
    const claims = yield* addClaims(["a"])
    const { cloud: linode } = yield* LinodeSimulator
    yield* during((cloud) => Effect.gen(function*() {
      const [machine] = yield* play(createAll(cloud, claims))
      linode.power.planMaintenance((yield* alive)[0]!, { type: "reboot", after: 3_600_000 })
      assert.deepStrictEqual((yield* play(cloud.interruptions)).map(({ providerID }) => providerID), [machine!.providerID])
    }))
  }).pipe(Effect.provide(world.outside())))
})
