import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { load } from "js-yaml"
import { crds } from "../../src/apis/crds.ts"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import type { KubeObject } from "../../src/kube/objects.ts"
import { resource } from "../../src/kube/resources.ts"
import { Refusal } from "../../src/kube/memory/failure.ts"
import { ApiServer } from "../../src/kube/memory/server.ts"
import { accepted, nodePool, refused, refusedUpdates } from "./crdCases.ts"

type Json = Readonly<Record<string, unknown>>

const serving = () => {
  const server = new ApiServer({ now: () => 0 })
  for (const crd of crds) server.install(crd)
  return server
}
const kind = (object: Json) => {
  const found = crds.find((crd) => crd.spec.names.kind === object["kind"])
  if (found === undefined) throw new Error(`no kind ${String(object["kind"])}`)
  return resource(String(object["apiVersion"]), found.spec.names.kind, found.spec.names.plural, found.spec.scope)
}
const plain = (object: Json) => JSON.parse(JSON.stringify(object)) as KubeObject
const refusal = (write: () => unknown): Refusal => {
  try {
    write()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  return assert.fail("was accepted")
}

describe("the API server in memory, like a real one,", () => {
  it.each(accepted)("accepts $name", ({ object }) => {
    const created = serving().create(kind(object), plain(object)) as unknown as Json
    assert.strictEqual(created["apiVersion"], object["apiVersion"])
  })

  it.each([
    "v1/linodenodeclass", "v1/nodepool", "features/static-nodepool", "features/nodeoverlay", "features/capacitybuffer"
  ])("accepts the example %s.yaml", (name) => {
    const example = load(readFileSync(new URL(`../../examples/${name}.yaml`, import.meta.url), "utf8")) as Json
    const created = serving().create(kind(example), plain(example))
    assert.deepInclude(created.metadata, example["metadata"] as Json)
  })

  it.each(refused)("refuses $name", ({ object, field, rule }) => {
    const { reason } = refusal(() => serving().create(kind(object), plain(object)))
    if (reason._tag !== "Invalid") assert.fail(reason._tag)
    assert.include(reason.causes.map((cause) => cause.field), field)
    if (rule !== undefined) assert.isTrue(reason.causes.some((cause) => cause.field === field && cause.message.includes(rule)))
  })

  it.each(refusedUpdates)("refuses $name", ({ before, after, rule }) => {
    const server = serving()
    const { metadata } = server.create(kind(before), plain(before))
    const { reason } = refusal(() => server.update(kind(after), { ...plain(after), metadata }))
    if (reason._tag !== "Invalid") assert.fail(reason._tag)
    assert.isTrue(reason.causes.some(({ message }) => message.includes(rule)))
  })

  it("fills in what a small NodePool leaves out", () => {
    const { spec } = serving().create(kind(nodePool()), plain(nodePool())) as unknown as NodePool
    assert.deepStrictEqual(spec.disruption, {
      budgets: [{ nodes: "10%" }],
      consolidateAfter: "0s",
      consolidationPolicy: "WhenEmptyOrUnderutilized"
    })
    assert.strictEqual(spec.template.spec.expireAfter, "720h")
  })

  it("gives a LinodeNodeClass of either version a spec", () => {
    const server = serving()
    const old = { apiVersion: "karpenter.k8s.linode/v1alpha1", kind: "LinodeNodeClass", metadata: { name: "case" } }
    server.create(kind(old), old)
    const read = server.get(LinodeNodeClasses, { name: "case" })
    assert.strictEqual(read.apiVersion, "karpenter.k8s.linode/v1")
    assert.deepStrictEqual(read["spec"], {})
  })
})
