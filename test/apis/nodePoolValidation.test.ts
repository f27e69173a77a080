import { assert, describe, it } from "@effect/vitest"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { problemsText, validateNodePool } from "../../src/apis/nodePoolValidation.ts"
import { accepted } from "./crdCases.ts"
import { pool } from "./pools.ts"

type Requirement = NodePool["spec"]["template"]["spec"]["requirements"][number]

const requiring = (...requirements: ReadonlyArray<Requirement>) => pool({}, { requirements })
const labelled = (labels: Readonly<Record<string, string>>) => pool({}, {}, { labels })
const raw = (object: unknown) => object as NodePool
const l = "spec.template.metadata.labels"
const s = "spec.template.spec"
const r = "spec.template.spec.requirements[0]"

describe("validateNodePool", () => {
  it.each(accepted.filter(({ object }) => object["kind"] === "NodePool"))("has nothing to say about $name", ({ object }) => {
    assert.deepStrictEqual(validateNodePool(raw(object)), [])
  })

  it.each<readonly [string, NodePool, string, string]>([
    ["a label key that is none", labelled({ "a b": "c" }), `${l}[a b]`, "found \"a b\""],
    ["a label key of 64 characters", labelled({ [`x/${"a".repeat(64)}`]: "c" }), `${l}[x/${"a".repeat(64)}]`, "at most 63"],
    ["a label value that is none", labelled({ a: "-" }), `${l}[a]`, "found \"-\""],
    ["the nodepool label", labelled({ "karpenter.sh/nodepool": "x" }), `${l}[karpenter.sh/nodepool]`, "set by Karpenter itself"],
    ["a label of Karpenter's domain", labelled({ "a.karpenter.sh/b": "x" }), `${l}[a.karpenter.sh/b]`, "restricted"],
    ["a label of the provider's domain",
      labelled({ "karpenter.k8s.linode/b": "x" }),
      `${l}[karpenter.k8s.linode/b]`, "restricted"],
    ["the hostname label", labelled({ "kubernetes.io/hostname": "x" }), `${l}[kubernetes.io/hostname]`, "restricted"],
    ["a taint key that is none",
      pool({}, { taints: [{ key: "", effect: "NoSchedule" }] }),
      `${s}.taints[0].key`, "qualified name"],
    ["a taint value that is none",
      pool({}, { startupTaints: [{ key: "a", value: "b c", effect: "NoSchedule" }] }),
      `${s}.startupTaints[0].value`, "found \"b c\""],
    ["an effect that is none",
      raw(pool({}, { taints: [{ key: "a", effect: "Never" as "NoExecute" }] })),
      `${s}.taints[0].effect`, "found \"Never\""],
    ["a taint in both lists", pool({}, {
      taints: [{ key: "a", value: "x", effect: "NoSchedule" }],
      startupTaints: [{ key: "a", value: "y", effect: "NoSchedule" }]
    }), "spec.template.spec.startupTaints[0]", "already at spec.template.spec.taints[0]"],
    ["an operator that is none", requiring({ key: "a", operator: "Im" as "In", values: ["x"] }), `${r}.operator`, "found \"Im\""],
    ["a requirement of the nodepool",
      requiring({ key: "karpenter.sh/nodepool", operator: "Exists" }),
      `${r}.key`, "set by Karpenter itself"],
    ["a restricted key", requiring({ key: "karpenter.sh/x", operator: "Exists" }), `${r}.key`, "restricted"],
    ["a value that is none", requiring({ key: "a", operator: "In", values: ["b", "c d"] }), `${r}.values[1]`, "found \"c d\""],
    ["In without values", requiring({ key: "a", operator: "In" }), `${r}.values`, "at least one"],
    ["fewer values than minValues",
      requiring({ key: "a", operator: "In", values: ["b"], minValues: 2 }),
      `${r}.values`, "at least 2"],
    ["Gt without a number", requiring({ key: "a", operator: "Gt", values: ["b"] }), `${r}.values`, "one non-negative integer"],
    ["Lte with two numbers", requiring({ key: "a", operator: "Lte", values: ["1", "2"] }), `${r}.values`, "found [\"1\", \"2\"]"],
    ["no known capacity type",
      requiring({ key: "karpenter.sh/capacity-type", operator: "In", values: ["dedicated"] }),
      `${r}.values`, "on-demand"],
    ["too few known capacity types", requiring({
      key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand", "dedicated"], minValues: 2
    }), `${r}.values`, "found 1 known"],
    ["a schedule that is none",
      pool({ disruption: { budgets: [{ nodes: "1", schedule: "0 25 * * *", duration: "1h" }] } }),
      "spec.disruption.budgets[0].schedule", "0 25 * * *"]
  ])("finds %s", (_, object, field, message) => {
    const problems = validateNodePool(object)
    assert.deepStrictEqual(problems.map((problem) => problem.field), [field])
    assert.include(problems[0]?.message, message)
  })

  it("accepts well-known labels, old spellings of them, and capacity types some of which it knows", () => {
    assert.deepStrictEqual(validateNodePool(requiring(
      { key: "beta.kubernetes.io/arch", operator: "In", values: ["amd64"] },
      { key: "karpenter.k8s.linode/instance-cpu", operator: "Gt", values: ["3"] },
      { key: "karpenter.sh/capacity-type", operator: "In", values: ["on-demand", "dedicated"] },
      { key: "node.kubernetes.io/custom", operator: "DoesNotExist" }
    )), [])
  })

  it("finds everything at once, each with its field", () => {
    const problems = validateNodePool(pool({}, {
      requirements: [{ key: "a", operator: "In" }, { key: "b c", operator: "Exists" }]
    }, { labels: { "kubernetes.io/hostname": "x" } }))
    assert.deepStrictEqual(problems.map(({ field }) => field), [
      `${l}[kubernetes.io/hostname]`,
      "spec.template.spec.requirements[0].values",
      "spec.template.spec.requirements[1].key"
    ])
    assert.include(problemsText(problems), "; spec.template.spec.requirements[0].values: found none")
  })

  it("says what to write instead of v1beta1's spellings", () => {
    const old = raw({
      ...pool(),
      apiVersion: "karpenter.sh/v1beta1",
      spec: {
        disruption: { consolidationPolicy: "WhenUnderutilized", expireAfter: "720h" },
        template: {
          spec: {
            requirements: [],
            kubelet: { maxPods: 10 },
            nodeClassRef: { apiVersion: "karpenter.k8s.linode/v1alpha1", kind: "K", name: "n" }
          }
        }
      }
    })
    assert.deepStrictEqual(validateNodePool(old).map(({ field, message }) => [field, /write (.*) instead/u.exec(message)?.[1]]), [
      ["apiVersion", "karpenter.sh/v1"],
      ["spec.disruption.consolidationPolicy", "WhenEmptyOrUnderutilized"],
      ["spec.disruption.expireAfter", "spec.template.spec.expireAfter"],
      ["spec.template.spec.kubelet", "spec.kubelet of the LinodeNodeClass"],
      ["spec.template.spec.nodeClassRef.apiVersion", "group: karpenter.k8s.linode"]
    ])
  })
})
