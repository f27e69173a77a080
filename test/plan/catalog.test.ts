/** What new nodes are chosen from: a catalogue of either form, or the price list of a region. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { list, node, nodePool, plan, pod, problems } from "./support.ts"
import type { Fields } from "./support.ts"

const offering = (zone: string, price: number, more: Fields = {}) => ({ zone, capacityType: "on-demand", price, available: true, ...more })
const type = (name: string, cpu: number, price: number, more: Fields = {}) => ({
  name, capacity: { cpu: String(cpu), memory: `${cpu * 4}Gi`, pods: "110" }, overhead: { cpu: "100m" }, labels: {}, requirements: [],
  offerings: [offering("a", price), offering("b", price + 0.25)], ...more
})
const given = (...instanceTypes: ReadonlyArray<Fields>) => ({ version: 1, wellKnownLabels: ["example.com/size"], instanceTypes })

const linodeType = (id: string, vcpus: number, hourly: number, more: Fields = {}) => ({
  id, label: id, class: "standard", vcpus, memory: vcpus * 4096, disk: vcpus * 81920, gpus: 0, accelerated_devices: 0, transfer: 1000,
  network_out: 1000, price: { hourly, monthly: hourly * 730 }, region_prices: [], successor: null, addons: {}, ...more
})
const reply = (...data: ReadonlyArray<Fields>) => ({ data, page: 1, pages: 1, results: data.length })

const ask = (catalogue: unknown, ...objects: ReadonlyArray<Fields>) =>
  Effect.map(plan(list(nodePool(), ...objects), { catalogue }), ({ json }) => json)

describe("a catalogue", () => {
  it.effect("of any cloud brings types, zones and labels of its own", () => Effect.gen(function*() {
    const json = yield* ask(
      given(type("small", 2, 0.05), type("large", 8, 0.25, { labels: { "example.com/size": "large" }, requirements: [{ key: "example.com/gen", operator: "In", values: ["3"] }] })),
      pod("a", { cpu: "1" }), pod("b", { cpu: "1" }, { nodeSelector: { "example.com/size": "large", "topology.kubernetes.io/zone": "b" } })
    )
    const [large] = json.newNodes.filter((made) => made.instanceType === "large")
    assert.deepInclude(large, { zone: "b", capacityType: "on-demand", hourlyPrice: 0.5, nodePool: "default" })
    assert.deepStrictEqual(large!.labels, {
      "karpenter.sh/nodepool": "default",
      "example.com/size": "large",
      "example.com/gen": "3",
      "kubernetes.io/arch": "amd64",
      "kubernetes.io/os": "linux",
      "node.kubernetes.io/instance-type": "large",
      "topology.kubernetes.io/zone": "b",
      "karpenter.sh/capacity-type": "on-demand"
    })
  }))

  it.effect("may say another architecture, and several systems", () => Effect.gen(function*() {
    const requirements = [
      { key: "kubernetes.io/arch", operator: "In", values: ["arm64"] }, { key: "kubernetes.io/os", operator: "In", values: ["linux", "windows"] }
    ]
    const json = yield* ask(given(type("arm", 2, 0.05, { requirements })), pod("a"), pod("b", {}, { nodeSelector: { "kubernetes.io/os": "linux" } }))
    assert.deepStrictEqual(json.newNodes.map(({ labels }) => [labels["kubernetes.io/arch"], labels["kubernetes.io/os"]]), [["arm64", "linux"]])
    assert.strictEqual((yield* ask(given(type("arm", 2, 0.05, { requirements })), pod("a"))).newNodes[0]!.labels["kubernetes.io/os"], undefined)
  }))

  it.effect("may have offerings that are not to be had", () => Effect.gen(function*() {
    const json = yield* ask(given(type("sold-out", 4, 0.01, { offerings: [offering("a", 0.01, { available: false })] }), type("there", 4, 0.1)), pod("a"))
    assert.deepStrictEqual(json.newNodes.map((made) => made.instanceTypeOptions), [["there"]])
  }))

  it.effect("lets NodePools and pods name its labels, whatever their domain", () => Effect.gen(function*() {
    const catalogue = { ...given(type("a", 4, 0.1, { labels: { "fake.karpenter.sh/tier": "gold" } })), wellKnownLabels: ["fake.karpenter.sh/tier"] }
    const requirements = [{ key: "fake.karpenter.sh/tier", operator: "Exists" }]
    const { json } = yield* plan(
      list(nodePool("default", {}, { requirements }), pod("a", {}, { nodeSelector: { "fake.karpenter.sh/tier": "gold" } })), { catalogue }
    )
    assert.deepStrictEqual([json.totals.newNodes, json.totals.unschedulable], [1, 0])
  }))

  it.effect("of another cloud serves NodePools of any node class", () => Effect.gen(function*() {
    const nodeClassRef = { group: "karpenter.test.sh", kind: "TestNodeClass", name: "x" }
    const input = list(nodePool("default", {}, { nodeClassRef }), pod("a"))
    assert.strictEqual((yield* plan(input, { catalogue: given(type("t", 4, 0.1)) })).json.totals.newNodes, 1)
    const { json, notes } = yield* plan(input)
    assert.strictEqual(json.unschedulable[0]!.reasons[0]!.reason, "NoNodePools")
    assert.deepStrictEqual(notes, ["NodePool default is left out: its nodes are made by another provider (TestNodeClass)"])
  }))

  it.effect("may be Linode's own reply, read as the controller reads it", () => Effect.gen(function*() {
    const catalogue = reply(
      linodeType("g6-standard-2", 2, 0.036), linodeType("g6-standard-4", 4, 0.072, { region_prices: [{ id: "us-ord", hourly: 0.02, monthly: 15 }] }),
      linodeType("g6-nanode-1", 1, 0.0075, { class: "nanode" })
    )
    const json = yield* ask(catalogue, pod("a"))
    assert.deepInclude(json.newNodes[0], { instanceType: "g6-standard-4", hourlyPrice: 0.02, zone: "us-ord" })
    assert.deepStrictEqual(json.newNodes[0]!.instanceTypeOptions, ["g6-standard-4", "g6-standard-2"])
    assert.strictEqual(json.newNodes[0]!.labels["karpenter.k8s.linode/instance-class"], "standard")
    assert.strictEqual(json.newNodes[0]!.labels["topology.kubernetes.io/region"], "us-ord")
  }))

  const wrong: ReadonlyArray<readonly [string, unknown, string]> = [
    ["is something else", { types: [] }, "catalog.json: data: missing, expected Linode's reply of /linode/types, or an object with version and instanceTypes"],
    ["is of another version", { ...given(), version: 2 }, "catalog.json: version: found 2, expected 1"],
    ["has no version", { instanceTypes: [] }, "catalog.json: version: missing, expected 1"],
    ["has no types", { version: 1 }, "catalog.json: instanceTypes: missing, expected a list"],
    ["has a price below 0", given(type("a", 1, 0, { offerings: [offering("a", -1)] })),
      "catalog.json: instanceTypes[0].offerings[0].price: found -1, expected a price in US dollars an hour, 0 or more"],
    ["has a capacity that is no quantity", given(type("a", 1, 0, { capacity: { cpu: "x" } })),
      "catalog.json: instanceTypes[0].capacity.cpu: found \"x\", expected a quantity such as 500m or 2Gi"],
    ["has a type without offerings", given(type("a", 1, 0, { offerings: undefined })), "catalog.json: instanceTypes[0].offerings: missing, expected a list"],
    ["names a type twice", given(type("a", 1, 1), type("a", 2, 2)),
      "catalog.json: instanceTypes[1]: found \"a\" again, which is at instanceTypes[0], expected each type once"],
    ["has a Linode type without memory", reply(linodeType("a", 1, 1, { memory: undefined })), "catalog.json: data[0].memory: missing, expected an integer"],
    ["is a list", [], "catalog.json: found an empty list, expected an object with data or with version and instanceTypes"]
  ]
  it.effect.each(wrong)("that %s is refused by its field", ([, catalogue, expected]) => Effect.gen(function*() {
    assert.deepStrictEqual(yield* problems(list(nodePool()), { catalogue }), [expected])
  }))
})

describe("the region", () => {
  const nowhere = { flag: undefined, variable: undefined }
  const inRegion = (region: string): Fields => ({ "topology.kubernetes.io/region": region })
  const zoneOf = (options: Parameters<typeof plan>[1], ...objects: ReadonlyArray<Fields>) =>
    Effect.map(plan(list(nodePool(), pod("a", { cpu: "7", memory: "14Gi" }), ...objects), options), ({ json, notes }) =>
      [json.newNodes[0]?.zone, notes] as const)

  it.effect("is the one asked for, else the nodes' own, else that of the environment", () => Effect.gen(function*() {
    const nodes = [node("a", inRegion("de-fra-2"), { spec: { unschedulable: true } })]
    assert.deepStrictEqual(yield* zoneOf({ region: { flag: "us-sea", variable: "nl-ams" } }, ...nodes), ["us-sea", []])
    assert.deepStrictEqual(yield* zoneOf({ region: { flag: undefined, variable: "nl-ams" } }, ...nodes), ["de-fra-2", []])
    assert.deepStrictEqual(yield* zoneOf({ region: { flag: undefined, variable: "nl-ams" } }), ["nl-ams", []])
  }))

  it.effect("is otherwise the one that a NodePool requires, or us-ord, and said to be", () => Effect.gen(function*() {
    const requirements = [{ key: "topology.kubernetes.io/region", operator: "In", values: ["nl-ams"] }]
    const tied = nodePool("tied", { weight: 10 }, { requirements })
    assert.deepStrictEqual(yield* zoneOf({ region: nowhere }, tied), ["nl-ams", ["prices are those of nl-ams, which a NodePool requires"]])
    assert.deepStrictEqual(yield* zoneOf({ region: nowhere }), ["us-ord", ["nothing tells the region: prices are those of us-ord; --region takes another"]])
  }))

  it.effect("that Linode does not have is answered with those that are near", () => Effect.gen(function*() {
    const [found] = yield* problems(list(nodePool()), { region: { flag: "us-orb", variable: undefined } })
    assert.match(found!, /^--region: found "us-orb", expected a region of Linode; near to it: us-ord \(Chicago, IL\), /)
    const [byPlace] = yield* problems(list(nodePool()), { region: { flag: undefined, variable: "Seattle" } })
    assert.match(byPlace!, /^LINODE_REGION: found "Seattle", expected a region of Linode; near to it: us-sea \(Seattle, WA\), /)
  }))

  it.effect("sets the price", () => Effect.gen(function*() {
    const price = (flag: string) => Effect.map(plan(list(nodePool(), pod("a")), { region: { flag, variable: undefined } }), ({ json }) => json.totals.hourlyPrice)
    assert.isAbove(yield* price("br-gru"), yield* price("us-ord"))
  }))
})
