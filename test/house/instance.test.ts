/** Instance mode, as a user sees it: pods come and go, and so do the Linodes under them, which join by themselves. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, disruptedTaint, label, sameTaint, unregisteredTaint } from "../../src/apis/labels.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { life } from "./house.ts"
import type { House } from "./house.ts"

const ours = ({ nodes }: House) => nodes().filter(({ spec }) => !(spec?.taints ?? []).some((taint) => sameTaint(taint, disruptedTaint)))

describe("a cluster whose machines are Linodes of their own", () => {
  it("gets them as pods need them, and gives them back", life({ mode: "instance" }, function*(house) {
    house.start()
    yield* house.scale(7)
    yield* house.settled(7)
    house.sound()
    for (const { metadata, spec } of ours(house)) {
      assert.strictEqual(metadata.labels?.[label.registered], "true")
      assert.match(spec?.providerID ?? "", /^linode:\/\/\d+$/)
      assert.isFalse((spec?.taints ?? []).some((taint) => sameTaint(taint, unregisteredTaint)))
      assert.isUndefined(metadata.annotations?.[annotation.instanceIntent])
    }
    yield* house.scale(2)
    yield* house.settled(2)
    yield* house.scale(0)
    yield* house.empty()
    house.thrifty()
    assert.isTrue(house.changes().every((change) => /^(POST|DELETE) \/linode\/instances/.test(change)))
  }), 60_000)

  it("has them replaced when their class is edited, by others made of it as it is", life({ mode: "instance" }, function*(house) {
    house.start()
    yield* house.scale(3)
    yield* house.settled(3)
    const before = new Set(house.alive().map(({ node }) => node))
    yield* house.kube.patch(LinodeNodeClasses, { name: "default" }, { spec: { image: "linode/debian13" } }, { kind: "merge" })
    yield* house.wait("the machines to be replaced", () => house.alive().every(({ node }) => !before.has(node)), "60 minutes")
    yield* house.settled(3)
    house.sound()
    assert.isTrue([...house.cloud.instances.values()].filter(({ clusterId }) => clusterId === undefined).every(({ image }) => image === "linode/debian13"))
  }), 60_000)

  it("loses none and keeps none when the controller is killed again and again", life({ mode: "instance" }, function*(house) {
    for (const replicas of [4, 8, 1, 6]) {
      const controller = house.start()
      yield* house.scale(replicas)
      yield* Effect.sleep(replicas * 5_000)
      controller.kill()
    }
    house.start()
    yield* house.settled(6)
    house.sound()
    yield* house.scale(0)
    yield* house.empty()
  }), 60_000)

  it("gives a machine back that nobody owns, and replaces one that was deleted by hand", life({ mode: "instance" }, function*(house) {
    house.start()
    yield* house.scale(2)
    yield* house.settled(2)
    const [lost] = house.alive()
    const instance = [...house.cloud.instances.values()].find(({ label: called }) => called === lost?.name)!
    house.cloud.deleteInstance(instance)
    yield* house.wait("the loss to be noticed", () => house.claims().every(({ status }) => status?.nodeName !== lost?.name), "30 minutes")
    yield* house.settled(2)
    const [forgotten] = house.claims()
    yield* house.kube.delete(NodeClaims, forgotten!.metadata)
    yield* house.kube.patch(NodeClaims, forgotten!.metadata, { metadata: { finalizers: null } }, { kind: "merge" })
    assert.isTrue(house.alive().some(({ name }) => name === forgotten!.status?.nodeName))
    yield* house.wait("the forgotten machine to go", () => house.alive().every(({ name }) => name !== forgotten!.status?.nodeName), "30 minutes")
    yield* house.settled(2)
    house.sound()
  }), 60_000)
})
