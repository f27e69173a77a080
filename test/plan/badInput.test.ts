/** Input that cannot be used: one line per problem, with file, document and field. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { badInput } from "../../src/commands/plan/badInput.ts"
import { list, nodePool, pod, problems } from "./support.ts"
import type { Fields } from "./support.ts"

const one = (object: unknown): string => JSON.stringify(object)
const requiring = (requirement: Fields): Fields => nodePool("default", {}, { requirements: [requirement] })

describe("bad input", () => {
  const cases: ReadonlyArray<readonly [name: string, input: string, expected: string]> = [
    ["a quantity that is none", one(pod("web", { cpu: "abc" })),
      "input.yaml, document 1 (Pod default/web): spec.containers[0].resources.requests.cpu: found \"abc\", expected a quantity such as 500m or 2Gi"],
    ["a negative quantity", one(pod("web", { memory: -1 })),
      "input.yaml, document 1 (Pod default/web): spec.containers[0].resources.requests.memory: found -1, expected a quantity such as 500m or 2Gi"],
    ["a field of another type", one({ ...pod("web"), metadata: { name: "web", labels: { version: 2 } } }),
      "input.yaml, document 1 (Pod default/web): metadata.labels.version: found 2, expected a label value of at most 63 characters"],
    ["a pod without containers", one({ apiVersion: "v1", kind: "Pod", metadata: { name: "web" }, spec: {} }),
      "input.yaml, document 1 (Pod default/web): spec.containers: missing, expected at least one container"],
    ["a word that is none of those allowed", one(pod("web", {}, { tolerations: [{ key: "a", operator: "Is" }] })),
      "input.yaml, document 1 (Pod default/web): spec.tolerations[0].operator: found \"Is\", expected one of Exists, Equal, Lt, Gt"],
    ["a pod without a name", one({ ...pod("web"), metadata: {} }),
      "input.yaml, document 1 (Pod): metadata.name: missing, expected a name"],
    ["something else than an object", "- a\n- b\n", "input.yaml, document 1: found a list, expected a Kubernetes object"],
    ["no kind", one({ apiVersion: "v1" }), "input.yaml, document 1: kind: missing, expected the kind of a Kubernetes object such as Pod"],
    ["no apiVersion", one({ kind: "Pod" }),
      "input.yaml, document 1: apiVersion: missing, expected the version of the API such as v1 or karpenter.sh/v1"],
    ["a kind that is misspelled", one({ ...pod("a"), kind: "pod" }), "input.yaml, document 1: kind: found \"pod\", expected Pod"],
    ["a kind that Karpenter does not have", one({ apiVersion: "karpenter.sh/v1alpha5", kind: "Provisioner", metadata: { name: "a" } }),
      "input.yaml, document 1: kind: found \"Provisioner\", expected NodePool or NodeClaim"],
    ["a kind of another group", one({ apiVersion: "v1", kind: "Deployment", metadata: { name: "a" } }),
      "input.yaml, document 1: apiVersion: found \"v1\", expected apps/v1 for a Deployment"],
    ["an item of a list", list(pod("a"), pod("b", { cpu: "1x" })),
      "input.yaml, document 1, items[1] (Pod default/b): spec.containers[0].resources.requests.cpu: found \"1x\", expected a quantity such as 500m or 2Gi"],
    ["the same name twice", `${one(pod("a"))}\n${one(pod("a"))}`,
      "input.yaml, document 2 (Pod default/a): this name is already at input.yaml, document 1, expected each object once"],
    ["a NodePool without nodeClassRef", one(nodePool("default", {}, { nodeClassRef: undefined })),
      "input.yaml, document 1 (NodePool default): spec.template.spec.nodeClassRef: missing, expected an object"],
    ["an operator that needs values", one(requiring({ key: "kubernetes.io/arch", operator: "In" })),
      "input.yaml, document 1 (NodePool default): spec.template.spec.requirements[0].values: found none, expected at least one value for operator In"],
    ["a label of Karpenter's own domain", one(requiring({ key: "karpenter.sh/color", operator: "In", values: ["red"] })),
      "input.yaml, document 1 (NodePool default): spec.template.spec.requirements[0].key: \"karpenter.sh/color\" is restricted, expected a label outside Karpenter's own domains"],
    ["a spelling of v1beta1", one(nodePool("default", { disruption: { consolidationPolicy: "WhenUnderutilized" } })),
      "input.yaml, document 1 (NodePool default): spec.disruption.consolidationPolicy: a v1beta1 spelling: write WhenEmptyOrUnderutilized instead"],
    ["a limit that is no quantity", one(nodePool("default", { limits: { cpu: "many" } })),
      "input.yaml, document 1 (NodePool default): spec.limits.cpu: found \"many\", expected a quantity such as 500m or 2Gi"],
    ["nothing at all", "---\n# only a comment\n---\n", "input.yaml: nothing in it, expected Kubernetes objects"],
    ["broken YAML", "a: 1\nb: [1,\nc: 2\n", "input.yaml, line 3, column 1: deficient indentation"],
    ["a key twice in YAML", "kind: Pod\nkind: Node\n", "input.yaml, line 2, column 1: duplicated mapping key"]
  ]
  it.effect.each(cases)("%s is told with its place", ([, input, expected]) => Effect.gen(function*() {
    assert.deepStrictEqual(yield* problems(input), [expected])
  }))

  it.effect("is told all at once", () => Effect.gen(function*() {
    const found = yield* problems(list(pod("a", { cpu: "x", memory: "y" }), pod("b", {}, { nodeSelector: { zone: 1 } })))
    assert.deepStrictEqual(found.map((line) => line.split(": ")[1]), [
      "spec.containers[0].resources.requests.cpu", "spec.containers[0].resources.requests.memory", "spec.nodeSelector.zone"
    ])
  }))

  it("shows ten problems and counts the others", () => {
    const lines = badInput(...Array.from({ length: 14 }, (_, i) => `problem ${i}`)).message.split("\n")
    assert.deepStrictEqual([lines[0], lines[1], lines.at(-2), lines.at(-1)], ["14 problems", "problem 0", "problem 9", "and 4 more"])
    assert.strictEqual(badInput("only this").message, "only this")
  })
})
