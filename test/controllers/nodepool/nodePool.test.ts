import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nodePoolHash, nodePoolHashVersion } from "../../../src/apis/hash.ts"
import { annotation, label } from "../../../src/apis/labels.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { nodePoolCounter } from "../../../src/controllers/nodepool/counter.ts"
import { nodePoolHashing } from "../../../src/controllers/nodepool/hash.ts"
import { nodePoolReadiness } from "../../../src/controllers/nodepool/readiness.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Conflict, Denied } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import {
  all, eventsOf, given, givenBasics, givenMachine, isTrue, LinodeNodeClasses, machine, NodeClaims, nodeClass, nodePool, NodePools,
  pass, settle, world
} from "../../cluster/world.ts"

const unjudged = (...args: Parameters<typeof nodePool>): NodePool => {
  const { status: _, ...rest } = nodePool(...args)
  return rest
}

const only = Effect.map(all(NodePools), (found) => found[0]!)
const condition = (type: string) => Effect.map(only, (pool) => pool.status?.conditions?.find((one) => one.type === type))

describe("a NodePool's readiness", () => {
  const start = Effect.forkScoped(nodePoolReadiness).pipe(Effect.andThen(settle))

  it.effect("is true when it is valid and its node class is ready", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, unjudged())
    yield* start
    for (const type of ["ValidationSucceeded", "NodeClassReady", "Ready"]) {
      assert.strictEqual((yield* condition(type))?.status, "True")
    }
  }).pipe(Effect.provide(world)))

  it.effect("names a node class that does not exist, and follows it when it comes and goes", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* given(NodePools, unjudged())
    yield* start
    assert.deepInclude(yield* condition("NodeClassReady"), { status: "False", reason: "NodeClassNotFound" })
    assert.include((yield* condition("NodeClassReady"))?.message, "default")
    assert.strictEqual((yield* condition("Ready"))?.status, "False")
    yield* given(
      LinodeNodeClasses, { ...nodeClass(), metadata: { name: "default", finalizers: ["karpenter.k8s.linode/termination"] } }
    )
    yield* settle
    assert.strictEqual((yield* condition("Ready"))?.status, "True")
    yield* kube.delete(LinodeNodeClasses, { name: "default" })
    yield* settle
    assert.deepInclude(yield* condition("NodeClassReady"), { status: "False", reason: "NodeClassTerminating" })
  }).pipe(Effect.provide(world)))

  it.effect("takes over what its node class says is wrong", () => Effect.gen(function*() {
    const failed = {
      ...isTrue("Ready"), status: "False" as const, reason: "UnhealthyDependents", message: "ValidationSucceeded=False"
    }
    yield* given(LinodeNodeClasses, { ...nodeClass(), status: { conditions: [failed] } })
    yield* given(NodePools, unjudged())
    yield* start
    assert.deepInclude(
      yield* condition("NodeClassReady"), { status: "False", reason: "UnhealthyDependents", message: "ValidationSucceeded=False" }
    )
  }).pipe(Effect.provide(world)))

  it.effect("waits for a node class that is not judged yet", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, { metadata: { name: "default" }, spec: {} })
    yield* given(NodePools, unjudged())
    yield* start
    assert.deepInclude(yield* condition("NodeClassReady"), { status: "False", reason: "NodeClassReadinessUnknown" })
  }).pipe(Effect.provide(world)))

  it.effect("names field and reason of what is invalid, and touches nothing else", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    const taint = { key: "twice", effect: "NoSchedule" as const }
    const before = yield* given(NodePools, unjudged("default", {}, { taints: [taint], startupTaints: [taint] }))
    yield* given(NodePools, unjudged("fine"))
    yield* start
    const invalid = yield* condition("ValidationSucceeded")
    assert.deepInclude(invalid, { status: "False", reason: "NodePoolValidationFailed" })
    assert.include(invalid?.message, "spec.template.spec.startupTaints[0]")
    assert.strictEqual((yield* condition("NodeClassReady"))?.status, "True")
    const [after, fine] = yield* all(NodePools)
    assert.deepStrictEqual(after?.spec, before.spec)
    assert.strictEqual(after?.metadata.generation, before.metadata.generation)
    assert.isTrue(fine?.status?.conditions?.every((one) => one.status === "True"))
    const [event] = (yield* eventsOf("ValidationSucceeded")).filter((one) => one.type === "Warning")
    assert.include(event?.message, "NodePoolValidationFailed")
  }).pipe(Effect.provide(world)))

  it.effect("is written once, and again after a conflict", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, unjudged())
    yield* memory.inject({ verb: "patch", resource: NodePools, reason: new Conflict(), status: 409 })
    yield* start
    yield* pass(5)
    assert.strictEqual((yield* condition("Ready"))?.status, "True")
    assert.strictEqual(yield* memory.count("patch", NodePools), 2)
    yield* pass(60)
    assert.strictEqual(yield* memory.count("patch", NodePools), 2)
  }).pipe(Effect.provide(world)))

  it.effect("of another provider's pool is none of our business", () => Effect.gen(function*() {
    yield* given(
      NodePools, unjudged("default", {}, { nodeClassRef: { group: "karpenter.k8s.aws", kind: "EC2NodeClass", name: "x" } })
    )
    yield* start
    assert.isUndefined((yield* only).status)
  }).pipe(Effect.provide(world)))
})

describe("a NodePool's hash", () => {
  const start = Effect.forkScoped(nodePoolHashing).pipe(Effect.andThen(settle))
  const of = (name: string) => Effect.map(
    all(NodeClaims), (claims) => claims.find((claim) => claim.metadata.name === name)?.metadata.annotations ?? {}
  )

  it.effect("is kept on it, and changes with its template", () => Effect.gen(function*() {
    const kube = yield* Kube
    const pool = yield* given(NodePools, nodePool())
    yield* start
    assert.deepInclude((yield* only).metadata.annotations, {
      [annotation.nodePoolHash]: nodePoolHash(pool.spec.template), [annotation.nodePoolHashVersion]: nodePoolHashVersion
    })
    yield* kube.patch(
      NodePools, { name: "default" }, { spec: { template: { metadata: { labels: { new: "label" } } } } }, { kind: "merge" }
    )
    yield* settle
    const after = yield* only
    assert.strictEqual(after.metadata.annotations?.[annotation.nodePoolHash], nodePoolHash(after.spec.template))
    assert.notStrictEqual(after.metadata.annotations?.[annotation.nodePoolHash], nodePoolHash(pool.spec.template))
  }).pipe(Effect.provide(world)))

  it.effect("counted by another version is stamped anew on claims that did not drift", () => Effect.gen(function*() {
    const old = { [annotation.nodePoolHash]: "1", [annotation.nodePoolHashVersion]: "v3" }
    const pool = yield* given(NodePools, { ...nodePool(), metadata: { name: "default", annotations: old } })
    for (const [name, conditions] of [["plain", []], ["drifted", ["Drifted"]]] as const) {
      const { claim } = machine(name, { conditions })
      yield* given(NodeClaims, { ...claim, metadata: { ...claim.metadata, annotations: old } })
    }
    yield* start
    const hash = nodePoolHash(pool.spec.template)
    assert.deepInclude(
      yield* of("plain"), { [annotation.nodePoolHash]: hash, [annotation.nodePoolHashVersion]: nodePoolHashVersion }
    )
    assert.deepInclude(
      yield* of("drifted"), { [annotation.nodePoolHash]: "1", [annotation.nodePoolHashVersion]: nodePoolHashVersion }
    )
  }).pipe(Effect.provide(world)))

  it.effect("that changes with the template leaves the claims' hashes alone: they have drifted", () => Effect.gen(function*() {
    const current = { [annotation.nodePoolHash]: "1", [annotation.nodePoolHashVersion]: nodePoolHashVersion }
    yield* given(NodePools, { ...nodePool(), metadata: { name: "default", annotations: current } })
    const { claim } = machine("a")
    yield* given(NodeClaims, { ...claim, metadata: { ...claim.metadata, annotations: current } })
    yield* start
    assert.deepInclude(yield* of("a"), current)
    assert.notStrictEqual((yield* only).metadata.annotations?.[annotation.nodePoolHash], "1")
  }).pipe(Effect.provide(world)))
})

describe("a NodePool's counter", () => {
  it.effect("says what it has bought, zeros included, and writes only what changed", () => Effect.gen(function*() {
    const kube = yield* Kube
    const memory = yield* MemoryApiServer
    yield* givenBasics
    yield* Effect.forkScoped(nodePoolCounter)
    yield* settle
    assert.deepStrictEqual(
      (yield* only).status?.resources, { cpu: "0", memory: "0", pods: "0", "ephemeral-storage": "0", nodes: "0" }
    )
    yield* givenMachine("a")
    yield* givenMachine("b")
    yield* pass(5)
    assert.deepInclude((yield* only).status?.resources, { cpu: "8", memory: "16Gi", nodes: "2" })
    assert.strictEqual((yield* only).status?.nodes, 2)
    const writes = yield* memory.count("patch", NodePools)
    yield* pass(60)
    assert.strictEqual(yield* memory.count("patch", NodePools), writes)
    yield* kube.delete(NodeClaims, { name: "a" })
    yield* pass(5)
    assert.deepInclude((yield* only).status?.resources, { cpu: "4", nodes: "1" })
    assert.strictEqual((yield* only).status?.conditions?.length, 3)
  }).pipe(Effect.provide(world)))

  it.effect("goes on counting for the others where one cannot be written", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* givenBasics
    yield* given(NodePools, nodePool("other"))
    yield* memory.inject({ verb: "patch", resource: NodePools, name: "default", reason: new Denied(), status: 403, times: Infinity })
    yield* Effect.forkScoped(nodePoolCounter)
    yield* settle
    const counted = Effect.map(all(NodePools), (pools) => pools.map(({ metadata, status }) => [metadata.name, status?.resources?.["nodes"]]))
    assert.deepStrictEqual(yield* counted, [["default", undefined], ["other", "0"]])
    // It is tried again.
    yield* memory.heal
    yield* pass(5)
    assert.deepStrictEqual(yield* counted, [["default", "0"], ["other", "0"]])
  }).pipe(Effect.provide(world)))

  it.effect("forgets a resource that no machine has any more", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    const { claim } = machine("gpu")
    const capacity = { cpu: "4", "nvidia.com/gpu": "1" }
    yield* given(NodeClaims, {
      ...claim, metadata: { ...claim.metadata, labels: { [label.nodePool]: "default" } }, status: { ...claim.status, capacity }
    })
    yield* Effect.forkScoped(nodePoolCounter)
    yield* pass(5)
    assert.deepInclude((yield* only).status?.resources, { "nvidia.com/gpu": "1" })
    yield* kube.delete(NodeClaims, { name: "gpu" })
    yield* pass(5)
    assert.notProperty((yield* only).status?.resources, "nvidia.com/gpu")
  }).pipe(Effect.provide(world)))
})
