import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, label, unregisteredTaint } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { CloudUnavailable } from "../../../src/cloud/cloudProvider.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import {
  claim, claimNamed, cloudError, counted, createClaim, createNode, deleteClaim, FakeCloud, inWorld, node, nodeOf, reasonsOn,
  seconds, statusOf
} from "./support.ts"

const running = Effect.forkScoped(nodeClaimLifecycle)
const deletions = Effect.map(FakeCloud, (cloud) => cloud.calls.filter((call) => call.startsWith("delete")).length)

describe("finalization", () => {
  it.effect("asks for the deletion of the machine every five seconds until it is proven gone", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* deleteClaim("a")
    yield* seconds(1)
    assert.strictEqual(yield* statusOf("a", "InstanceTerminating"), "True")
    yield* seconds(10)
    assert.isAtLeast(yield* deletions, 3)
    assert.isAtMost(yield* deletions, 4)
    assert.isDefined(yield* claim("a"))
    cloud.deletion = "gone"
    yield* seconds(6)
    assert.isUndefined(yield* claim("a"))
    assert.strictEqual(yield* counted("karpenter_nodeclaims_terminated_total"), 1)
    assert.strictEqual(yield* counted("karpenter_nodeclaims_instance_termination_duration_seconds_count"), 1)
  })))

  it.effect("asks for a claim that was never launched too: a call for it may be under way", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    for (let i = 0; i < 20; i++) cloud.answers.push(cloudError(new CloudUnavailable({})))
    cloud.deletions.push("terminating")
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* deleteClaim("a")
    yield* seconds(3)
    assert.isDefined(yield* claim("a"))
    yield* seconds(3)
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("keeps the claim for as long as Linode does not answer", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    cloud.deletions.push(...Array.from({ length: 3 }, () => cloudError(new CloudUnavailable({ retryAfterSeconds: 10 }))))
    yield* deleteClaim("a")
    yield* seconds(28)
    assert.isDefined(yield* claim("a"))
    yield* seconds(5)
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("deletes the node first, and touches the machine only when the node has gone", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* createNode(nodeOf("a"))
    yield* seconds(1)
    yield* deleteClaim("a")
    yield* seconds(60)
    assert.isDefined((yield* node("lke1-a"))?.metadata.deletionTimestamp)
    assert.strictEqual(yield* deletions, 0)
    yield* Kube.use((kube) => kube.patch(Nodes, { name: "lke1-a" },
      { metadata: { finalizers: null } }, { kind: "merge" }))
    yield* seconds(1)
    assert.isUndefined(yield* claim("a"))
  })))

  it.effect("lets a node that nobody registered keep the taint that keeps pods away, and go after its machine", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* createClaim(claimNamed("a"))
    yield* Kube.use((kube) =>
      kube.patch(NodeClaims, { name: "a" }, { status: { nodeName: "lke1-a" } }, { kind: "merge", subresource: "status" }))
    yield* createNode(nodeOf("a", { spec: { taints: [unregisteredTaint] } }))
    yield* deleteClaim("a")
    yield* running
    yield* seconds(30)
    const found = yield* node("lke1-a")
    assert.deepStrictEqual(found?.spec?.taints, [unregisteredTaint])
    assert.isUndefined(found?.metadata.deletionTimestamp)
    cloud.deletion = "gone"
    yield* seconds(10)
    assert.isUndefined(yield* claim("a"))
    assert.isUndefined(yield* node("lke1-a"))
  })))

  it.effect("drains a registered node even when the claim did not get to say that it is", () => inWorld(Effect.gen(function*() {
    yield* createClaim(claimNamed("a"))
    yield* Kube.use((kube) =>
      kube.patch(NodeClaims, { name: "a" }, { status: { nodeName: "lke1-a" } }, { kind: "merge", subresource: "status" }))
    yield* createNode(nodeOf("a", {
      metadata: { finalizers: ["karpenter.sh/termination"], labels: { [label.registered]: "true", [label.nodeClass]: "default" } }
    }))
    yield* deleteClaim("a")
    yield* running
    yield* seconds(5)
    assert.isDefined((yield* node("lke1-a"))?.metadata.deletionTimestamp)
    assert.isDefined(yield* claim("a"))
  })))

  it.effect("learns from the node which machine it is about, to ask for it when the node is given back", () => inWorld(Effect.gen(function*() {
    yield* createClaim(claimNamed("a"))
    yield* Kube.use((kube) =>
      kube.patch(NodeClaims, { name: "a" }, { status: { nodeName: "lke1-a" } }, { kind: "merge", subresource: "status" }))
    yield* createNode(nodeOf("a", {
      spec: { providerID: "linode://7" },
      metadata: { finalizers: ["karpenter.sh/termination"], labels: { [label.registered]: "true", [label.nodeClass]: "default" } }
    }))
    yield* deleteClaim("a")
    yield* running
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.status?.providerID, "linode://7")
  })))

  it.effect("does not delete a node of that name which is another machine", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(1)
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://another" } }))
    yield* seconds(1)
    yield* deleteClaim("a")
    yield* seconds(2)
    assert.isUndefined(yield* claim("a"))
    assert.isUndefined((yield* node("lke1-a"))?.metadata.deletionTimestamp)
  })))

  it.effect("writes the deadline of the claim's terminationGracePeriod, and leaves one that is there alone", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.deletion = "terminating"
    yield* running
    yield* createClaim(claimNamed("a", { terminationGracePeriod: "1h" }))
    yield* createClaim(claimNamed("b", { terminationGracePeriod: "1h" }, {
      annotations: { [annotation.terminationTimestamp]: "2026-03-01T12:30:00Z" }
    }))
    yield* createClaim(claimNamed("c", { terminationGracePeriod: "1h" }, {
      annotations: { [annotation.terminationTimestamp]: "tomorrow" }
    }))
    yield* seconds(1)
    yield* deleteClaim("a")
    yield* deleteClaim("b")
    yield* deleteClaim("c")
    yield* seconds(1)
    const deadline = Effect.fnUntraced(function*(name: string) {
      return (yield* claim(name))?.metadata.annotations?.[annotation.terminationTimestamp]
    })
    const deletedAt = Date.parse((yield* claim("a"))?.metadata.deletionTimestamp ?? "")
    assert.strictEqual(Date.parse((yield* deadline("a")) ?? ""), deletedAt + 3_600_000)
    assert.strictEqual(yield* deadline("b"), "2026-03-01T12:30:00Z")
    assert.strictEqual(yield* deadline("c"), yield* deadline("a"))
    assert.include(yield* reasonsOn("a"), "TerminationGracePeriodExpiring")
    assert.notInclude(yield* reasonsOn("b"), "TerminationGracePeriodExpiring")
  })))

  it.effect("buys nothing for a claim that is deleted while it is launched, and gives back what came of it", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.during = Effect.sleep("10 seconds")
    yield* running
    yield* createClaim(claimNamed("a"))
    yield* seconds(2)
    yield* deleteClaim("a")
    yield* seconds(15)
    assert.isUndefined(yield* claim("a"))
    assert.deepStrictEqual(cloud.calls, ["create a", "delete a"])
  })))
})
