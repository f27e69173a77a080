import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { annotation, label } from "../../../src/apis/labels.ts"
import { nodePoolHashVersion } from "../../../src/apis/hash.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { LinodeNodeClasses } from "../../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../../src/apis/linodeNodeClass.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { nodeClassDrift } from "../../../src/cloud/nodeClass.ts"
import { nodeClaimDisruption } from "../../../src/controllers/nodeclaim/disruption.ts"
import { driftOf, isUnsold } from "../../../src/controllers/nodeclaim/drift.ts"
import { nodeClaimLifecycle } from "../../../src/controllers/nodeclaim/lifecycle.ts"
import { nodeClassHashing } from "../../../src/controllers/nodeclass/hash.ts"
import { nodePoolHashing } from "../../../src/controllers/nodepool/hash.ts"
import { Kube } from "../../../src/kube/kube.ts"
import type { InstanceType } from "../../../src/scheduling/problem.ts"
import {
  claimNamed, condition, createClaim, createNode, createPool, eventsOn, FakeCloud, inWorld, nodeOf, poolNamed, seconds, statusOf
} from "./support.ts"

const type = (changes: Partial<InstanceType> = {}): InstanceType => ({
  name: "g6-standard-2",
  capacity: { cpu: "2", memory: "4Gi" },
  offerings: [{ zone: "us-ord", capacityType: "on-demand", price: 0.036 }],
  ...changes
})

const hashed = (hash: string, version = nodePoolHashVersion) =>
  ({ [annotation.nodePoolHash]: hash, [annotation.nodePoolHashVersion]: version })
const pool = (annotations: Record<string, string>, requirements: NodePool["spec"]["template"]["spec"]["requirements"] = []) => ({
  ...poolNamed("default", undefined),
  metadata: { name: "default", annotations },
  spec: { template: { spec: { ...poolNamed("default", undefined).spec.template.spec, requirements } } }
})
const made = (annotations: Record<string, string>, labels: Record<string, string> = {}): NodeClaim =>
  claimNamed("a", {}, { annotations, labels })

describe("what drift is", () => {
  it.each([
    ["hashes that differ", hashed("1"), hashed("2"), "NodePoolDrifted"],
    ["hashes that are equal", hashed("1"), hashed("1"), undefined],
    ["hashes of different versions", hashed("1", "v3"), hashed("2"), undefined],
    ["a claim without a hash", {}, hashed("2"), undefined],
    ["a NodePool without a hash", hashed("1"), {}, undefined]
  ])("%s", (_, claim, now, expected) => {
    assert.strictEqual(driftOf(made(claim), pool(now)), expected)
  })

  const zone = (operator: "In" | "NotIn" | "Exists" | "DoesNotExist", values?: ReadonlyArray<string>) =>
    [{ key: label.zone, operator, ...(values === undefined ? {} : { values }) }]
  it.each([
    ["a requirement that the node meets", zone("In", ["us-ord", "us-sea"]), { [label.zone]: "us-ord" }, undefined],
    ["a requirement that it does not meet", zone("In", ["us-sea"]), { [label.zone]: "us-ord" }, "RequirementsDrifted"],
    ["an excluded value", zone("NotIn", ["us-ord"]), { [label.zone]: "us-ord" }, "RequirementsDrifted"],
    ["a label that has to be there and is not", zone("Exists"), {}, "RequirementsDrifted"],
    ["a label that must not be there and is not", zone("DoesNotExist"), {}, undefined],
    ["a label under its old name", [{ key: "failure-domain.beta.kubernetes.io/zone", operator: "In" as const, values: ["us-ord"] }],
      { [label.zone]: "us-ord" }, undefined]
  ])("%s", (_, requirements, labels, expected) => {
    assert.strictEqual(driftOf(made({}, labels), pool({}, requirements)), expected)
  })

  const bought = { [label.instanceType]: "g6-standard-2", [label.zone]: "us-ord", [label.capacityType]: "on-demand" }
  const reserved = { ...bought, [label.capacityType]: "reserved" }
  const sold = (zoneName: string, available = true) => [type({
    offerings: [{ zone: zoneName, capacityType: "on-demand", price: 1, available }]
  })]
  it.each([
    ["a type that is sold", bought, [type()], false],
    ["a type that is sold out for now", bought, sold("us-ord", false), false],
    ["a type that nobody sells", bought, [type({ name: "g6-standard-4" })], true],
    ["a type that is sold elsewhere only", bought, sold("us-sea"), true],
    ["a reservation that ended", reserved, [type()], false],
    ["a claim that does not say its zone", { [label.instanceType]: "g6-standard-2" }, [type()], false],
    ["an empty price list", bought, [], false]
  ])("%s", (_, labels, types, expected) => {
    assert.strictEqual(isUnsold(made({}, labels), types), expected)
  })

  const classHash = (hash: string, version: string) =>
    ({ [annotation.nodeClassHash]: hash, [annotation.nodeClassHashVersion]: version })
  it.each([
    ["another class", classHash("1", "a"), classHash("2", "a"), "NodeClassDrift"],
    ["the same class", classHash("1", "a"), classHash("1", "a"), undefined],
    ["another way of counting", classHash("1", "a"), classHash("2", "b"), undefined],
    ["no hash on the claim", {}, classHash("2", "a"), undefined],
    ["no class", classHash("1", "a"), undefined, undefined]
  ])("%s", (_, claim, now, expected) => {
    const nodeClass = now === undefined ? undefined : { metadata: { name: "default", annotations: now }, spec: {} }
    assert.strictEqual(nodeClassDrift(made(claim), nodeClass), expected)
  })
})

const drifted = Effect.map(condition("a", "Drifted"), (found) => found?.reason)
/** Claim `a` on a ready node of NodePool `default`, with everything at work that marks it. */
const running = Effect.gen(function*() {
  yield* createPool(poolNamed("default", undefined))
  yield* Effect.forkScoped(nodePoolHashing)
  yield* Effect.forkScoped(nodeClaimLifecycle)
  yield* Effect.forkScoped(nodeClaimDisruption)
  yield* seconds(1)
  const owner = yield* Kube.use((kube) => kube.get(NodePools, { name: "default" }))
  yield* createClaim(claimNamed("a", {}, { annotations: { ...owner.metadata.annotations } }))
  yield* seconds(1)
  yield* createNode(nodeOf("a", { spec: { providerID: "linode://a" } }))
  yield* seconds(2)
})
const editPool = (template: object) => Kube.use((kube) => kube.patch(NodePools, { name: "default" }, { spec: { template } }, { kind: "merge" }))

describe("the Drifted condition", () => {
  it.effect("follows the NodePool's template, there and back, and says so in an event", () => inWorld(Effect.gen(function*() {
    yield* running
    assert.isUndefined(yield* drifted)
    yield* editPool({ metadata: { labels: { team: "blue" } } })
    yield* seconds(2)
    assert.strictEqual(yield* drifted, "NodePoolDrifted")
    const [event] = (yield* eventsOn("a")).filter(({ reason }) => reason === "Drifted")
    assert.include(event?.message ?? "", "NodePoolDrifted")
    yield* editPool({ metadata: null })
    yield* seconds(2)
    assert.isUndefined(yield* statusOf("a", "Drifted"))
  })))

  it.effect("follows the NodePool's requirements", () => inWorld(Effect.gen(function*() {
    yield* running
    yield* editPool({ spec: { requirements: [{ key: label.zone, operator: "In", values: ["us-ord", "us-sea"] }] } })
    yield* seconds(2)
    assert.isUndefined(yield* drifted)
    yield* editPool({ spec: { requirements: [{ key: label.zone, operator: "In", values: ["us-sea"] }] } })
    yield* seconds(2)
    assert.strictEqual(yield* drifted, "RequirementsDrifted")
  })))

  it.effect("has the provider's own reason, asked again within five minutes", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* running
    cloud.drifted = "NodeClassDrift"
    yield* seconds(301)
    assert.strictEqual(yield* drifted, "NodeClassDrift")
  })))

  it.effect("asks for the type from an hour on, and every half hour while it is sold", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = [type()]
    yield* running
    const asked = () => cloud.calls.filter((call) => call === "types").length
    yield* seconds(3500)
    assert.strictEqual(asked(), 0)
    yield* seconds(600)
    assert.strictEqual(asked(), 1)
    cloud.types = [type({ name: "g7-premium-2" })]
    yield* seconds(1200)
    assert.isUndefined(yield* drifted)
    yield* seconds(900)
    assert.strictEqual(yield* drifted, "InstanceTypeNotFound")
    cloud.types = [type()]
    yield* seconds(310)
    assert.isUndefined(yield* drifted)
  })), 30_000)

  it.effect("is not for a claim that has no machine yet", () => inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.drifted = "NodeClassDrift"
    yield* createPool(poolNamed("default", undefined))
    yield* createClaim(claimNamed("a"))
    yield* Effect.forkScoped(nodeClaimDisruption)
    yield* seconds(2)
    assert.isUndefined(yield* drifted)
  })))

  it.effect("stays away when a cluster of the Go controller is taken over, whose hashes are counted otherwise", () =>
    inWorld(Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const nodeClass: LinodeNodeClass = {
      apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass",
      metadata: {
        name: "default",
        annotations: { [annotation.nodeClassHash]: "222", [annotation.nodeClassHashVersion]: "v1alpha1" }
      },
      spec: { image: "linode/ubuntu22.04" }
    }
    const before = poolNamed("default", undefined)
    yield* createPool({ ...before, metadata: { ...before.metadata, annotations: hashed("111", "v3") } })
    yield* Kube.use((kube) => kube.create(LinodeNodeClasses, nodeClass))
    cloud.machine = (claim) => ({
      nodeName: `lke1-${claim.metadata.name}`, providerID: `linode://${claim.metadata.name}`, labels: {}, annotations: {},
      capacity: {}, allocatable: {}, imageID: undefined
    })
    yield* Effect.scoped(Effect.gen(function*() {
      yield* Effect.forkScoped(nodeClaimLifecycle)
      yield* createClaim(claimNamed("a", {}, { annotations: { ...hashed("111", "v3"), ...nodeClass.metadata.annotations } }))
      yield* seconds(2)
    }))
    yield* Effect.forkScoped(nodeClaimDisruption)
    yield* Effect.forkScoped(nodePoolHashing)
    yield* Effect.forkScoped(nodeClassHashing)
    yield* seconds(3)
    const claim = yield* Kube.use((kube) => kube.get(NodeClaims, { name: "a" }))
    assert.strictEqual(claim.metadata.annotations?.[annotation.nodePoolHashVersion], nodePoolHashVersion)
    assert.isUndefined(yield* drifted)
    // From here on an edit is drift.
    yield* editPool({ metadata: { labels: { team: "blue" } } })
    yield* seconds(2)
    assert.strictEqual(yield* drifted, "NodePoolDrifted")
  })))
})
