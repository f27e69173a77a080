/** What plan --consolidate finds in a cluster as kubectl shows it, and what it says of every node. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import type { BadInput } from "../../src/commands/plan/badInput.ts"
import type { Consolidated } from "../../src/commands/plan/consolidate.ts"
import { consolidationText, makeConsolidation } from "../../src/commands/plan/consolidation.ts"
import { ConsolidationJson, consolidationJson } from "../../src/commands/plan/consolidationJson.ts"
import { readDocuments } from "../../src/commands/plan/documents.ts"
import { plain } from "../../src/commands/plan/page.ts"
import { list, node, nodePool, pod, standard } from "./support.ts"
import type { Fields } from "./support.ts"

const how = { untilStable: false, minimumSavings: 0, podPrice: undefined }

const consolidate = Effect.fnUntraced(function*(
  text: string, more: Partial<typeof how> = {}
): Effect.fn.Return<Consolidated & { readonly json: ConsolidationJson }, BadInput> {
  const given = { ...how, ...more }
  const documents = yield* readDocuments([{ name: "input.yaml", text }])
  const made = yield* makeConsolidation(documents, undefined, { ...standard, searchMillis: 60_000, consolidate: given }, given)
  return { ...made, json: consolidationJson(made) }
})

const labels = {
  "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "karpenter.sh/nodepool": "default", "karpenter.sh/registered": "true",
  "karpenter.sh/initialized": "true", "karpenter.sh/capacity-type": "on-demand", "topology.kubernetes.io/zone": "us-ord",
  "topology.kubernetes.io/region": "us-ord", "node.kubernetes.io/instance-type": "g6-standard-6"
}

/** A node of the NodePool default, at $0.144 an hour. */
const linode = (name: string, more: Fields = {}, rest: Parameters<typeof node>[2] = {}): Fields => node(name, { ...labels, ...more }, rest)

const anyNumber = { consolidateAfter: "0s", budgets: [{ nodes: "100%" }] }
const pool = (disruption: Fields = anyNumber): Fields =>
  nodePool("default", { disruption }, { requirements: [{ key: "karpenter.k8s.linode/instance-class", operator: "In", values: ["standard"] }] })

const on = (nodeName: string, name: string, metadata: Fields = {}, cpu = "500m"): Fields =>
  pod(name, { cpu, memory: "512Mi" }, { nodeName }, { labels: { app: name }, ...metadata })

const claim = (name: string, conditions: ReadonlyArray<string>, metadata: Fields = {}): Fields => ({
  apiVersion: "karpenter.sh/v1",
  kind: "NodeClaim",
  metadata: { name: `claim-${name}`, labels, ...metadata },
  spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } },
  status: {
    nodeName: name, providerID: `linode://${name}`, capacity: { cpu: "8" },
    conditions: conditions.map((type) => ({ type, status: "True" }))
  }
})

const joined = ["Launched", "Registered", "Initialized"]
const quiet = [...joined, "Consolidatable"]

const fragmented = readFileSync(resolve(import.meta.dirname, "../../examples/plan/fragmented.yaml"), "utf8")

const removed = ({ disruptions }: ConsolidationJson): ReadonlyArray<string> => disruptions.flatMap(({ remove }) => remove).toSorted()
const keptAs = ({ kept }: ConsolidationJson) => Object.fromEntries(kept.map(({ node: name, reason }) => [name, reason]))

describe("plan --consolidate", () => {
  it.effect("prints the documented keys and nothing else", () => Effect.gen(function*() {
    const { json } = yield* consolidate(fragmented)
    yield* Schema.decodeUnknownEffect(ConsolidationJson)(JSON.parse(JSON.stringify(json)), { onExcessProperty: "error" })
    assert.deepStrictEqual(Object.keys(json), ["version", "disruptions", "kept", "totals", "elapsedMs"])
    const bought = json.disruptions.find(({ replace }) => replace.length > 0)!
    assert.deepStrictEqual(Object.keys(bought), ["reason", "remove", "replace", "moves", "hourlySavings", "podsMoved"])
    assert.deepStrictEqual(Object.keys(bought.replace[0]!), ["name", "nodePool", "instanceType", "zone", "hourlyPrice", "pods"])
    assert.deepStrictEqual(Object.keys(bought.moves[0]!), ["pod", "to"])
  }))

  it.effect("takes empty nodes first, within the budget, and one command of the others", () => Effect.gen(function*() {
    const { json } = yield* consolidate(fragmented)
    assert.deepStrictEqual(json.disruptions.map(({ reason }) => reason), ["Empty", "Underutilized"])
    assert.deepStrictEqual(json.disruptions[0]!.remove, ["pool-d"])
    // Half of seven nodes.
    assert.isAtMost(removed(json).length, 4)
  }))

  it.effect("goes on until nothing is left to do with --until-stable, and says of every node what becomes of it", () => Effect.gen(function*() {
    const { json } = yield* consolidate(fragmented, { untilStable: true })
    const { after, before } = json.totals
    const bought = json.disruptions.flatMap(({ replace }) => replace)
    const saved = json.disruptions.reduce((sum, { hourlySavings }) => sum + hourlySavings, 0)
    assert.closeTo(before.hourlyPrice - after.hourlyPrice, saved, 1e-9)
    assert.strictEqual(after.nodes, before.nodes - removed(json).length + bought.length)
    assert.isAtMost(after.lowerBound, after.hourlyPrice)
    assert.deepStrictEqual(
      [...removed(json), ...json.kept.map((each) => each.node)].toSorted(),
      [...["a", "b", "c", "d", "e", "f", "g"].map((letter) => `pool-${letter}`), ...bought.map(({ name }) => name)].toSorted()
    )
    assert.deepInclude(keptAs(json), { "pool-e": "DoNotDisrupt", "pool-f": "PodDisruptionBudget" })
    assert.isAtMost(after.hourlyPrice, 0.18)
  }))

  it.effect("moves every pod of a node that goes, once for each time", () => Effect.gen(function*() {
    const { json } = yield* consolidate(fragmented)
    const { moves, podsMoved, remove } = json.disruptions[1]!
    assert.strictEqual(moves.length, podsMoved)
    assert.strictEqual(new Set(moves.map((move) => move.pod)).size, podsMoved)
    assert.deepStrictEqual(moves.filter(({ to }) => remove.includes(to)), [])
  }))

  it.effect("does the same to the cluster that it leaves: nothing", () => Effect.gen(function*() {
    const { json } = yield* consolidate(list(pool(), linode("a", { "node.kubernetes.io/instance-type": "g6-standard-1" }), on("a", "p")))
    assert.deepStrictEqual(json.disruptions, [])
    assert.deepStrictEqual(keptAs(json), { a: "NoCheaperPlacement" })
  }))

  it.effect("says why the controller would not touch a node", () => Effect.gen(function*() {
    const selecting = { selector: { matchLabels: { app: "guarded" } }, maxUnavailable: 0 }
    const pdb = { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "pdb" }, spec: selecting, status: { disruptionsAllowed: 0 } }
    const { json } = yield* consolidate(list(
      pool(), pdb,
      node("foreign"),
      linode("annotated", {}, { metadata: { annotations: { "karpenter.sh/do-not-disrupt": "true" }, labels: { ...labels } } }),
      linode("young", { "karpenter.sh/initialized": "false" }),
      linode("holding"), on("holding", "held", { annotations: { "karpenter.sh/do-not-disrupt": "true" } }),
      linode("guard"), on("guard", "guarded"),
      linode("odd", { "node.kubernetes.io/instance-type": "g9-unheard-of" }), on("odd", "pod-on-odd"),
      linode("going", {}, { metadata: { deletionTimestamp: "1970-01-01T00:00:00Z", labels } })
    ))
    assert.deepStrictEqual(keptAs(json), {
      annotated: "DoNotDisrupt", foreign: "Unmanaged", going: "Deleting", guard: "PodDisruptionBudget", holding: "DoNotDisrupt",
      odd: "Unpriced", young: "Uninitialized"
    })
    const said = new Map(json.kept.map(({ message, node: name }) => [name, message]))
    assert.include(said.get("holding"), "default/held")
    assert.include(said.get("guard"), "default/guarded")
    assert.include(said.get("odd"), "g9-unheard-of")
  }))

  it.each([
    ["a budget of zero", { ...anyNumber, budgets: [{ nodes: "0" }] }, { a: "Budget", b: "Budget", empty: "Budget" }],
    ["consolidateAfter: Never", { consolidateAfter: "Never" }, { a: "Policy", b: "Policy", empty: "Policy" }],
    ["WhenEmpty", { ...anyNumber, consolidationPolicy: "WhenEmpty" }, { a: "Policy", b: "Policy" }]
  ])("heeds %s", (_, disruption, expected) => Effect.runPromise(Effect.gen(function*() {
    const { json } = yield* consolidate(list(pool(disruption), linode("a"), linode("b"), linode("empty"), on("a", "p"), on("b", "q")))
    assert.deepStrictEqual(keptAs(json), expected)
  })))

  it.effect("believes the NodeClaims of the input: one that is not consolidatable yet holds its node", () => Effect.gen(function*() {
    const { json, notes } = yield* consolidate(list(
      pool(), claim("a", quiet), claim("b", joined), linode("a"), linode("b"), on("a", "p"), on("b", "q"), linode("loose"), on("loose", "r")
    ))
    assert.deepStrictEqual(keptAs(json), { b: "ConsolidateAfter", loose: "Unmanaged" })
    assert.deepStrictEqual(removed(json), ["a"])
    assert.deepStrictEqual(notes.filter((note) => note.includes("NodeClaim")), [])
  }))

  it.effect("counts empty nodes that the budget lets go in a later round with --until-stable only", () => Effect.gen(function*() {
    const cluster = list(pool({ consolidateAfter: "0s", budgets: [{ nodes: "1" }] }), linode("a"), linode("b"), linode("c"))
    const now = yield* consolidate(cluster)
    assert.deepStrictEqual([removed(now.json), keptAs(now.json)], [["a"], { b: "Budget", c: "Budget" }])
    const later = yield* consolidate(cluster, { untilStable: true })
    assert.deepStrictEqual(later.json.disruptions.map(({ remove }) => remove), [["a"], ["b"], ["c"]])
    assert.strictEqual(later.json.totals.after.nodes, 0)
  }))

  it.effect("asks of a command to save as much as is said", () => Effect.gen(function*() {
    const cluster = list(pool(), linode("a"), linode("b"), on("a", "p"), on("b", "q"))
    assert.isNotEmpty((yield* consolidate(cluster)).json.disruptions)
    const { json } = yield* consolidate(cluster, { minimumSavings: 1 })
    assert.deepStrictEqual(json.disruptions, [])
    assert.deepStrictEqual(keptAs(json), { a: "SavingsTooSmall", b: "SavingsTooSmall" })
  }))

  it.effect("counts pods that wait and have no place", () => Effect.gen(function*() {
    const { unplaced } = yield* consolidate(list(pool(), linode("a"), pod("big", { memory: "9000Gi" })))
    assert.strictEqual(unplaced, 1)
  }))

  it.effect("is a page of at most its width that names every node", () => Effect.gen(function*() {
    const made = yield* consolidate(fragmented, { untilStable: true })
    for (const width of [60, 100]) {
      const lines = consolidationText(made, { width, paint: plain })
      assert.deepStrictEqual(lines.filter((line) => line.length > width), [])
      for (const letter of ["a", "b", "c", "d", "e", "f", "g"]) assert.include(lines.join("\n"), `pool-${letter}`)
    }
    const none = yield* consolidate(list(pool()))
    assert.strictEqual(consolidationText(none, { width: 100, paint: plain })[0], "Nothing to do: 0 nodes for $0.000/h.")
  }))
})
