import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { DeleteOptions } from "../../src/kube/kube.ts"
import { Kube } from "../../src/kube/kube.ts"
import { layer } from "../../src/kube/memory/layer.ts"
import type { KubeObject, ObjectMeta, PodDisruptionBudget } from "../../src/kube/objects.ts"
import { Deployments, Namespaces, PodDisruptionBudgets, Pods, ReplicaSets } from "../../src/kube/resources.ts"
import { pod } from "./memoryObjects.ts"

const ownedBy = (kind: string, owner: KubeObject, blockOwnerDeletion = false): Partial<ObjectMeta> => {
  const { name, uid = "" } = owner.metadata
  return { ownerReferences: [{ apiVersion: "apps/v1", kind, name, uid, controller: true, blockOwnerDeletion }] }
}

const spec = { replicas: 2, selector: { matchLabels: { app: "web" } }, template: { spec: pod("x").spec } }
const meta = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({ name, namespace: "default", ...more })

/** A Deployment that owns a ReplicaSet that owns a bound pod and a pending one. */
const family = Effect.gen(function*() {
  const kube = yield* Kube
  const deployment = yield* kube.create(Deployments, { metadata: meta("d"), spec })
  const replicas = yield* kube.create(ReplicaSets, { metadata: meta("r", ownedBy("Deployment", deployment, true)), spec })
  yield* kube.create(Pods, pod("bound", { nodeName: "n" }, ownedBy("ReplicaSet", replicas, true)))
  yield* kube.create(Pods, pod("pending", {}, ownedBy("ReplicaSet", replicas, true)))
  return { kube, deployment, replicas }
})

const state = Effect.gen(function*() {
  const kube = yield* Kube
  const all = [
    ...(yield* kube.list(Deployments)).items, ...(yield* kube.list(ReplicaSets)).items, ...(yield* kube.list(Pods)).items
  ]
  return all.map(({ metadata }) => metadata.deletionTimestamp === undefined ? metadata.name : `${metadata.name} leaving`)
})

describe("the garbage collector", () => {
  const remove = (options: DeleteOptions) => Effect.flatMap(family, ({ kube }) => kube.delete(Deployments, meta("d"), options))

  it.effect("in the background takes what a deleted owner leaves behind", () => Effect.gen(function*() {
    yield* remove({})
    assert.deepStrictEqual(yield* state, ["bound leaving"])
  }).pipe(Effect.provide(layer)))

  it.effect("in the foreground takes the owner last", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* remove({ propagationPolicy: "Foreground" })
    assert.deepStrictEqual(yield* state, ["d leaving", "r leaving", "bound leaving"])
    yield* kube.delete(Pods, meta("bound"), { gracePeriodSeconds: 0 })
    assert.deepStrictEqual(yield* state, [])
  }).pipe(Effect.provide(layer)))

  it.effect("orphans where it is told to", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* remove({ propagationPolicy: "Orphan" })
    assert.deepStrictEqual(yield* state, ["r", "bound", "pending"])
    assert.isUndefined((yield* kube.get(ReplicaSets, meta("r"))).metadata.ownerReferences)
  }).pipe(Effect.provide(layer)))

  it.effect("keeps what has another owner, and what never had one here", () => Effect.gen(function*() {
    const kube = yield* Kube
    const owners = yield* Effect.forEach(["one", "other"], (name) => kube.create(ReplicaSets, { metadata: meta(name), spec }))
    const ownerReferences = owners.flatMap((owner) => ownedBy("ReplicaSet", owner).ownerReferences ?? [])
    yield* kube.create(Pods, pod("shared", {}, { ownerReferences }))
    yield* kube.create(Pods, pod("imaginary", {}, ownedBy("ReplicaSet", { metadata: { name: "z", uid: "z" } })))
    yield* kube.delete(ReplicaSets, meta("one"))
    assert.deepStrictEqual(yield* state, ["other", "imaginary", "shared"])
    assert.deepStrictEqual((yield* kube.get(Pods, meta("shared"))).metadata.ownerReferences?.map(({ name }) => name), ["other"])
    yield* kube.delete(ReplicaSets, meta("other"))
    assert.deepStrictEqual(yield* state, ["imaginary"])
  }).pipe(Effect.provide(layer)))

  it.effect("takes what is made for an owner that is gone", () => Effect.gen(function*() {
    const { kube, replicas } = yield* family
    yield* kube.delete(Deployments, meta("d"))
    yield* kube.create(Pods, pod("late", {}, ownedBy("ReplicaSet", replicas)))
    assert.deepStrictEqual(yield* state, ["bound leaving"])
  }).pipe(Effect.provide(layer)))
})

describe("the disruption controller", () => {
  const ready = { phase: "Running", conditions: [{ type: "Ready", status: "True" as const }] }
  const start = Effect.fnUntraced(function*(name: string, metadata: Partial<ObjectMeta> = {}) {
    const kube = yield* Kube
    const made = yield* kube.create(Pods, pod(name, { nodeName: "n" }, { labels: { app: "web" }, ...metadata }))
    yield* kube.updateStatus(Pods, { ...made, status: ready })
  })
  const budget = (rules: Omit<PodDisruptionBudget["spec"], "selector">): PodDisruptionBudget =>
    ({ metadata: meta("web"), spec: { ...rules, selector: { matchLabels: { app: "web" } } } })
  const status = Kube.use((kube) => Effect.map(kube.get(PodDisruptionBudgets, meta("web")), (found) => {
    const { disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods } = found.status ?? {}
    return [disruptionsAllowed, currentHealthy, desiredHealthy, expectedPods]
  }))

  it.effect.each([
    [{ minAvailable: 1 }, [2, 3, 1, 3]],
    [{ minAvailable: "50%" }, [1, 3, 2, 3]],
    [{ minAvailable: "100%" }, [0, 3, 3, 3]],
    [{ maxUnavailable: 0 }, [0, 3, 3, 3]],
    [{ maxUnavailable: 1 }, [1, 3, 2, 3]],
    [{ maxUnavailable: "50%" }, [2, 3, 1, 3]]
  ] as const)("reckons %j for three ready pods", ([rules, expected]) => Effect.gen(function*() {
    const kube = yield* Kube
    for (const name of ["a", "b", "c"]) yield* start(name)
    yield* kube.create(PodDisruptionBudgets, budget(rules))
    assert.deepStrictEqual(yield* status, [...expected])
  }).pipe(Effect.provide(layer)))

  it.effect("goes by what the pods' controller wants", () => Effect.gen(function*() {
    const kube = yield* Kube
    const replicas = yield* kube.create(ReplicaSets, { metadata: meta("r"), spec: { ...spec, replicas: 5 } })
    yield* kube.create(PodDisruptionBudgets, budget({ maxUnavailable: 2 }))
    for (const name of ["a", "b", "c", "d"]) yield* start(name, ownedBy("ReplicaSet", replicas))
    assert.deepStrictEqual(yield* status, [1, 4, 3, 5])
  }).pipe(Effect.provide(layer)))

  it.effect("follows the pods as evictions take them and others come", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* kube.create(PodDisruptionBudgets, budget({ minAvailable: 1 }))
    yield* start("a")
    yield* start("b")
    yield* kube.evict(meta("a"))
    assert.deepStrictEqual(yield* status, [0, 1, 1, 2])
    assert.strictEqual((yield* Effect.flip(kube.evict(meta("b")))).reason._tag, "DisruptionBlocked")
    yield* kube.delete(Pods, meta("a"), { gracePeriodSeconds: 0 })
    yield* start("c")
    yield* kube.evict(meta("b"))
  }).pipe(Effect.provide(layer)))
})

describe("the namespace controller", () => {
  it.effect("empties a namespace before it goes", () => Effect.gen(function*() {
    const kube = yield* Kube
    yield* kube.create(Namespaces, { metadata: { name: "team" } })
    yield* kube.create(Pods, pod("held", {}, { namespace: "team", finalizers: ["example.com/held"] }))
    yield* kube.delete(Namespaces, { name: "team" })
    const refusal = yield* Effect.flip(kube.create(Pods, pod("late", {}, { namespace: "team" })))
    assert.strictEqual(refusal.status, 403)
    yield* kube.patch(Pods, { name: "held", namespace: "team" }, { metadata: { finalizers: null } }, { kind: "merge" })
    const gone = yield* Effect.flip(kube.get(Namespaces, { name: "team" }))
    assert.strictEqual(gone.reason._tag, "NotFound")
  }).pipe(Effect.provide(layer)))
})
