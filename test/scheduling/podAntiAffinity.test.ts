import { assert, describe, it } from "@effect/vitest"
import { pod, pods } from "./build.ts"
import { abc, at, closed, countsBy, hostname, inValues, judged, placesBy, requires, running, web, zone } from "./judged.ts"

const labels = { app: "web" }
const apart = (topologyKey: string, extra: object = {}) => ({ ...requires("podAntiAffinity", topologyKey, extra), labels })
const away = (topologyKey: string, extra: object = {}) => requires("podAntiAffinity", topologyKey, extra)
const one = { cpu: 1 }

describe("pods that want to be apart", () => {
  it("get a host each", () => {
    assert.strictEqual(judged({ types: abc, pods: pods(5, one, apart(hostname)) }).newNodes.length, 5)
  })

  it("get a zone each, as many as there are", () => {
    const places = countsBy(zone, { types: abc, pods: pods(5, one, apart(zone)) })
    assert.isAtLeast(places.nowhere!, 2)
    assert.isTrue(Object.entries(places).every(([where, count]) => where === "nowhere" || count === 1))
  })

  it("are all placed where each says its zone", () => {
    const each = ["a", "b", "c"].map((name) => pod(name, one, { ...apart(zone), nodeSelector: { [zone]: name } }))
    assert.deepStrictEqual(placesBy(zone, { types: abc, pods: each }), { a: "a", b: "b", c: "c" })
  })

  it("keep out of the zones where some run", () => {
    const nodes = ["a", "b"].map((name) => closed(name, name, [running(`old-${name}`, labels)]))
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes, pods: pods(2, one, apart(zone)) }), { c: "p0", nowhere: "p1" })
  })

  it("let others join them", () => {
    const parts = { types: abc, pods: [...pods(2, one, apart(hostname)), pod("other", one)] }
    assert.strictEqual(judged(parts).newNodes.length, 2)
  })
})

describe("pods that want to be away from others", () => {
  it("leave the host that these are on", () => {
    const nodes = [at("n", "a", [running("old", labels)]), at("m", "a")]
    assert.deepStrictEqual(placesBy(hostname, { types: abc, nodes, pods: [pod("wary", one, away(hostname))] }), { m: "wary" })
  })

  it("leave the zone that these are in", () => {
    const nodes = ["a", "c"].map((name) => at(name, name, [running(`old-${name}`, labels)]))
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes, pods: [pod("wary", one, away(zone))] }), { b: "wary" })
  })

  it("are not met by these where they run", () => {
    const wary = running("wary", {}, away(zone))
    const nodes = [at("n", "a", [wary]), closed("m", "c", [running("wary-too", {}, away(zone))])]
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes, pods: [pod("web", one, { labels })] }), { b: "web" })
    assert.deepStrictEqual(placesBy(zone, { types: abc, nodes, pods: [pod("other", one)] }), { a: "other" })
  })

  it("are not met by these in the batch, whoever is larger", () => {
    for (const cpu of ["500m", "1500m"]) {
      const parts = { types: abc, pods: [pod("wary", one, away(hostname)), pod("web", { cpu }, { labels })] }
      assert.strictEqual(judged(parts).newNodes.length, 2)
    }
  })

  it("meet those that nobody wants only as a wish", () => {
    const wish = { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 100, podAffinityTerm: { topologyKey: hostname, labelSelector: web } }
    ] } } }
    const nodes = [at("n", "a", [running("shy", {}, wish)])]
    assert.deepStrictEqual(placesBy(hostname, { types: abc, nodes, pods: [pod("web", one, { labels })] }), { n: "web" })
  })

  it("keep out of a host by any of their rules", () => {
    const wary = pod("wary", one, { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: hostname, labelSelector: web }, { topologyKey: zone, labelSelector: { matchLabels: { app: "db" } } }
    ] } } })
    const nodes = [at("n", "a", [running("old", labels)]), at("m", "b", [running("db", { app: "db" })]), at("k", "c")]
    assert.deepStrictEqual(placesBy(hostname, { types: abc, nodes, pods: [wary] }), { k: "wary" })
  })

  it("keep apart by a label of instance types", () => {
    const key = "linode/class"
    const types = ["shared", "dedicated"].map((value, i) => ({ ...abc[i]!, labels: { [key]: value } }))
    const nodes = [closed("n", "a", [running("old", labels)], { [key]: "shared" })]
    assert.deepStrictEqual(
      placesBy(key, { types, wellKnownLabels: [key], nodes, pods: [pod("wary", one, away(key))] }), { dedicated: "wary" }
    )
  })

  it("forget pods that are on their way out", () => {
    const old = running("old", labels)
    const going = { ...old, metadata: { ...old.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }
    assert.deepStrictEqual(placesBy(hostname, {
      types: abc, nodes: [at("n", "a", [going])], pods: [pod("wary", one, away(hostname))]
    }), { n: "wary" })
  })
})

describe("whom an anti-affinity means", () => {
  const namespaces = [{ metadata: { name: "other", labels: { stage: "test" } } }]
  const staged = { matchLabels: { stage: "test" } }
  const inNamespace = (namespace: string, it: ReturnType<typeof pod>) => ({ ...it, metadata: { ...it.metadata, namespace } })

  const table: ReadonlyArray<[string, string, object, boolean]> = [
    ["its own namespace", "default", {}, true],
    ["no other, where it names none", "other", {}, false],
    ["the namespaces that it lists", "other", { namespaces: ["other"] }, true],
    ["all, for an empty selector of namespaces", "unheard-of", { namespaceSelector: {} }, true],
    ["the namespaces that its selector selects", "other", { namespaceSelector: staged }, true],
    ["not those that it does not", "default", { namespaceSelector: staged }, false],
    ["nobody, without a selector of pods", "default", { labelSelector: undefined }, false],
    ["everybody, by an empty one", "default", { labelSelector: {} }, true],
    ["pods of its own revision", "default", { matchLabelKeys: ["rev"] }, true],
    ["no pods of its own revision, where it says so", "default", { mismatchLabelKeys: ["rev"] }, false]
  ]

  it.each(table)("is %s", (_, namespace, extra, meant) => {
    const old = inNamespace(namespace, running("old", { ...labels, rev: "1" }))
    const wary = pod("wary", one, { ...away(hostname, extra), labels: { rev: "1" } })
    const places = placesBy(hostname, { types: abc, namespaces, nodes: [at("n", "a", [old])], pods: [wary] })
    assert.strictEqual(places.n === undefined, meant)
  })

  it.each(table)("is %s, seen from the other side", (_, namespace, extra, meant) => {
    const old = running("old", { rev: "1" }, away(hostname, extra))
    const came = inNamespace(namespace, pod("web", one, { labels: { ...labels, rev: "1" } }))
    const places = placesBy(hostname, { types: abc, namespaces, nodes: [at("n", "a", [old])], pods: [came] })
    assert.strictEqual(places.n === undefined, meant)
  })

  it("can be the pods of all other tenants", () => {
    const labelSelector = { matchExpressions: [{ key: "tenant", operator: "Exists" }] }
    const tenant = (name: string, of: string) => pod(name, one, {
      ...away(hostname, { labelSelector, mismatchLabelKeys: ["tenant"] }), labels: { tenant: of }
    })
    const plan = judged({ types: abc, pods: [tenant("a1", "a"), tenant("b1", "b"), tenant("a2", "a"), tenant("b2", "b")] })
    const names = plan.newNodes.map((made) => made.pods.map(({ name }) => name).sort().join(" ")).sort()
    assert.deepStrictEqual(names, ["a1 a2", "b1 b2"])
  })

  it("can be told by expressions", () => {
    const wary = pod("wary", one, away(hostname, { labelSelector: { matchExpressions: [inValues("app", "db", "web")] } }))
    const places = placesBy(hostname, { types: abc, nodes: [at("n", "a", [running("old", labels)])], pods: [wary] })
    assert.isUndefined(places.n)
  })
})
