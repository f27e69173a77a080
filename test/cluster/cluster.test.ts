import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { disruptedTaint, label } from "../../src/apis/labels.ts"
import { Cluster } from "../../src/cluster/cluster.ts"
import type { StateNode } from "../../src/cluster/cluster.ts"
import { chargeOf, usageOf } from "../../src/cluster/usage.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { Node } from "../../src/kube/objects.ts"
import {
  FakeCloud, given, givenBasics, givenMachine, instanceType, isTrue, large, machine, medium, NodeClaims, Nodes, pod, Pods, settle,
  small, world
} from "./world.ts"

const nodes = Effect.andThen(settle, Cluster.use((cluster) => cluster.nodes))

const only = Effect.map(nodes, (found): StateNode => {
  assert.lengthOf(found, 1)
  return found[0]!
})

const claimOf = (types: ReadonlyArray<string>, requests: Readonly<Record<string, string>> = { cpu: "1" }) => {
  const { claim: { metadata, spec } } = machine("c")
  return {
    metadata: { ...metadata, labels: { [label.nodePool]: "default", team: "a" } },
    spec: {
      ...spec,
      requirements: [{ key: label.instanceType, operator: "In" as const, values: types }],
      resources: { requests },
      taints: [{ key: "team", effect: "NoSchedule" as const }],
      startupTaints: [{ key: "booting", effect: "NoExecute" as const }]
    }
  }
}

/** The Node of the claim `c` when it has just joined. */
const joining = (more: Partial<Node> = {}): Node => ({
  metadata: { name: "node-c", labels: { [label.hostname]: "node-c", joined: "yes" } },
  spec: { taints: [{
    key: "node.kubernetes.io/not-ready", effect: "NoSchedule"
  }, { key: "booting", effect: "NoExecute" }, { key: "own", effect: "NoSchedule" }] },
  status: { capacity: {
    cpu: "4", memory: "8Gi", pods: "110", "nvidia.com/gpu": "0"
  }, allocatable: { cpu: "3900m", memory: "7Gi", pods: "110" } },
  ...more
})

describe("a NodeClaim before Linode has answered", () => {
  it.effect("counts as the cheapest type that it allows, under its own name", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small", "large"]))
    const state = yield* only
    assert.strictEqual(state.name, "c")
    assert.deepInclude(state.capacity, { cpu: "2", memory: "4Gi", nodes: 1 })
    assert.strictEqual(state.allocatable["cpu"], "1900m")
    assert.deepInclude(state.labels, {
      team: "a", [label.instanceType]: "small", [label.zone]: "us-ord", [label.capacityType]: "on-demand", [label.hostname]: "c"
    })
    assert.deepStrictEqual(state.taints, [{ key: "team", effect: "NoSchedule" }])
    assert.isFalse(state.initialized)
  }).pipe(Effect.provide(world)))

  it.effect("counts as a type that is still sold when the cheapest is not", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = [{ ...small, offerings: small.offerings.map((one) => ({ ...one, available: false })) }, large]
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small", "large"]))
    assert.strictEqual((yield* only).labels[label.instanceType], "large")
  }).pipe(Effect.provide(world)))

  it.effect("counts as no type that is too small for what it asks", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small", "medium", "large"], { cpu: "3" }))
    assert.strictEqual((yield* only).labels[label.instanceType], "medium")
  }).pipe(Effect.provide(world)))

  it.effect("counts for what it asks where no catalogue is known", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = []
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small"], { cpu: "1500m" }))
    assert.deepStrictEqual((yield* only).allocatable, { cpu: "1500m" })
  }).pipe(Effect.provide(world)))
})

describe("a machine that joins", () => {
  const launched = () => ({
    ...claimOf(["medium"]),
    status: {
      nodeName: "node-c",
      capacity: { cpu: "4", memory: "8Gi", "nvidia.com/gpu": "1" },
      allocatable: { cpu: "3500m", memory: "7Gi", "nvidia.com/gpu": "1" },
      conditions: [isTrue("Launched")]
    }
  })

  it.effect("has its node's name and its claim's resources as soon as it is launched", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, launched())
    const state = yield* only
    assert.strictEqual(state.name, "node-c")
    assert.strictEqual(state.allocatable["cpu"], "3500m")
  }).pipe(Effect.provide(world)))

  it.effect("is one with its Node from the first moment, by name", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, launched())
    yield* given(Nodes, joining())
    const state = yield* only
    assert.isFalse(state.registered)
    assert.deepInclude(state.labels, { team: "a", [label.hostname]: "node-c" })
    assert.notProperty(state.labels, "joined")
    assert.deepStrictEqual(state.taints, [{ key: "team", effect: "NoSchedule" }])
    assert.deepInclude(state.allocatable, { cpu: "3900m", "nvidia.com/gpu": "1" })
    assert.strictEqual(state.capacity["nvidia.com/gpu"], "1")
  }).pipe(Effect.provide(world)))

  it.effect("loses only what a young node loses by itself once it is registered", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, launched())
    yield* given(Nodes, joining({ metadata: { name: "node-c", labels: { [label.registered]: "true", joined: "yes" } } }))
    const state = yield* only
    assert.deepStrictEqual(state.taints, [{ key: "own", effect: "NoSchedule" }])
    assert.strictEqual(state.labels["joined"], "yes")
    assert.isFalse(state.initialized)
  }).pipe(Effect.provide(world)))

  it.effect("is what its Node says once it is initialized", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, launched())
    yield* given(
      Nodes, joining({ metadata: { name: "node-c", labels: { [label.registered]: "true", [label.initialized]: "true" } } })
    )
    const state = yield* only
    assert.lengthOf(state.taints, 3)
    assert.notProperty(state.allocatable, "nvidia.com/gpu")
    assert.isTrue(state.initialized)
  }).pipe(Effect.provide(world)))

  it.effect("is not mistaken for another machine that has its name", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(NodeClaims, { ...launched(), status: { ...launched().status, providerID: "linode://1" } })
    yield* given(Nodes, joining({ spec: { providerID: "linode://2" } }))
    assert.lengthOf(yield* nodes, 2)
  }).pipe(Effect.provide(world)))
})

describe("what is said of a machine", () => {
  it.effect("includes the pods bound to it that have not ended", () => Effect.gen(function*() {
    yield* givenBasics
    yield* givenMachine("a")
    yield* given(Pods, pod("runs", { nodeName: "node-a" }))
    yield* given(Pods, { ...pod("ended", { nodeName: "node-a" }), status: { phase: "Succeeded" } })
    yield* given(Pods, pod("elsewhere", { nodeName: "node-b" }))
    assert.deepStrictEqual((yield* only).pods.map((one) => one.metadata.name), ["runs"])
  }).pipe(Effect.provide(world)))

  it.effect("is that it is going away when its claim or its Node is being deleted", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* givenMachine("a")
    yield* givenMachine("b")
    yield* givenMachine("c")
    yield* givenMachine("d", { conditions: ["InstanceTerminating"] })
    yield* kube.delete(NodeClaims, { name: "a" })
    yield* kube.delete(Nodes, { name: "node-b" })
    const marked = (yield* nodes).filter((node) => node.markedForDeletion)
    assert.deepStrictEqual(marked.map((node) => node.name), ["node-a", "node-b", "node-d"])
  }).pipe(Effect.provide(world)))

  it.effect("is that it is cordoned even where nothing made a taint of it", () => Effect.gen(function*() {
    yield* given(Nodes, { metadata: { name: "n" }, spec: { unschedulable: true, taints: [disruptedTaint] }, status: {} })
    assert.deepStrictEqual(
      (yield* only).taints, [disruptedTaint, { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }]
    )
  }).pipe(Effect.provide(world)))

  it.effect("is that it is ready and nobody's when there is no claim", () => Effect.gen(function*() {
    yield* given(Nodes, joining())
    const state = yield* only
    assert.deepInclude(state, { name: "node-c", claim: undefined, nodePool: undefined, registered: true, initialized: true })
    assert.lengthOf(state.taints, 3)
  }).pipe(Effect.provide(world)))

  it.effect("is nothing for claims of another provider", () => Effect.gen(function*() {
    const { claim } = machine("x")
    yield* given(NodeClaims, {
      ...claim, spec: { ...claim.spec, nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "x" } }
    })
    assert.lengthOf(yield* nodes, 0)
  }).pipe(Effect.provide(world)))

  it.effect("is that it is nominated until the window ends; a shorter one does not shorten it", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* givenBasics
    yield* givenMachine("a")
    yield* cluster.nominate("a", "20 seconds")
    yield* cluster.nominate("a", "1 second")
    yield* TestClock.adjust("19 seconds")
    assert.isTrue((yield* only).nominated)
    yield* TestClock.adjust("1 second")
    assert.isFalse((yield* only).nominated)
  }).pipe(Effect.provide(world)))
})

describe("a machine that was asked about before", () => {
  const twoMachines = Effect.gen(function*() {
    yield* givenBasics
    yield* givenMachine("a")
    yield* givenMachine("b")
    return yield* nodes
  })

  it.effect("is the same value as long as nothing of it changes, whatever other machines do", () => Effect.gen(function*() {
    const kube = yield* Kube
    const before = yield* twoMachines
    yield* kube.patch(Nodes, { name: "node-b" }, { metadata: { annotations: { beat: "1" } } }, { kind: "merge" })
    const after = yield* nodes
    assert.strictEqual(after[0], before[0])
    assert.deepStrictEqual(after.map(({ name }) => name), ["node-a", "node-b"])
    assert.strictEqual(after[1]?.annotations["beat"], "1")
    assert.strictEqual(after[1]?.claim, before[1]?.claim)
  }).pipe(Effect.provide(world)))

  it.effect("has the pods, the claim and the Node that it has now", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* twoMachines
    yield* given(Pods, pod("runs", { nodeName: "node-a" }))
    assert.deepStrictEqual((yield* nodes).map((node) => node.pods.length), [1, 0])
    yield* kube.patch(NodeClaims, { name: "a" }, { metadata: { labels: { [label.nodePool]: "other" } } }, { kind: "merge" })
    assert.deepStrictEqual((yield* nodes).map((node) => node.nodePool), ["other", "default"])
    yield* kube.delete(Nodes, { name: "node-b" })
    yield* kube.patch(Nodes, { name: "node-b" }, { metadata: { finalizers: null } }, { kind: "merge" })
    assert.deepStrictEqual((yield* nodes).map((node) => node.node?.metadata.name), ["node-a", undefined])
  }).pipe(Effect.provide(world)))

  it.effect("is nominated at once, and no longer than told", () => Effect.gen(function*() {
    const cluster = yield* Cluster
    yield* twoMachines
    yield* cluster.nominate("b", "10 seconds")
    assert.deepStrictEqual((yield* nodes).map((node) => node.nominated), [false, true])
    yield* TestClock.adjust("10 seconds")
    assert.deepStrictEqual((yield* nodes).map((node) => node.nominated), [false, false])
  }).pipe(Effect.provide(world)))
})

describe("what a NodePool has bought", () => {
  it.effect("is the capacity of its machines that stay, those on their way included", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* givenMachine("a")
    yield* givenMachine("b")
    yield* givenMachine("other", { nodePool: "another" })
    yield* given(NodeClaims, claimOf(["small"]))
    yield* kube.delete(NodeClaims, { name: "b" })
    assert.deepInclude(usageOf("default", yield* nodes), { cpu: "6", memory: "12Gi", nodes: "2" })
  }).pipe(Effect.provide(world)))
})

describe("what NodePool limits are charged", () => {
  const charged = Effect.map(nodes, (found) => chargeOf("default", found))

  it.effect("is of a claim on its way the most of any type that it may become, sold out or not", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = [small, instanceType("roomy", 2, 32, 0.06), instanceType("large", 8, 16, 0.144, false)]
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small", "roomy", "large"]))
    assert.deepInclude(yield* charged, { cpu: "8", memory: "32Gi", nodes: "1" })
    assert.deepInclude(usageOf("default", yield* nodes), { cpu: "2", memory: "4Gi", nodes: "1" })
  }).pipe(Effect.provide(world)))

  it.effect("is nothing for a type that is too small for the claim, or that it does not name", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = [instanceType("roomy", 2, 32, 0.06), medium, large]
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["roomy", "medium"], { cpu: "3" }))
    assert.deepInclude(yield* charged, { cpu: "4", memory: "8Gi", nodes: "1" })
  }).pipe(Effect.provide(world)))

  it.effect("is what Linode gave as soon as that is known, and what the Node has once it is ready", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small", "large"]))
    const { claim } = machine("c", { type: small })
    yield* kube.patch(NodeClaims, claim.metadata, { status: { ...claim.status, conditions: [isTrue("Launched")] } }, {
      kind: "merge", subresource: "status"
    })
    assert.deepInclude(yield* charged, { cpu: "2", memory: "4Gi", nodes: "1" })
    yield* givenMachine("ready")
    assert.deepInclude(yield* charged, { cpu: "6", memory: "12Gi", nodes: "2" })
  }).pipe(Effect.provide(world)))

  it.effect("is what the claim asks for where no catalogue is known", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = []
    yield* givenBasics
    yield* given(NodeClaims, claimOf(["small"], { cpu: "1500m" }))
    assert.deepStrictEqual(yield* charged, { cpu: "1500m", nodes: "1" })
  }).pipe(Effect.provide(world)))
})
