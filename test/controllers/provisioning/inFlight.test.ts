import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { label } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { ResourceList } from "../../../src/kube/objects.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { toMillis } from "../../../src/scheduling/index.ts"
import {
  all, asking, given, givenBasics, huge, isTrue, large, LinodeNodeClasses, medium, nodeClass, NodeClaims, nodePool, NodePools, pass,
  pending, Pods, small, world
} from "../../cluster/world.ts"
import { claims, start, typesOf } from "./support.ts"

/** What the lifecycle controller writes once Linode has answered. */
const launch = Effect.fnUntraced(function*(claim: NodeClaim, type = medium, more: Readonly<Record<string, string>> = {}) {
  const kube = yield* Kube
  const capacity = { ...type.capacity as Readonly<Record<string, string>>, ...more }
  const allocatable = { ...capacity, cpu: more["cpu"] ?? `${Number(capacity["cpu"]) * 1000 - 100}m` }
  yield* kube.patch(NodeClaims, claim.metadata, {
    metadata: { labels: { ...type.labels, [label.capacityType]: "on-demand" } }
  }, { kind: "merge" })
  return yield* kube.patch(NodeClaims, claim.metadata, {
    status: { nodeName: `lke-${claim.metadata.name}`, capacity, allocatable, conditions: [isTrue("Launched")] }
  }, { kind: "merge", subresource: "status" })
})

const cpus = (lists: ReadonlyArray<ResourceList | undefined>): number =>
  lists.reduce((total, list) => total + toMillis(list?.["cpu"] ?? 0) / 1000, 0)

/** What the claims have, and those of which Linode has not said it as the last type that they allow. */
const atMost = (found: ReadonlyArray<NodeClaim>): number => cpus(found.map((claim) =>
  claim.status?.capacity ?? [huge, large, medium, small].find(({ name }) => typesOf(claim).includes(name))?.capacity))

describe("a claim whose node is on its way", () => {
  it.effect("stops a second one for the same pods, before and after it is launched", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name))
    yield* pass(1)
    const [claim] = yield* claims
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
    yield* launch(claim!)
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))

  it.effect("takes pods that come later as far as it has room, and only the rest leads to another", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name, asking({ cpu: "1", memory: "1Gi" })))
    yield* pass(1)
    assert.deepStrictEqual((yield* claims).map((claim) => typesOf(claim)[0]), ["medium"])
    yield* given(Pods, pending("fits", asking({ cpu: "500m" })))
    yield* pass(20)
    assert.lengthOf(yield* claims, 1)
    yield* given(Pods, pending("too-much", asking({ cpu: "1" })))
    yield* pass(20)
    assert.lengthOf(yield* claims, 2)
    yield* pass(120)
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  it.effect("keeps its room for its own pods when larger ones come", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name, asking({ cpu: "600m" })))
    yield* pass(1)
    assert.deepStrictEqual((yield* claims).map((claim) => typesOf(claim)[0]), ["small"])
    const [first] = yield* claims
    yield* given(Pods, pending("larger", asking({ cpu: "1700m" })))
    yield* pass(1)
    assert.lengthOf(yield* claims, 2)
    yield* pass(60)
    assert.lengthOf(yield* claims, 2)
    // Taken for the larger pod, the first node would have left its three pods to the second.
    const second = (yield* claims).find((claim) => claim.metadata.uid !== first?.metadata.uid)
    assert.strictEqual(second?.spec.resources?.requests?.["cpu"], "1700m")
  }).pipe(Effect.provide(world)))

  it.effect("and others like it hold every pod once, however pods drip in while they join", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (let i = 0; i < 40; i++) {
      yield* given(Pods, pending(`p${i}`, asking({ cpu: `${300 + (i * 7 % 5) * 300}m`, memory: "256Mi" })))
      yield* pass(2)
      for (const claim of yield* claims) {
        const [cheapest] = [small, medium, large, huge].filter((type) => typesOf(claim).includes(type.name))
        if (claim.status?.capacity === undefined && i % 3 === 0) yield* launch(claim, cheapest)
      }
    }
    yield* pass(60)
    const milli = (amounts: ReadonlyArray<string | number | undefined>) =>
      amounts.reduce<number>((total, cpu) => total + toMillis(cpu ?? 0), 0)
    const asked = milli((yield* all(Pods)).map((one) => one.spec.containers[0]?.resources?.requests?.["cpu"]))
    const planned = milli((yield* claims).map((claim) => claim.spec.resources?.requests?.["cpu"]))
    // What a claim asks for is what was planned on it when it was made: more than all pods ask for means a pod planned twice.
    assert.isAtMost(planned, asked)
  }).pipe(Effect.provide(world)))

  it.effect("is held against limits as the largest type that it may become, in later passes and after a restart too", () =>
    Effect.gen(function*() {
      yield* given(LinodeNodeClasses, nodeClass())
      yield* given(NodePools, nodePool("default", { limits: { cpu: 8 } }))
      for (const name of ["a", "b", "c", "d"]) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* start
          yield* given(Pods, pending(name, asking({ cpu: "1500m" })))
          yield* pass(15)
        }))
        assert.isAtMost(atMost(yield* claims), 8)
      }
    }).pipe(Effect.provide(world)))

  it.effect("leaves to others what limits allow beside the type that it became", () => Effect.gen(function*() {
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { limits: { cpu: 8 } }))
    yield* start
    yield* given(Pods, pending("a", asking({ cpu: "1500m" })))
    yield* pass(2)
    const [first] = yield* claims
    assert.deepStrictEqual(typesOf(first!), ["small", "medium", "large"])
    for (const name of ["b", "c", "d"]) yield* given(Pods, pending(name, asking({ cpu: "1500m" })))
    yield* pass(15)
    assert.lengthOf(yield* claims, 1)
    yield* launch(first!, small)
    yield* pass(15)
    const found = yield* claims
    assert.strictEqual(cpus(found.map((claim) => claim.spec.resources?.requests)), 6)
    assert.isAtMost(atMost(found), 8)
  }).pipe(Effect.provide(world)))

  it.effect("gets help from a second one when its machine turns out smaller than was promised", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name, asking({ cpu: "1", memory: "1Gi" })))
    yield* pass(1)
    const [claim] = yield* claims
    yield* launch(claim!, medium, { cpu: "2500m" })
    yield* pass(30)
    const found = yield* claims
    assert.lengthOf(found, 2)
    const second = found.find((one) => one.metadata.uid !== claim?.metadata.uid)
    assert.strictEqual(second?.spec.resources?.requests?.["cpu"], "1")
  }).pipe(Effect.provide(world)))

  it.effect("is replaced when it goes without ever having become a node", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(1)
    const [first] = yield* claims
    yield* kube.patch(NodeClaims, first!.metadata, { metadata: { finalizers: [] } }, { kind: "merge" })
    yield* kube.delete(NodeClaims, first!.metadata)
    yield* pass(2)
    const after = yield* claims
    assert.lengthOf(after, 1)
    assert.notStrictEqual(after[0]?.metadata.uid, first?.metadata.uid)
  }).pipe(Effect.provide(world)))

  it.effect("is not counted on any more when its Node came and is gone", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a"))
    yield* pass(1)
    const [claim] = yield* claims
    yield* launch(claim!)
    yield* kube.patch(NodeClaims, claim!.metadata, {
      status: { conditions: [isTrue("Launched"), isTrue("Registered")] }
    }, { kind: "merge", subresource: "status" })
    yield* pass(15)
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  it.effect("is not made twice when the reply to its creation is lost", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* givenBasics
    yield* start
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), when: "after" })
    yield* given(Pods, pending("a"))
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))

  it.effect("counts for a restarted controller as well", () => Effect.gen(function*() {
    yield* givenBasics
    yield* Effect.scoped(Effect.gen(function*() {
      yield* start
      for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name))
      yield* pass(2)
    }))
    assert.lengthOf(yield* claims, 1)
    yield* start
    yield* pass(60)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))
})
