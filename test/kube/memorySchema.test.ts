import { assert, describe, it } from "@effect/vitest"
import { crds } from "../../src/apis/crds.ts"
import { Refusal } from "../../src/kube/memory/failure.ts"
import type { Stored } from "../../src/kube/memory/json.ts"
import { jsonPatch, mergePatch } from "../../src/kube/memory/patch.ts"
import type { Schema } from "../../src/kube/memory/schema.ts"
import { ApiServer } from "../../src/kube/memory/server.ts"
import { strategicPatch } from "../../src/kube/memory/strategicPatch.ts"
import { resource } from "../../src/kube/resources.ts"

const Things = resource("example.com/v1", "Thing", "things", "Cluster")

const definition = (spec: Schema) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Cluster",
    names: { kind: "Thing", plural: "things" },
    versions: [{
      name: "v1",
      served: true,
      storage: true,
      subresources: { status: {} },
      schema: { openAPIV3Schema: { type: "object", properties: { spec } } }
    }]
  }
})
const thing = (spec: unknown): Stored => ({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "a" }, spec })

const serverWith = (spec: Schema): ApiServer => {
  const server = new ApiServer({ now: () => 0 })
  server.install(definition(spec))
  return server
}

/** Field and message of each cause, or none where the object is taken. */
const causes = (call: () => unknown): ReadonlyArray<string> => {
  try {
    call()
    return []
  } catch (error) {
    if (!(error instanceof Refusal) || error.reason._tag !== "Invalid") throw error
    return error.reason.causes.map(({ field, message }) => `${field}: ${message}`)
  }
}

describe("validation", () => {
  const bad = (value: unknown, what: string, field = "spec") =>
    `${field}: Invalid value: ${JSON.stringify(value)}: ${field} in body ${what}`
  const should = (value: unknown, what: string, field = "spec") => bad(value, `should ${what}`, field)
  const strings: Schema = { type: "array", items: { type: "string" } }
  const map: Schema = { type: "object", additionalProperties: { type: "string", pattern: "^x$" } }
  const record: Schema = { type: "object", required: ["a"], properties: { a: { type: "string" } } }

  it.each<readonly [string, Schema, unknown, string | undefined]>([
    ["a type", { type: "integer" }, 1.5, bad("number", "must be of type integer: \"number\"")],
    ["two types", { "x-kubernetes-int-or-string": true }, true, bad("boolean", "must be of type integer,string: \"boolean\"")],
    ["an int-or-string", { "x-kubernetes-int-or-string": true, pattern: "^a" }, 3, undefined],
    ["an enum", { type: "string", enum: ["a", "b"] }, "c", "spec: Unsupported value: \"c\": supported values: \"a\", \"b\""],
    ["a minimum", { type: "integer", minimum: 1 }, 0, should(0, "be greater than or equal to 1")],
    ["a maximum", { type: "number", maximum: 2 }, 2.5, should(2.5, "be less than or equal to 2")],
    ["a minimal length", { type: "string", minLength: 1 }, "", should("", "be at least 1 chars long")],
    ["a maximal length", { type: "string", maxLength: 1 }, "ab", "spec: Too long: may not be more than 1 bytes"],
    ["a number of items", { ...strings, maxItems: 1 }, ["a", "b"], "spec: Too many: 2: must have at most 1 items"],
    ["a number of entries", { ...map, maxProperties: 1 }, { a: "x", b: "x" }, "spec: Too many: 2: must have at most 1 items"],
    ["what is required", record, {}, "spec.a: Required value"],
    ["members of a map", map, { k: "y" }, should("y", "match '^x$'", "spec.k")],
    ["a set", { ...strings, "x-kubernetes-list-type": "set" }, ["a", "a"], "spec[1]: Duplicate value: \"a\""]
  ])("knows %s", (_name, schema, value, expected) => {
    const server = serverWith(schema)
    assert.deepStrictEqual(
      causes(() => server.create(Things, thing(value))).filter((cause) => !cause.startsWith("<nil>")),
      expected === undefined ? [] : [expected]
    )
  })

  it("leaves alone what an update does not touch, as rules may have become stricter", () => {
    const schema = (old: Schema): Schema => ({ type: "object", properties: { old, other: { type: "integer" } } })
    const server = serverWith(schema({ type: "string" }))
    const made = server.create(Things, thing({ old: "long", other: 1 }))
    server.install(definition(schema({ type: "string", maxLength: 1 })))
    const changed = server.update(Things, { ...made, spec: { old: "long", other: 2 } } as Stored)
    assert.deepStrictEqual(changed["spec"], { old: "long", other: 2 })
    assert.lengthOf(causes(() => server.update(Things, { ...changed, spec: { old: "longer" } } as Stored)), 2)
  })

  it("refuses to install a rule that it cannot judge", () => {
    const schema: Schema = { type: "string", "x-kubernetes-validations": [{ rule: "self.isSorted()", message: "sort it" }] }
    assert.throws(() => serverWith(schema), /CEL rules without a predicate in kube\/memory\/cel.ts: self.isSorted\(\)/)
  })

  it("can judge every rule of our own definitions", () => {
    const server = new ApiServer({ now: () => 0 })
    for (const crd of crds) server.install(crd)
  })
})

describe("merge and JSON patches", () => {
  it.each([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
  ])("merge %j with %j as RFC 7386 says", (target, patch, expected) => {
    assert.deepStrictEqual(mergePatch(target, patch), expected)
  })

  it.each([
    [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [{ a: { b: 1 } }, [{ op: "move", from: "/a/b", path: "/c" }], { a: {}, c: 1 }],
    [{ a: { b: 1 } }, [{ op: "copy", from: "/a", path: "/c" }], { a: { b: 1 }, c: { b: 1 } }],
    [{ "~/": 1 }, [{ op: "test", path: "/~0~1", value: 1 }, { op: "replace", path: "/~0~1", value: 2 }], { "~/": 2 }]
  ])("change %j by %j as RFC 6902 says", (target, patch, expected) => assert.deepStrictEqual(jsonPatch(target, patch), expected))

  it.each([
    [[{ op: "replace", path: "/b", value: 1 }]],
    [[{ op: "add", path: "/a/5", value: 1 }]],
    [[{ op: "add", path: "/b/c", value: 1 }]],
    [[{ op: "test", path: "/a", value: [] }]],
    [[{ op: "paint", path: "/a" }]],
    [{ op: "add" }]
  ])("are refused: %j", (patch) => assert.throws(() => jsonPatch({ a: [1] }, patch), Refusal))
})

describe("strategic patches", () => {
  const a = { name: "a", image: "1" }
  const b = { name: "b", image: "1" }
  const containers = [a, b]
  it.each([
    ["merge lists by key", { containers: [{ name: "b", image: "2" }] }, { containers: [a, { ...b, image: "2" }] }],
    ["delete from them", { containers: [{ name: "a", $patch: "delete" }] }, { containers: [b] }],
    ["replace them", { containers: [{ $patch: "replace" }, { name: "c" }] }, { containers: [{ name: "c" }] }],
    ["ignore the order that kubectl asks for", { "$setElementOrder/containers": [{ name: "b" }] }, { containers }],
    ["keep only what is retained", { $retainKeys: ["x"], x: 1 }, { x: 1 }]
  ])("%s", (_name, patch, expected) => assert.deepStrictEqual(strategicPatch({ containers }, patch), expected))
})
