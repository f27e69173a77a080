import { assert, describe, it } from "@effect/vitest"
import type { LabelSelector, PodAffinityTerm } from "../../src/scheduling/index.ts"
import { Namespaces } from "../../src/scheduling/namespaces.ts"
import { isAmong, peersOf } from "../../src/scheduling/selector.ts"
import { node, pod } from "./build.ts"

const inNamespace = (name: string) => ({ ...pod(name, { cpu: 1 }), metadata: { name, namespace: name } })
const namespaces = new Namespaces({
  namespaces: [
    { metadata: { name: "red", labels: { team: "a" } } },
    { metadata: { name: "blue", labels: { team: "b" } } },
    { metadata: { name: "bare" } }
  ],
  pods: [inNamespace("red"), inNamespace("green")],
  nodes: [node("n1", 4, 8, { pods: [inNamespace("running")] })]
})
const named = (operator: string, ...values: ReadonlyArray<string>): LabelSelector =>
  ({ matchExpressions: [{ key: "kubernetes.io/metadata.name", operator, values }] })

describe("a term of pod affinity speaks of", () => {
  it.each<[string, Partial<PodAffinityTerm>, ReadonlyArray<string> | "all"]>([
    ["its own namespace, where it says nothing", {}, ["red"]],
    ["its own namespace, where its list is empty", { namespaces: [] }, ["red"]],
    ["the namespaces it lists", { namespaces: ["blue", "absent", "blue"] }, ["absent", "blue"]],
    ["every namespace, by an empty selector", { namespaceSelector: {} }, "all"],
    ["every namespace, by a selector of empty lists", { namespaceSelector: { matchLabels: {}, matchExpressions: [] } }, "all"],
    ["the namespaces its selector selects", { namespaceSelector: { matchLabels: { team: "a" } } }, ["red"]],
    ["those and the ones it lists", { namespaceSelector: { matchLabels: { team: "a" } }, namespaces: ["blue"] }, ["blue", "red"]],
    ["nobody, where its selector selects none", { namespaceSelector: { matchLabels: { team: "c" } } }, []],
    ["a namespace by its name", { namespaceSelector: named("In", "bare") }, ["bare"]],
    ["those it names that nobody describes", { namespaceSelector: named("In", "green", "running") }, ["green", "running"]],
    ["all but one", { namespaceSelector: named("NotIn", "red") }, ["bare", "blue", "green", "running"]],
    [
      "namespaces without a label",
      { namespaceSelector: { matchExpressions: [{ key: "team", operator: "DoesNotExist" }] } }, ["bare", "green", "running"]
    ]
  ])("%s", (_, term, expected) => {
    const peers = peersOf({ topologyKey: "zone", labelSelector: {}, ...term }, "red", undefined, namespaces)
    assert.deepStrictEqual(peers, { namespaces: expected, selector: {} })
    assert.strictEqual(isAmong(peers, "blue", undefined), expected === "all" || expected.includes("blue"))
  })

  it("no other namespaces than those it lists, where none are known", () => {
    const term = { topologyKey: "zone", namespaceSelector: { matchLabels: { team: "a" } }, namespaces: ["blue"] }
    assert.deepStrictEqual(peersOf(term, "red", undefined).namespaces, ["blue"])
  })
})
