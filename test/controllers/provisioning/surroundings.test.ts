/** What a pass knows beside pods and nodes: volumes, namespaces, default spread, and how long it may look for a cheaper plan. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Layer } from "effect"
import { label } from "../../../src/apis/labels.ts"
import { CacheSelectors } from "../../../src/kube/cacheLayer.ts"
import type { PersistentVolumeClaim, Pod, StorageClass } from "../../../src/kube/objects.ts"
import {
  CSINodes, Namespaces, PersistentVolumeClaims, PersistentVolumes, ReplicaSets, Services, StorageClasses
} from "../../../src/kube/resources.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import { Settings } from "../../../src/settings/settings.ts"
import type { SettingsShape } from "../../../src/settings/settings.ts"
import {
  asking, eventsOf, FakeCloud, given, givenBasics, givenMachine, instanceType, medium, pass, pending, pod, Pods, small, world,
  zone
} from "../../cluster/world.ts"
import { claims, start } from "./support.ts"

const block = "linodebs.csi.linode.com"
const storageClass: StorageClass = {
  metadata: { name: "block" }, provisioner: block, volumeBindingMode: "WaitForFirstConsumer"
}
const claim = (name: string, spec: PersistentVolumeClaim["spec"] = { storageClassName: "block" }): PersistentVolumeClaim => ({
  metadata: {
    name, namespace: "default",
    ...(spec.volumeName === undefined ? {} : { annotations: { "pv.kubernetes.io/bind-completed": "yes" } })
  },
  spec,
  status: { phase: spec.volumeName === undefined ? "Pending" : "Bound" }
})
const mounting = (...claimNames: ReadonlyArray<string>): Partial<Pod["spec"]> => ({
  volumes: claimNames.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
})
const failures = Effect.map(eventsOf("FailedScheduling"), (found) => found.map(({ message }) => message))

const withSettings = (changes: Partial<SettingsShape>) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(Settings, (settings) => Effect.provideService(effect, Settings, { ...settings, ...changes }))

describe("a pod with volumes", () => {
  it.effect("waits for its claim and is told so; it gets a node once the claim can be used", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    yield* given(Pods, pending("a", mounting("data")))
    yield* pass(1)
    assert.isEmpty(yield* claims)
    assert.deepStrictEqual(yield* failures, ["PersistentVolumeClaim default/data does not exist"])
    yield* given(StorageClasses, storageClass)
    yield* given(PersistentVolumeClaims, claim("data"))
    yield* pass(30)
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))

  it.effect("gets a node where its volume is, and none where no node can be", () => Effect.gen(function*() {
    const volume = (name: string, region: string) => ({
      metadata: { name },
      spec: {
        csi: { driver: block },
        nodeAffinity: { required: { nodeSelectorTerms: [
          { matchExpressions: [{ key: label.region, operator: "In", values: [region] }] }
        ] } }
      }
    })
    yield* givenBasics
    yield* given(PersistentVolumes, volume("here", zone))
    yield* given(PersistentVolumes, volume("there", "eu-west"))
    yield* given(PersistentVolumeClaims, claim("near", { volumeName: "here" }))
    yield* given(PersistentVolumeClaims, claim("far", { volumeName: "there" }))
    yield* start
    yield* given(Pods, pending("a", mounting("near")))
    yield* given(Pods, pending("b", mounting("far")))
    yield* pass(1)
    const [made, ...others] = yield* claims
    assert.isEmpty(others)
    assert.deepInclude(made!.spec.requirements, { key: label.region, operator: "In", values: [zone] })
    assert.lengthOf(yield* failures, 1)
  }).pipe(Effect.provide(world)))

  it.effect.each([[1, 1], [2, 0]] as const)(
    "goes to a node whose driver takes %d volumes, of which one is taken, or to one of %d new ones", ([count, fresh]) =>
      Effect.gen(function*() {
        yield* givenBasics
        yield* givenMachine("m", { type: medium })
        yield* given(CSINodes, {
          metadata: { name: "node-m" }, spec: { drivers: [{ name: block, allocatable: { count } }] }
        })
        yield* given(StorageClasses, storageClass)
        yield* given(PersistentVolumeClaims, claim("old"))
        yield* given(PersistentVolumeClaims, claim("new"))
        yield* given(Pods, pod("running", { ...mounting("old"), nodeName: "node-m" }))
        yield* start
        yield* given(Pods, pending("a", mounting("new")))
        yield* pass(1)
        assert.lengthOf((yield* claims).filter(({ metadata }) => metadata.name !== "m"), fresh)
      }).pipe(Effect.provide(world))
  )
})

describe("a pass", () => {
  it.effect("knows the labels of namespaces", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(Namespaces, { metadata: { name: "red", labels: { team: "a" } } })
    yield* given(Namespaces, { metadata: { name: "blue" } })
    yield* givenMachine("m", { type: medium })
    yield* given(Pods, pod("running", { nodeName: "node-m" }, { namespace: "red", labels: { app: "x" } }))
    yield* start
    const apart = (team: string): Partial<Pod["spec"]> => ({
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{
        topologyKey: label.hostname,
        labelSelector: { matchLabels: { app: "x" } },
        namespaceSelector: { matchLabels: { team } }
      }] } }
    })
    yield* given(Pods, pending("b", apart("b"), { namespace: "blue" }))
    yield* pass(1)
    assert.lengthOf(yield* claims, 1)
    yield* given(Pods, pending("a", apart("a"), { namespace: "blue" }))
    yield* pass(1)
    assert.lengthOf(yield* claims, 2)
  }).pipe(Effect.provide(world)))

  const byHost = { maxSkew: 1, topologyKey: label.hostname, whenUnsatisfiable: "DoNotSchedule" }
  it.effect("spreads pods by default, when the configuration says so and something selects them", () => Effect.gen(function*() {
    yield* givenBasics
    yield* given(Services, { metadata: { name: "web", namespace: "default" }, spec: { selector: { app: "web" } } })
    yield* given(ReplicaSets, {
      metadata: { name: "db", namespace: "default" },
      spec: {
        replicas: 2, selector: { matchLabels: { app: "db" } },
        template: { metadata: { labels: { app: "db" } }, spec: { containers: [] } }
      }
    })
    yield* start
    const owner = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "db", uid: "u", controller: true }
    for (const name of ["a", "b"]) yield* given(Pods, pending(name, asking({ cpu: "10m" }), { labels: { app: "web" } }))
    for (const name of ["c", "d"]) {
      yield* given(Pods, pending(name, asking({ cpu: "10m" }), { labels: { app: "db" }, ownerReferences: [owner] }))
    }
    for (const name of ["e", "f", "g"]) yield* given(Pods, pending(name, asking({ cpu: "10m" }), { labels: { app: "none" } }))
    yield* pass(1)
    assert.lengthOf(yield* claims, 2)
  }).pipe(
    withSettings({ schedulerConfig: { defaultConstraints: [byHost] } }),
    Effect.provide(world.pipe(Layer.provideMerge(Layer.succeed(CacheSelectors, true))))
  ))

  // Ten times the room for twenty times the price: what fills the largest type pays double.
  const dear = instanceType("dear", 20, 40, 0.72)
  it.effect.each([["200 millis", 10], [0, 1]] as const)("that may search for %s buys %d nodes", ([searchBudget, nodes]) =>
    Effect.gen(function*() {
      const cloud = yield* FakeCloud
      cloud.types = [small, dear]
      yield* givenBasics
      yield* start
      for (let i = 0; i < 10; i++) yield* given(Pods, pending(`p${i}`, asking({ cpu: "1500m" })))
      yield* pass(2)
      assert.lengthOf(yield* claims, nodes)
    }).pipe(withSettings({ searchBudget: Duration.fromInputUnsafe(searchBudget) }), Effect.provide(world)))

  it.effect("counts a price for every node, as far as the settings say", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    cloud.types = [small, { ...medium, offerings: medium.offerings.map((offering) => ({ ...offering, price: 0.08 })) }]
    yield* givenBasics
    yield* start
    for (const name of ["a", "b"]) yield* given(Pods, pending(name, asking({ cpu: "1500m" })))
    yield* pass(2)
    assert.lengthOf(yield* claims, 1)
  }).pipe(withSettings({ nodePrice: 0.1 }), Effect.provide(world)))

  it.effect("says nothing of a pod that waits for a reservation", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    const reserved = { zone, capacityType: "reserved", price: 0, reservationId: "r", reservationCapacity: 1 }
    cloud.types = [{ ...small, offerings: [reserved, ...small.offerings] }]
    yield* givenBasics
    yield* start
    for (const name of ["a", "b"]) yield* given(Pods, pending(name, asking({ cpu: "1500m" })))
    yield* pass(1)
    assert.lengthOf(yield* claims, 1)
    assert.isEmpty(yield* failures)
    const text = yield* Metrics.use((metrics) => metrics.exposition)
    assert.include(text, 'karpenter_scheduler_unschedulable_pods_count{controller="provisioner"} 0')
  }).pipe(Effect.provide(world)))
})
