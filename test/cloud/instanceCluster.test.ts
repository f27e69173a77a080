import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { annotation, label } from "../../src/apis/labels.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { layer, InstanceCluster } from "../../src/cloud/instance/cluster.ts"
import { makeTellers } from "../../src/cloud/instance/tellers.ts"
import { roomOf } from "../../src/cloud/nodeRoom.ts"
import { Kube } from "../../src/kube/kube.ts"
import * as memoryKube from "../../src/kube/memory/layer.ts"
import type { Node } from "../../src/kube/objects.ts"
import { Namespaces } from "../../src/kube/resources.ts"
import { Linode } from "../../src/linode/linode.ts"
import type { Region } from "../../src/linode/models.ts"
import * as snapshot from "../../src/linode/snapshot.ts"
import { settings } from "./lkeWorld.ts"

const regions: ReadonlyArray<Region> = ["us-ord", "eu-west"].map((id) => ({ id, label: id, country: "x", capabilities: [], status: "ok" }))

const discover = (clusterRegion: string) => InstanceCluster.use(Effect.succeed).pipe(Effect.provide(layer.pipe(
  Layer.provide(Layer.mock(Linode, { regions: Effect.succeed(regions) })),
  Layer.provide(settings({ clusterRegion })),
  Layer.fresh
)))

describe("the cluster that machines are bought for", () => {
  it.effect("is called and placed as the settings say, and is what its kube-system says", () => Effect.gen(function*() {
    const found = yield* discover("us-ord")
    assert.deepStrictEqual({ ...found, identity: "" }, { name: "prod", region: "us-ord", identity: "" })
    assert.match(found.identity, /^[0-9a-f]{16}$/)
    assert.strictEqual((yield* discover("eu-west")).identity, found.identity)
  }).pipe(Effect.provide(memoryKube.layer)))

  it.effect("is another when another API server tells of it, though it has the same name", () => Effect.gen(function*() {
    const withUid = (uid: string) => Layer.effect(Kube, Effect.map(Kube, (kube) => Kube.of({
      ...kube,
      get: (resource, ref) => Effect.map(kube.get(resource, ref), (found) =>
        resource.kind === Namespaces.kind ? { ...found, metadata: { ...found.metadata, uid } } : found)
    }))).pipe(Layer.provide(memoryKube.layer))
    const [a, b] = [yield* Effect.provide(discover("us-ord"), withUid("a")), yield* Effect.provide(discover("us-ord"), withUid("b"))]
    assert.notStrictEqual(a.identity, b.identity)
  }))

  it.effect("is refused with one line when Linode has no such region", () => Effect.gen(function*() {
    assert.strictEqual(
      (yield* Effect.flip(discover("mars"))).message,
      "--cluster-region (CLUSTER_REGION or LINODE_REGION): Linode has no region \"mars\", expected one of eu-west, us-ord"
    )
  }).pipe(Effect.provide(memoryKube.layer)))
})

describe("room on a machine whose kubelet is given the settings of its class", () => {
  const kubelet = { kubeReserved: { cpu: "500m", memory: "200Mi" }, maxPods: 200 }
  const nodeClass = (name: string, hash: string, spec: LinodeNodeClass["spec"] = {}): LinodeNodeClass => ({
    apiVersion: "karpenter.k8s.linode/v1", kind: "LinodeNodeClass", metadata: { name, annotations: { [annotation.nodeClassHash]: hash } }, spec
  })
  const node = (name: string, nodeClassName: string, hash: string): Node =>
    ({ metadata: { name, labels: { [label.nodeClass]: nodeClassName }, annotations: { [annotation.nodeClassHash]: hash } } })
  const listOf = <A>(items: ReadonlyArray<A>) => ({ list: () => items })

  it("is told by nodes of classes with these settings, made of the class as it is", () => {
    const tellers = makeTellers(
      listOf([node("plain", "a", "1"), node("reserving", "b", "2"), node("too", "c", "3"), node("old", "b", "1"), { metadata: { name: "control-plane" } }]),
      listOf([nodeClass("a", "1"), nodeClass("b", "2", { kubelet }), nodeClass("c", "3", { kubelet: { ...kubelet } })])
    )
    assert.deepStrictEqual(tellers({}).map(({ metadata }) => metadata.name), ["plain"])
    assert.deepStrictEqual(tellers({ kubelet }).map(({ metadata }) => metadata.name), ["reserving", "too"])
    assert.deepStrictEqual(tellers({ kubelet: { maxPods: 5 } }), [])
    assert.strictEqual(tellers({ kubelet }), tellers({ kubelet }))
  })

  it("is not told by nodes with user data of their class's own, which may start a kubelet otherwise, but to others of the same", () => {
    const userData = "#!/bin/sh"
    const tellers = makeTellers(
      listOf([node("built-in", "a", "1"), node("own", "b", "2"), node("another", "c", "3")]),
      listOf([nodeClass("a", "1", { kubelet, userData: "" }), nodeClass("b", "2", { kubelet, userData }), nodeClass("c", "3", { kubelet, userData: "#!/bin/bash" })])
    )
    assert.deepStrictEqual(tellers({ kubelet }).map(({ metadata }) => metadata.name), ["built-in"])
    assert.deepStrictEqual(tellers({ kubelet, userData }).map(({ metadata }) => metadata.name), ["own"])
  })

  it.effect("is less by what the class reserves until a node tells, and then what the node says", () => Effect.gen(function*() {
    const type = (yield* snapshot.types).find(({ id }) => id === "g6-standard-2")!
    const before = roomOf(type, kubelet, undefined, undefined, true)
    assert.strictEqual(before.overhead.cpu, "500m")
    assert.strictEqual(before.capacity.pods, "200")
    const amounts = { cpu: 2_000, memory: 4_000_000_000, "ephemeral-storage": 80_000_000_000, pods: 200 }
    const told = roomOf(type, kubelet, { capacity: amounts, allocatable: { ...amounts, cpu: 1_500, memory: 3_700_000_000 } }, undefined, true)
    assert.strictEqual(told.overhead.cpu, "500m")
    assert.strictEqual(told.overhead.memory, "300000000")
    assert.strictEqual(told.capacity.pods, "200")
  }))
})
