import { assert, describe, it } from "@effect/vitest"
import { pod, pods, pool } from "./build.ts"
import {
  abc, at, closed, countsBy, hostname, inValues, judged, placesBy, reasonsOf, requires, running, web, zone, zoned
} from "./judged.ts"

const labels = { app: "web" }
const together = (topologyKey: string, extra: object = {}) => ({ ...requires("podAffinity", topologyKey, extra), labels })
const near = (topologyKey: string, extra: object = {}) => requires("podAffinity", topologyKey, extra)
const one = { cpu: 1 }

describe("pods that want to be together", () => {
  it("come to one zone, on as many nodes as they need", () => {
    const parts = { types: zoned("a", "b", "c").slice(0, 1), pods: pods(4, { cpu: "1500m" }, together(zone)) }
    assert.deepStrictEqual(Object.values(countsBy(zone, parts)), [4])
    assert.strictEqual(judged(parts).newNodes.length, 4)
  })

  it("come to one host, and who does not fit there is left out", () => {
    const parts = { types: abc, pods: pods(3, { cpu: 8 }, together(hostname)) }
    assert.strictEqual(judged(parts).newNodes.length, 1)
    assert.deepStrictEqual(countsBy(hostname, parts), { "new default-1": 2, nowhere: 1 })
  })

  it("come to where some of them run", () => {
    const nodes = [closed("n", "b", [running("old", labels)])]
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes, pods: pods(3, one, together(zone)) }), { b: 3 })
    assert.deepStrictEqual(
      countsBy(hostname, { types: abc, nodes: [at("n", "b", [running("old", labels)])], pods: pods(3, one, together(hostname)) }),
      { n: 3 }
    )
  })

  it("stay out where the host of theirs is full", () => {
    const parts = { types: abc, nodes: [closed("n", "b", [running("old", labels)])], pods: pods(1, one, together(hostname)) }
    assert.deepStrictEqual(placesBy(hostname, parts), { nowhere: "p0" })
  })

  it("may keep apart by host and together by zone", () => {
    const both = {
      labels, affinity: { ...together(zone).affinity, ...requires("podAntiAffinity", hostname).affinity }
    }
    const parts = { types: abc, pods: pods(3, one, both) }
    assert.deepStrictEqual(Object.values(countsBy(zone, parts)), [3])
    assert.strictEqual(judged(parts).newNodes.length, 3)
  })
})

describe("pods that want to be near others", () => {
  const target = pod("target", one, { labels, nodeSelector: { [zone]: "b" } })

  it("follow them, whoever is larger", () => {
    for (const cpu of ["500m", "6"]) {
      const parts = { types: abc, pods: [pod("near", { cpu }, near(zone)), target] }
      assert.deepStrictEqual(placesBy(zone, parts), { b: "near target" })
    }
  })

  it("follow those that follow", () => {
    const chain = [
      pod("a", { cpu: 3 }, near(zone, { labelSelector: { matchLabels: { app: "b" } } })),
      pod("b", { cpu: 2 }, { ...near(zone), labels: { app: "b" } }), target
    ]
    assert.deepStrictEqual(placesBy(zone, { types: abc, pods: chain }), { b: "a b target" })
  })

  it("are left out where there is nobody", () => {
    assert.deepStrictEqual(reasonsOf({ types: abc, pods: [pod("near", one, near(zone))] }), ["near: PodAffinityNotMet"])
  })

  it("are left out where they may not be where the others are", () => {
    const pinned = pod("near", one, { ...near(zone), nodeSelector: { [zone]: "a" } })
    assert.deepStrictEqual(placesBy(zone, { types: abc, pods: [pinned, target] }), { b: "target", nowhere: "near" })
  })

  it("need all that they ask for in one place", () => {
    const twice = pod("near", one, { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: zone, labelSelector: web }, { topologyKey: zone, labelSelector: { matchLabels: { app: "db" } } }
    ] } } })
    const db = (where: string) => closed("db", where, [running("db", { app: "db" })])
    const nodes = [closed("web", "b", [running("web", labels)])]
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes: [...nodes, db("b")], pods: [twice] }), { b: "near" })
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes: [...nodes, db("c")], pods: [twice] }), { nowhere: "near" })
  })

  it("may choose among the zones where the others are", () => {
    const nodes = ["a", "b"].map((name) => closed(name, name, [running(`web-${name}`, labels)]))
    const parts = { types: abc, nodes, pods: [pod("near", one, { ...near(zone), nodeSelector: { [zone]: "b" } })] }
    assert.deepStrictEqual(placesBy(zone, parts), { b: "near" })
    const plan = judged({ types: abc, nodes, pods: [pod("near", one, near(zone))] })
    assert.notStrictEqual(plan.newNodes[0]!.zone, "c")
  })

  it("are left out where no node has the label", () => {
    const nodes = [closed("n", "b", [running("web", labels)])]
    assert.deepStrictEqual(
      placesBy(zone, { types: abc, nodes, pods: [pod("near", one, near("example.com/rack"))] }), { nowhere: "near" }
    )
  })

  it("find each other by a label of their NodePool", () => {
    const rack = "example.com/rack"
    const nodePools = [pool("default", { requirements: [inValues(rack, "r1", "r2")] })]
    const parts = { types: zoned("a").slice(0, 1), nodePools, pods: pods(3, { cpu: 2 }, together(rack)) }
    assert.deepStrictEqual(Object.values(countsBy(rack, parts)), [3])
  })

  it("do not find pods that are on their way out", () => {
    const old = running("old", labels)
    const going = { ...old, metadata: { ...old.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }
    assert.deepStrictEqual(
      placesBy(zone, { types: abc, nodes: [closed("n", "b", [going])], pods: [pod("near", one, near(zone))] }),
      { nowhere: "near" }
    )
  })
})

describe("whom an affinity means", () => {
  const elsewhere = (name: string) => {
    const old = running("old", { ...labels, rev: "1" })
    return closed("n", "b", [{ ...old, metadata: { ...old.metadata, namespace: name } }])
  }
  const namespaces = [{ metadata: { name: "other", labels: { stage: "test" } } }, { metadata: { name: "default" } }]
  const staged = { matchLabels: { stage: "test" } }

  it.each<[string, string, object, boolean]>([
    ["its own namespace only, where it names none", "other", {}, false],
    ["its own namespace", "default", {}, true],
    ["the namespaces that it lists", "other", { namespaces: ["other"] }, true],
    ["not its own, where it lists others", "default", { namespaces: ["other"] }, false],
    ["all, for an empty selector of namespaces", "unheard-of", { namespaceSelector: {} }, true],
    ["the namespaces that its selector selects", "other", { namespaceSelector: staged }, true],
    ["not those that it does not", "default", { namespaceSelector: staged }, false],
    ["not those that nobody knows", "unheard-of", { namespaceSelector: staged }, false],
    ["those, and the listed ones", "default", { namespaces: ["default"], namespaceSelector: staged }, true],
    ["a namespace by the name that every one has as a label", "unheard-of", {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "unheard-of" } }
    }, true],
    ["nobody, without a selector of pods", "default", { labelSelector: undefined }, false],
    ["everybody, by an empty one", "default", { labelSelector: {} }, true],
    ["pods by expressions", "default", { labelSelector: { matchExpressions: [inValues("app", "web", "db")] } }, true],
    ["pods of its own revision", "default", { matchLabelKeys: ["rev"] }, true],
    ["pods of other revisions", "default", { mismatchLabelKeys: ["rev"] }, false],
    ["all revisions, by a label that it lacks", "default", { matchLabelKeys: ["none"] }, true]
  ])("is %s", (_, namespace, extra, meant) => {
    const asking = pod("near", one, { ...near(zone, extra), labels: { rev: "1" } })
    // By an empty selector, or all of the namespace, the pod means itself and could be the first.
    const places = placesBy(zone, { types: abc, namespaces, nodes: [elsewhere(namespace)], pods: [asking] })
    assert.deepStrictEqual(places, meant ? { b: "near" } : { nowhere: "near" })
  })
})
