import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { readFileSync } from "node:fs"
import { load } from "js-yaml"
import { customResourceDefinition, type JsonSchema, structuralSchema } from "../../src/apis/crd.ts"
import { crds, definitions } from "../../src/apis/crds.ts"
import * as ruleGroups from "../../src/apis/rules.ts"
import { optional, required, type Rule } from "../../src/apis/structural.ts"
import { accepted, refused, refusedUpdates } from "./crdCases.ts"

type Case = { readonly object: Readonly<Record<string, unknown>> }

const definitionOf = ({ object }: Case) => {
  const found = definitions.find((definition) => definition.kind === object["kind"])
  if (found === undefined) throw new Error(`no definition of ${String(object["kind"])}`)
  return found
}
// As JSON, where an absent field and one that is undefined are the same.
const decode = (test: Case) =>
  Schema.decodeUnknownResult(Schema.Struct({ spec: definitionOf(test).spec as Schema.Decoder<unknown> }), { errors: "all" })(
    JSON.parse(JSON.stringify(test.object))
  )
/** `spec.tags[0]` as Effect writes it: `["spec"]["tags"][0]`. */
const issuePath = (field: string): string => field.replace(/\.?([^.[\]]+)(?![^[]*\])/gu, "[\"$1\"]")

const kindOf = (name: string) => {
  const found = crds.find((crd) => crd.metadata.name === name)
  if (found === undefined) throw new Error(`no CRD ${name}`)
  return found
}
const node = (name: string, path: string): JsonSchema =>
  path.split(".").reduce<JsonSchema>((schema, key) => {
    const next = key === "[]" ? schema.items : schema.properties?.[key]
    if (next === undefined) throw new Error(`no ${key} of ${path}`)
    return next
  }, kindOf(name).spec.versions[0]?.schema.openAPIV3Schema ?? {})

const rulesIn = (schema: JsonSchema): ReadonlyArray<Rule> => [
  ...schema["x-kubernetes-validations"] ?? [],
  ...Object.values(schema.properties ?? {}).flatMap(rulesIn),
  ...schema.items === undefined ? [] : rulesIn(schema.items),
  ...schema.additionalProperties === undefined ? [] : rulesIn(schema.additionalProperties)
]

describe("the Schemas", () => {
  it.each(accepted)("accept $name", (test) => {
    assert.isTrue(Result.isSuccess(decode(test)))
  })

  // Uniqueness in a list is the server's own rule for list type `set`.
  it.each(refused.filter((test) => test.rule === undefined && !test.name.endsWith(" twice")))("refuse $name", (test) => {
    const result = decode(test)
    if (Result.isSuccess(result)) assert.fail("was accepted")
    assert.include(result.failure.message, `at ${issuePath(test.field)}`)
  })
})

describe("the CRDs", () => {
  it.each([...refused, ...refusedUpdates.map((update) => ({ ...update, object: update.after, field: "spec" }))]
    .flatMap(({ name, object, rule }) => rule === undefined ? [] : [{ name, object, rule }]))(
    "carry the rule against $name",
    (test) => {
      const rules = rulesIn(customResourceDefinition(definitionOf(test)).spec.versions[0]?.schema.openAPIV3Schema ?? {})
      assert.isTrue(rules.some(({ message }) => message.includes(test.rule)))
    }
  )

  it("use every rule that is written down, and no other", () => {
    const written = Object.values(ruleGroups).flatMap((group) => Object.values<Rule | ReadonlyArray<Rule>>(group)).flat()
    const used = crds.flatMap((crd) => rulesIn(crd.spec.versions[0]?.schema.openAPIV3Schema ?? {}))
    const texts = (rules: ReadonlyArray<Rule>) => [...new Set(rules.map(({ message, rule }) => `${message}: ${rule}`))].toSorted()
    assert.deepStrictEqual(texts(used), texts(written))
  })

  it("fill in a NodePool's disruption block and its nodes' age", () => {
    const pool = "nodepools.karpenter.sh"
    assert.deepStrictEqual(node(pool, "spec.disruption").default, { consolidateAfter: "0s" })
    assert.strictEqual(node(pool, "spec.disruption.consolidationPolicy").default, "WhenEmptyOrUnderutilized")
    assert.deepStrictEqual(node(pool, "spec.disruption.budgets").default, [{ nodes: "10%" }])
    assert.strictEqual(node(pool, "spec.disruption.budgets.[].nodes").default, "10%")
    assert.strictEqual(node(pool, "spec.template.spec.expireAfter").default, "720h")
    assert.strictEqual(node("nodeclaims.karpenter.sh", "spec.expireAfter").default, "720h")
  })

  it("put the pattern of values on the values, not on their list", () => {
    const list = node("nodepools.karpenter.sh", "spec.template.spec.requirements.[].values")
    assert.isUndefined(list.pattern)
    assert.strictEqual(list.items?.maxLength, 63)
    assert.isString(list.items?.pattern)
  })

  it("serve LinodeNodeClass as v1 and v1alpha1 with one schema, and store v1", () => {
    const { conversion, versions } = kindOf("linodenodeclasses.karpenter.k8s.linode").spec
    assert.deepStrictEqual(
      versions.map(({ name, served, storage }) => [name, served, storage]),
      [["v1", true, true], ["v1alpha1", true, false]]
    )
    assert.deepStrictEqual(versions[0]?.schema, versions[1]?.schema)
    assert.deepStrictEqual(conversion, { strategy: "None" })
  })

  it("let a LinodeNodeClass leave out everything", () => {
    assert.deepStrictEqual(node("linodenodeclasses.karpenter.k8s.linode", "spec").default, {})
    assert.isUndefined(node("linodenodeclasses.karpenter.k8s.linode", "spec").required)
  })

  it("have the names, columns and subresources that users know", () => {
    assert.deepStrictEqual(
      crds.map(({ spec: { names, scope, versions } }) => [
        names.plural, names.shortNames ?? [], names.categories, scope,
        versions[0]?.additionalPrinterColumns.map(({ name, priority }) => priority === 1 ? `(${name})` : name).join(" ")
      ]),
      [
        ["capacitybuffers", ["cb"], [], "Namespaced",
          "Strategy PodTemplate Replicas ConditionsType ConditionsStatus ConditionsReason Age"],
        ["linodenodeclasses", ["lnc", "lncs"], ["karpenter"], "Cluster", "Ready Age"],
        ["nodeclaims", [], ["karpenter"], "Cluster",
          "Type Capacity Zone Node Ready Age (ImageID) (ID) (NodePool) (NodeClass) (Drifted)"],
        ["nodeoverlays", ["overlays"], ["karpenter"], "Cluster", "Ready Age (Weight)"],
        ["nodepools", [], ["karpenter"], "Cluster", "NodeClass Nodes Ready Age (Weight) (CPU) (Memory)"]
      ]
    )
    assert.deepStrictEqual(kindOf("nodepools.karpenter.sh").spec.versions[0]?.subresources, {
      status: {},
      scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.nodes" }
    })
  })

  it("are what the files say", () => {
    for (const crd of crds) {
      const name = `${crd.spec.group}_${crd.spec.names.plural}.yaml`
      for (const folder of ["crds", "charts/karpenter-crd/templates"]) {
        const file = new URL(`../../${folder}/${name}`, import.meta.url)
        assert.deepStrictEqual(load(readFileSync(file, "utf8")), JSON.parse(JSON.stringify(crd)), `${folder}/${name}`)
      }
    }
  })
})

describe("the generator", () => {
  it("turns optional keys, literals and text-or-number into their structural forms", () => {
    const schema = Schema.Struct({
      mode: required(Schema.Literals(["a", "b"]), "A mode.", { default: "a" }),
      size: optional(Schema.Union([Schema.String.check(Schema.isPattern(/^x$/u)), Schema.Int]), "A size."),
      tags: optional(Schema.Array(Schema.String).check(Schema.isMaxLength(2)), "Tags.", { listType: "set" })
    })
    assert.deepStrictEqual(structuralSchema(schema.ast), {
      type: "object",
      properties: {
        mode: { description: "A mode.", default: "a", type: "string", enum: ["a", "b"] },
        size: {
          description: "A size.",
          anyOf: [{ type: "integer" }, { type: "string" }],
          "x-kubernetes-int-or-string": true,
          pattern: "^x$"
        },
        tags: { description: "Tags.", "x-kubernetes-list-type": "set", type: "array", items: { type: "string" }, maxItems: 2 }
      },
      required: ["mode"]
    })
  })

  it("refuses what has no structural form instead of leaving it out", () => {
    assert.throws(() => structuralSchema(Schema.Union([Schema.Boolean, Schema.String]).ast), "no structural schema")
    assert.throws(() => structuralSchema(Schema.String.check(Schema.isPattern(/^x$/)).ast), "no words in JSON Schema")
  })
})
