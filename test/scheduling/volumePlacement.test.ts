import { assert, describe, it } from "@effect/vitest"
import type { ClaimSpec, PersistentVolume, PersistentVolumeClaim, PodSpec, StorageClass } from "../../src/scheduling/index.ts"
import { node, pod, pods } from "./build.ts"
import {
  abc, at, closed, countsBy, hostname, inValues, judged, placesBy, reasonsOf, running, spread, zone, zoned
} from "./judged.ts"

const one = { cpu: 1 }
const driver = "csi.example.com"
const using = (...names: ReadonlyArray<string>): Partial<PodSpec> => ({
  volumes: names.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }))
})
const bound = (name: string): PersistentVolumeClaim => ({
  metadata: { name, namespace: "default", annotations: { "pv.kubernetes.io/bind-completed": "yes" } },
  spec: { storageClassName: "disk", volumeName: `pv-${name}` }, status: { phase: "Bound" }
})
const waiting = (name: string, storageClassName?: string): PersistentVolumeClaim => ({
  metadata: { name, namespace: "default" },
  spec: storageClassName === undefined ? {} : { storageClassName }, status: { phase: "Pending" }
})
/** A volume that each of these groups of zones can reach. */
const volume = (name: string, ...terms: ReadonlyArray<ReadonlyArray<string>>): PersistentVolume => ({
  metadata: { name: `pv-${name}` },
  spec: { csi: { driver }, nodeAffinity: { required: { nodeSelectorTerms: terms.map(
    (zones) => ({ matchExpressions: [inValues(zone, ...zones)] })
  ) } } }
})
const disk = (...zones: ReadonlyArray<string>): StorageClass => ({
  metadata: { name: "disk" }, provisioner: driver, volumeBindingMode: "WaitForFirstConsumer",
  ...(zones.length === 0 ? {} : { allowedTopologies: zones.map((name) => (
    { matchLabelExpressions: [{ key: zone, values: [name] }] }
  )) })
})
const inB = { persistentVolumeClaims: [bound("x")], persistentVolumes: [volume("x", ["b"])] }

describe("a volume that is there", () => {
  it("takes its pod to its zone", () => {
    assert.deepStrictEqual(placesBy(zone, { types: abc, ...inB, pods: pods(1, one, using("x")) }), { b: "p0" })
  })

  it("takes it to a node there, and not to one elsewhere", () => {
    const nodes = [at("n", "a"), at("m", "b")]
    assert.deepStrictEqual(placesBy(hostname, { types: abc, nodes, ...inB, pods: pods(1, one, using("x")) }), { m: "p0" })
  })

  it("leaves its pod out where its zone cannot be had", () => {
    assert.deepStrictEqual(placesBy(zone, { types: zoned("a"), ...inB, pods: pods(1, one, using("x")) }), { nowhere: "p0" })
  })

  it("lets its pod choose where it can be reached from several zones", () => {
    const given = { types: abc, persistentVolumeClaims: [bound("x")], persistentVolumes: [volume("x", ["b"], ["c"])] }
    const plan = judged({ ...given, pods: pods(1, one, using("x")) })
    assert.notStrictEqual(plan.newNodes[0]!.zone, "a")
    const pinned = { ...using("x"), nodeSelector: { [zone]: "c" } }
    assert.deepStrictEqual(placesBy(zone, { ...given, pods: pods(1, one, pinned) }), { c: "p0" })
  })

  it("of which there are two takes its pod to where both are, if there is such a place", () => {
    const claims = { types: abc, persistentVolumeClaims: [bound("x"), bound("y")], pods: pods(1, one, using("x", "y")) }
    assert.deepStrictEqual(
      placesBy(zone, { ...claims, persistentVolumes: [volume("x", ["a", "b"]), volume("y", ["b", "c"])] }), { b: "p0" }
    )
    assert.deepStrictEqual(
      placesBy(zone, { ...claims, persistentVolumes: [volume("x", ["a"]), volume("y", ["b"])] }), { nowhere: "p0" }
    )
  })

  it("on a disk of a host does not ask for that host, which a new node never is", () => {
    const local: PersistentVolume = { metadata: { name: "pv-x" }, spec: { local: {}, nodeAffinity: { required: {
      nodeSelectorTerms: [{ matchExpressions: [inValues(hostname, "gone"), inValues(zone, "c")] }]
    } } } }
    const given = { types: abc, persistentVolumeClaims: [bound("x")], persistentVolumes: [local] }
    assert.deepStrictEqual(placesBy(zone, { ...given, pods: pods(1, one, using("x")) }), { c: "p0" })
  })

  it("by a label's old name asks for the same", () => {
    const old: PersistentVolume = { metadata: { name: "pv-x" }, spec: { csi: { driver }, nodeAffinity: { required: {
      nodeSelectorTerms: [{ matchExpressions: [inValues("failure-domain.beta.kubernetes.io/zone", "b")] }]
    } } } }
    const given = { types: abc, persistentVolumeClaims: [bound("x")], persistentVolumes: [old] }
    assert.deepStrictEqual(placesBy(zone, { ...given, pods: pods(1, one, using("x")) }), { b: "p0" })
  })

  it("does not change which zones a spread counts", () => {
    const labels = { app: "web" }
    const nodes = [closed("n", "b", [running("old", labels)])]
    const given = { types: abc, nodes, ...inB, pods: pods(1, one, { ...using("x"), ...spread(zone), labels }) }
    assert.deepStrictEqual(placesBy(zone, given), { nowhere: "p0" })
  })
})

describe("a volume that waits for its pod", () => {
  const given = { types: abc, persistentVolumeClaims: [waiting("x", "disk")], pods: pods(1, one, using("x")) }

  it("goes anywhere, where its class does not say", () => {
    assert.deepStrictEqual(placesBy(zone, { ...given, storageClasses: [disk()] }), { open: "p0" })
  })

  it("goes where its class allows", () => {
    assert.deepStrictEqual(placesBy(zone, { ...given, storageClasses: [disk("c")] }), { c: "p0" })
    assert.notStrictEqual(judged({ ...given, storageClasses: [disk("b", "c")] }).newNodes[0]!.zone, "a")
  })

  it("comes with its pod, if it lives no longer than that", () => {
    const ephemeral: Partial<PodSpec> = { volumes: [{ name: "x", ephemeral: { volumeClaimTemplate: {
      spec: { storageClassName: "disk" } satisfies ClaimSpec
    } } }] }
    const there = { ...waiting("p0-x", "disk") }
    assert.deepStrictEqual(placesBy(zone, {
      types: abc, storageClasses: [disk("c")], persistentVolumeClaims: [there], pods: pods(1, one, ephemeral)
    }), { c: "p0" })
  })
})

describe("a pod whose volume nobody can give it", () => {
  const going = { deletionTimestamp: "2026-01-01T00:00:00Z" }
  const x = bound("x")

  it.each<[string, object]>([
    ["has a claim that is not there", {}],
    ["has a claim in another namespace", {
      ...inB, persistentVolumeClaims: [{ ...x, metadata: { ...x.metadata, namespace: "other" } }]
    }],
    ["has a claim that is being deleted", { ...inB, persistentVolumeClaims: [{ ...x, metadata: { ...x.metadata, ...going } }] }],
    ["has a claim that lost its volume", { ...inB, persistentVolumeClaims: [{ ...x, status: { phase: "Lost" } }] }],
    ["has a volume that is not there", { persistentVolumeClaims: [x] }],
    ["has a volume that is being deleted", {
      ...inB, persistentVolumes: [{ ...volume("x", ["b"]), metadata: { name: "pv-x", ...going } }]
    }],
    ["has a claim that is not bound to the end", {
      ...inB, persistentVolumeClaims: [{ ...x, metadata: { name: "x", namespace: "default" } }]
    }],
    ["has a claim without a class", { persistentVolumeClaims: [waiting("x")] }],
    ["has a claim of a class that is not there", { persistentVolumeClaims: [waiting("x", "tape")], storageClasses: [disk()] }],
    ["has a claim that is bound without it", {
      persistentVolumeClaims: [waiting("x", "disk")], storageClasses: [{ ...disk(), volumeBindingMode: "Immediate" }]
    }]
  ])("%s, and is left out alone", (_, objects) => {
    const parts = { types: abc, nodes: [at("n", "b")], ...objects, pods: [pod("p0", one, using("x")), pod("other", one)] }
    assert.deepStrictEqual(reasonsOf(parts), ["p0: VolumeNotUsable"])
    assert.match(judged(parts).unschedulable[0]!.reasons[0]!.message, /x/)
  })
})

describe("how many volumes a node can attach", () => {
  const claims = (count: number) => Array.from({ length: count }, (_, i) => waiting(`v${i}`, "disk"))
  const each = (count: number) => Array.from({ length: count }, (_, i) => pod(`p${i}`, one, using(`v${i}`)))
  const given = (count: number) => ({ storageClasses: [disk()], persistentVolumeClaims: claims(count), pods: each(count) })

  it("bounds the pods of a node that is there", () => {
    const nodes = [node("n", 8, 16, { volumeLimits: { [driver]: 2 } })]
    assert.deepStrictEqual(countsBy(hostname, { nodes, ...given(3) }), { "n": 2, "new default-1": 1 })
  })

  it("counts those that are attached already, each once", () => {
    const nodes = [node("n", 8, 16, { volumeLimits: { [driver]: 2 }, pods: [pod("old", one, using("v0"))] })]
    assert.deepStrictEqual(placesBy(hostname, { nodes, ...given(3) }), { "n": "p0 p1", "new default-1": "p2" })
  })

  it("bounds the pods of a node to buy, by its type", () => {
    const types = zoned("a").map((type) => ({ ...type, volumeLimits: { [driver]: 2 } }))
    assert.deepStrictEqual(judged({ types, ...given(5) }).newNodes.map((made) => made.pods.length).sort(), [1, 2, 2])
  })

  it("rules out types that cannot attach as many", () => {
    const types = zoned("a").map((type, i) => ({ ...type, volumeLimits: { [driver]: i + 1 } }))
    const plan = judged({ types, ...given(3), pods: pods(1, one, using("v0", "v1", "v2")) })
    assert.deepStrictEqual(plan.newNodes[0]!.instanceTypeOptions, ["c8", "c16"])
  })

  it("counts each driver by itself", () => {
    const other: StorageClass = { ...disk(), metadata: { name: "other" }, provisioner: "other.example.com" }
    const nodes = [node("n", 8, 16, { volumeLimits: { [driver]: 1 } })]
    assert.deepStrictEqual(countsBy(hostname, {
      nodes, storageClasses: [disk(), other], pods: each(2),
      persistentVolumeClaims: [waiting("v0", "disk"), waiting("v1", "other")]
    }), { n: 2 })
  })

  it("says so to who is left out for it", () => {
    const parts = { nodePools: [], nodes: [node("n", 8, 16, { volumeLimits: { [driver]: 0 } })], ...given(1) }
    assert.strictEqual(judged(parts).totals.unschedulable, 1)
  })
})
