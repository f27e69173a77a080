import { assert, describe, it } from "@effect/vitest"
import type { InstanceType } from "../../src/scheduling/index.ts"
import { pod, pods, pool, type } from "./build.ts"
import {
  abc, at, capacityType, closed, countsBy, hostname, inValues, judged, placesBy, running, spread, web, zone, zoned
} from "./judged.ts"

const labels = { app: "web" }
const one = { cpu: 1 }
const even = (topologyKey: string, extra: object = {}) => ({ ...spread(topologyKey, extra), labels })
/** Pods that run in these zones, on nodes that take no others. */
const crowd = (counts: Readonly<Record<string, number>>, on: Readonly<Record<string, string>> = {}) =>
  Object.entries(counts).map(([where, count]) =>
    closed(`old-${where}`, where, Array.from({ length: count }, (_, i) => running(`old-${where}${i}`, labels)), on))

describe("a spread over zones", () => {
  it.each<[string, number, object, Readonly<Record<string, number>>, Readonly<Record<string, number>>]>([
    ["is even", 6, {}, {}, { a: 2, b: 2, c: 2 }],
    ["is as even as it can be", 4, {}, {}, { a: 2, b: 1, c: 1 }],
    ["counts what runs", 3, {}, { a: 2, b: 1 }, { b: 1, c: 2 }],
    ["brings no order into what runs", 1, {}, { a: 5 }, { b: 1 }],
    ["fills what is behind first", 6, {}, { a: 5 }, { b: 3, c: 3 }],
    ["fills a node up to the skew before it opens another", 4, { maxSkew: 3 }, { a: 2 }, { b: 3, c: 1 }],
    ["holds where there are as many zones as there must be", 6, { minDomains: 3 }, {}, { a: 2, b: 2, c: 2 }],
    ["counts from nothing where there are too few", 4, { minDomains: 4 }, {}, { a: 1, b: 1, c: 1, nowhere: 1 }],
    ["lets the skew in where there are too few", 7, { minDomains: 4, maxSkew: 2 }, {}, { a: 2, b: 2, c: 2, nowhere: 1 }]
  ])("%s", (_, count, extra, old, expected) => {
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes: crowd(old), pods: pods(count, one, even(zone, extra)) }), expected)
  })

  it("keeps to the zones that the pods may be in", () => {
    const some = { ...even(zone), affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [inValues(zone, "a", "c")] }]
    } } } }
    assert.deepStrictEqual(countsBy(zone, { types: abc, pods: pods(4, one, some) }), { a: 2, c: 2 })
    const pinned = { ...even(zone), nodeSelector: { [zone]: "a" } }
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes: crowd({ b: 3 }), pods: pods(2, one, pinned) }), { a: 2 })
  })

  it("keeps to the zones that the NodePools have", () => {
    const nodePools = [pool("default", { requirements: [{ key: zone, operator: "NotIn", values: ["b"] }] })]
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodePools, pods: pods(4, one, even(zone)) }), { a: 2, c: 2 })
  })

  it("goes over the zones of several NodePools", () => {
    const nodePools = ["a", "b"].map((name) => pool(name, { requirements: [inValues(zone, name)] }))
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodePools, pods: pods(4, one, even(zone)) }), { a: 2, b: 2 })
  })

  it("counts zones where only nodes are that cannot be bought", () => {
    const nodes = [at("n", "d")]
    assert.deepStrictEqual(countsBy(zone, { types: zoned("a"), nodes, pods: pods(4, one, even(zone)) }), { a: 2, d: 2 })
  })

  it("stops where a zone is full that cannot be bought", () => {
    assert.deepStrictEqual(
      countsBy(zone, { types: zoned("a"), nodes: crowd({ d: 1 }), pods: pods(4, one, even(zone)) }), { a: 2, nowhere: 2 }
    )
  })

  it("uses the nodes that are there", () => {
    const nodes = [at("n", "a"), at("m", "b")]
    assert.deepStrictEqual(
      countsBy(hostname, { types: abc, nodes, pods: pods(4, one, even(zone)) }), { "m": 2, "n": 1, "new default-1": 1 }
    )
  })

  it("does not move pods that its selector does not select", () => {
    const others = { ...spread(zone), labels: { app: "other" } }
    assert.strictEqual(judged({ types: abc, pods: pods(6, one, others) }).newNodes.length, 1)
  })

  it("selects nobody without a selector, and all of the namespace by an empty one", () => {
    const nobody = even(zone, { labelSelector: undefined })
    assert.strictEqual(judged({ types: abc, nodes: crowd({ a: 3 }), pods: pods(6, one, nobody) }).newNodes.length, 1)
    assert.deepStrictEqual(
      countsBy(zone, { types: abc, nodes: crowd({ a: 2 }), pods: pods(4, one, even(zone, { labelSelector: {} })) }),
      { b: 2, c: 2 }
    )
  })

  it("counts its own namespace only", () => {
    const nodes = crowd({ a: 3 }).map((node) => ({
      ...node, pods: node.pods.map((it) => ({ ...it, metadata: { ...it.metadata, namespace: "other" } }))
    }))
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes, pods: pods(3, one, even(zone)) }), { a: 1, b: 1, c: 1 })
  })

  it("does not count pods that are on their way out", () => {
    const nodes = crowd({ a: 3 }).map((node) => ({
      ...node,
      pods: node.pods.map((it) => ({ ...it, metadata: { ...it.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }))
    }))
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes, pods: pods(3, one, even(zone)) }), { a: 1, b: 1, c: 1 })
  })

  it("compares the pods of one revision", () => {
    const revision = (name: string) => ({ ...even(zone, { matchLabelKeys: ["rev"] }), labels: { ...labels, rev: name } })
    const old = (where: string) => closed(where, where, [running(`old-${where}`, { ...labels, rev: "1" })])
    const given = { types: abc, nodes: [old("a"), old("b")] }
    assert.deepStrictEqual(countsBy(zone, { ...given, pods: pods(1, one, revision("1")) }), { c: 1 })
    assert.deepStrictEqual(countsBy(zone, { ...given, pods: pods(3, one, revision("2")) }), { a: 1, b: 1, c: 1 })
  })

  it("holds for large pods that come first and for small ones that come last", () => {
    const sizes = ["4", "3", "2", "1", "500m", "100m"].map((cpu, i) => pod(`p${i}`, { cpu }, even(zone)))
    assert.deepStrictEqual(countsBy(zone, { types: abc, pods: sizes }), { a: 2, b: 2, c: 2 })
  })
})

describe("which nodes a spread counts", () => {
  const key = "linode/class"
  const types = abc.map((it): InstanceType => ({ ...it, labels: { [key]: "dedicated" } }))
  const chosen = (policy: object) => ({ ...even(zone, policy), nodeSelector: { [key]: "dedicated" } })
  const given = { types, wellKnownLabels: [key], nodes: crowd({ a: 2 }, { [key]: "shared" }) }

  it.each<[string, object, Readonly<Record<string, number>>]>([
    ["those that the pod may be on", {}, { a: 1, b: 1 }],
    ["those that the pod may be on, said out loud", { nodeAffinityPolicy: "Honor" }, { a: 1, b: 1 }],
    ["all", { nodeAffinityPolicy: "Ignore" }, { b: 1, c: 1 }]
  ])("are %s, by its nodeAffinityPolicy", (_, policy, expected) => {
    assert.deepStrictEqual(countsBy(zone, { ...given, pods: pods(2, one, chosen(policy)) }), expected)
  })

  it.each<[string, object, Readonly<Record<string, number>>]>([
    ["all", {}, { b: 1, c: 1 }],
    ["all, said out loud", { nodeTaintsPolicy: "Ignore" }, { b: 1, c: 1 }],
    ["those whose taints the pod tolerates", { nodeTaintsPolicy: "Honor" }, { a: 1, b: 1 }]
  ])("are %s, by its nodeTaintsPolicy", (_, policy, expected) => {
    const nodes = crowd({ a: 2 }).map((node) => ({ ...node, taints: [{ key: "k", effect: "NoSchedule" }] }))
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes, pods: pods(2, one, even(zone, policy)) }), expected)
  })

  it("are those of the NodePools that it tolerates, if it says so", () => {
    const nodePools = [
      pool("default", { requirements: [inValues(zone, "a", "b")] }),
      pool("tainted", { requirements: [inValues(zone, "c")], taints: [{ key: "k", effect: "NoSchedule" }] })
    ]
    const honored = pods(4, one, even(zone, { nodeTaintsPolicy: "Honor" }))
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodePools, pods: honored }), { a: 2, b: 2 })
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodePools, pods: pods(4, one, even(zone)) }), { a: 1, b: 1, nowhere: 2 })
  })

  it("are, of those to buy, the ones that ask for what the pod asks for by then", () => {
    const inA = { ...even(hostname, { maxSkew: 2 }), nodeSelector: { [zone]: "a" } }
    const anywhere = pod("large", { cpu: 2 }, even(hostname))
    const { newNodes } = judged({ types: zoned("a"), pods: [anywhere, ...pods(2, one, inA)] })
    assert.deepStrictEqual(newNodes.map((made) => made.pods.length), [3])
    const alike = pod("large", { cpu: 2 }, { ...even(hostname), nodeSelector: { [zone]: "a" } })
    assert.strictEqual(judged({ types: zoned("a"), pods: [alike, ...pods(2, one, inA)] }).newNodes.length, 2)
  })

  it("are those of the required terms that have not been given up", () => {
    const classes = ["dedicated", "shared"]
    const either = { ...even(zone), affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: classes.map((name) => ({ matchExpressions: [inValues(key, name)] }))
    } } } }
    const offerings = [{ zone: "a", capacityType: "on-demand", price: 1 }]
    const some = classes.map((name) => type(name, 8, 16, 1, { labels: { [key]: name }, offerings }))
    const nodes = [closed("old", "b", [], { [key]: "shared" })]
    const { newNodes } = judged({ types: some, wellKnownLabels: [key], nodes, pods: pods(2, one, either) })
    assert.deepStrictEqual(newNodes.map((made) => made.instanceType), classes)
  })
})

describe("a spread over other labels", () => {
  it("of hosts lets as many on each as the skew says", () => {
    assert.deepStrictEqual(
      judged({ types: abc, pods: pods(5, one, even(hostname, { maxSkew: 2 })) }).newNodes.map((made) => made.pods.length).sort(),
      [1, 2, 2]
    )
    const nodes = [at("n", "a", [running("old", labels)]), at("m", "a")]
    assert.deepStrictEqual(placesBy(hostname, { types: abc, nodes, pods: pods(1, one, even(hostname)) }), { m: "p0" })
  })

  it("of capacity types, the cheaper one first", () => {
    const types = [type("t", 16, 64, 1, { offerings: [
      { zone: "a", capacityType: "on-demand", price: 2 }, { zone: "a", capacityType: "spot", price: 1 }
    ] })]
    assert.deepStrictEqual(
      countsBy(capacityType, { types, pods: pods(5, one, even(capacityType)) }), { "on-demand": 2, "spot": 3 }
    )
  })

  it("of the type's own labels", () => {
    const key = "linode/class"
    const types = ["shared", "dedicated"].map((value, i) => type(value, 16, 64, 1 + i, { labels: { [key]: value } }))
    assert.deepStrictEqual(
      countsBy(key, { types, wellKnownLabels: [key], pods: pods(4, one, even(key)) }), { shared: 2, dedicated: 2 }
    )
  })

  it("that NodePools give", () => {
    const rack = "example.com/rack"
    const byRequirement = [pool("default", { requirements: [inValues(rack, "r1", "r2")] })]
    assert.deepStrictEqual(
      countsBy(rack, { types: abc, nodePools: byRequirement, pods: pods(4, one, even(rack)) }), { r1: 2, r2: 2 }
    )
    const byLabel = ["r1", "r2"].map((value) => pool(value, { labels: { [rack]: value } }))
    assert.deepStrictEqual(countsBy(rack, { types: abc, nodePools: byLabel, pods: pods(4, one, even(rack)) }), { r1: 2, r2: 2 })
  })

  it("that no node has keeps pods out", () => {
    assert.deepStrictEqual(countsBy(zone, { types: abc, pods: pods(2, one, even("example.com/rack")) }), { nowhere: 2 })
  })

  it("together with zones", () => {
    const both = { labels, topologySpreadConstraints: [
      ...spread(zone).topologySpreadConstraints!, ...spread(hostname).topologySpreadConstraints!
    ] }
    const parts = { types: abc, pods: pods(6, one, both) }
    assert.deepStrictEqual(countsBy(zone, parts), { a: 2, b: 2, c: 2 })
    assert.strictEqual(judged(parts).newNodes.length, 6)
  })
})

describe("a spread that is only wished for", () => {
  const wish = (topologyKey: string) => even(topologyKey, { whenUnsatisfiable: "ScheduleAnyway" })

  it("is kept where it can be", () => {
    assert.deepStrictEqual(countsBy(zone, { types: abc, pods: pods(6, one, wish(zone)) }), { a: 2, b: 2, c: 2 })
  })

  it("is given up where it cannot", () => {
    const pinned = { ...wish(zone), nodeSelector: { [zone]: "a" } }
    assert.deepStrictEqual(countsBy(zone, { types: abc, nodes: crowd({ a: 5 }), pods: pods(2, one, pinned) }), { a: 2 })
    assert.deepStrictEqual(countsBy(zone, { types: zoned("a"), pods: pods(2, one, wish("example.com/rack")) }), { a: 2 })
  })

  it("does not give up one that must hold", () => {
    const both = { labels, topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: "example.com/rack", whenUnsatisfiable: "ScheduleAnyway", labelSelector: web },
      ...spread(zone).topologySpreadConstraints!
    ] }
    assert.deepStrictEqual(countsBy(zone, { types: abc, pods: pods(6, one, both) }), { a: 2, b: 2, c: 2 })
  })
})
