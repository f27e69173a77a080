import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { label } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { nodeHydration } from "../../../src/controllers/node/hydration.ts"
import { nodeClaimConsistency, shapeIssues } from "../../../src/controllers/nodeclaim/consistency.ts"
import { nodeClaimHydration } from "../../../src/controllers/nodeclaim/hydration.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import {
  claim, claimNamed, condition, createClaim, createNode, eventsOn, inWorld, node, nodeOf, seconds, setNodeStatus, statusOf
} from "./support.ts"

const requests = (amounts: Record<string, string>) => claimNamed("a", { resources: { requests: amounts } })

describe("the shape of a node", () => {
  const issues = (asked: Record<string, string>, bought: Record<string, string>, has: Record<string, string>) =>
    shapeIssues({ ...requests(asked), status: { capacity: bought } }, { ...nodeOf("a"), status: { capacity: has } })
  it.each([
    ["as it was bought", { memory: "1Gi" }, { memory: "4Gi" }, { memory: "4Gi" }, 0],
    ["a little less", { memory: "1Gi" }, { memory: "1000Mi" }, { memory: "900Mi" }, 0],
    ["much less", { memory: "1Gi" }, { memory: "1000Mi" }, { memory: "899Mi" }, 1],
    ["without a device", { "nvidia.com/gpu": "1" }, { "nvidia.com/gpu": "2" }, {}, 1],
    ["less of what nobody asked for", { cpu: "1" }, { cpu: "2", memory: "4Gi" }, { cpu: "2", memory: "1Gi" }, 0],
    ["less of what was asked for with zero", { memory: "0" }, { memory: "4Gi" }, { memory: "1Gi" }, 0],
    ["of which nothing was promised", { memory: "1Gi" }, { memory: "0" }, {}, 0]
  ])("%s", (_, asked, bought, has, expected) => {
    assert.strictEqual(issues(asked, bought, has).length, expected)
  })

  it("is told in words", () => {
    assert.deepStrictEqual(issues({ memory: "1Gi" }, { memory: "4Gi" }, { memory: "3Gi" }),
      ["expected 4Gi of resource memory, but found 3Gi (75.0% of expected)"])
  })
})

describe("the condition ConsistentStateFound", () => {
  const status = statusOf("a", "ConsistentStateFound")
  const running = Effect.gen(function*() {
    yield* Effect.forkScoped(nodeClaimLifecycle)
    yield* Effect.forkScoped(nodeClaimConsistency)
    yield* createClaim(requests({ memory: "1Gi" }))
    yield* seconds(1)
  })

  it.effect("is true for a node that is what was bought, and looked at again after ten minutes", () => inWorld(Effect.gen(function*() {
    yield* running
    assert.isUndefined(yield* status)
    yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
    yield* seconds(2)
    assert.strictEqual(yield* status, "True")
    yield* setNodeStatus("lke1-a", { capacity: { memory: "1Gi" } })
    yield* seconds(590)
    assert.strictEqual(yield* status, "True")
    yield* seconds(12)
    assert.deepInclude(yield* condition("a", "ConsistentStateFound"), { status: "False", reason: "ConsistencyCheckFailed" })
    const [event] = (yield* eventsOn("a")).filter(({ reason }) => reason === "FailedConsistencyCheck")
    assert.include(event?.message ?? "", "memory")
    yield* setNodeStatus("lke1-a", { capacity: { memory: "4Gi" } })
    yield* seconds(601)
    assert.strictEqual(yield* status, "True")
    assert.strictEqual(yield* statusOf("a", "Ready"), "True")
  })))
})

describe("hydration", () => {
  const unlabelled = { labels: { [label.nodePool]: "default" } }

  it.effect("gives a claim of ours the label of its class, and leaves others' alone", () => inWorld(Effect.gen(function*() {
    yield* Effect.forkScoped(nodeClaimHydration)
    yield* createClaim(claimNamed("a", {}, unlabelled))
    const foreign = { group: "karpenter.example.com", kind: "OtherNodeClass", name: "default" }
    yield* createClaim(claimNamed("b", { nodeClassRef: foreign }, unlabelled))
    yield* seconds(1)
    assert.strictEqual((yield* claim("a"))?.metadata.labels?.[label.nodeClass], "default")
    assert.strictEqual((yield* claim("a"))?.metadata.labels?.[label.nodePool], "default")
    assert.isUndefined((yield* claim("b"))?.metadata.labels?.[label.nodeClass])
  })))

  it.effect("gives a registered node the label of its claim's class", () => inWorld(Effect.gen(function*() {
    yield* Effect.forkScoped(nodeHydration)
    yield* createNode(nodeOf("a", { metadata: { labels: { [label.registered]: "true" } }, spec: { providerID: "linode://a" } }))
    yield* createNode(nodeOf("b", { metadata: { labels: { [label.registered]: "true" } } }))
    yield* createClaim(claimNamed("a"))
    yield* Kube.use((kube) => kube.patch(NodeClaims, { name: "a" }, { status: { providerID: "linode://a" } }, { kind: "merge", subresource: "status" }))
    yield* seconds(1)
    assert.strictEqual((yield* node("lke1-a"))?.metadata.labels?.[label.nodeClass], "default")
    assert.isUndefined((yield* node("lke1-b"))?.metadata.labels?.[label.nodeClass])
    yield* Kube.use((kube) => kube.patch(Nodes, { name: "lke1-a" }, { metadata: { labels: { [label.nodeClass]: null } } }, { kind: "merge" }))
    yield* seconds(1)
    assert.strictEqual((yield* node("lke1-a"))?.metadata.labels?.[label.nodeClass], "default")
  })))
})
