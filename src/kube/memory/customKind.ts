/** A kind that a CustomResourceDefinition defines. */
import { unknownRules } from "./cel.ts"
import { at, isObject } from "./json.ts"
import type { Fields, Stored } from "./json.ts"
import type { Kind } from "./kinds.ts"
import { complete, prune } from "./schema.ts"
import type { Schema } from "./schema.ts"
import { validate } from "./validation.ts"

const path = (text: unknown): ReadonlyArray<string> => String(text).split(".").filter((part) => part !== "")

/** What every object has whatever its schema says; `metadata` is looked after elsewhere. */
const root = (schema: Schema): Schema => ({
  ...schema,
  properties: {
    ...schema.properties,
    apiVersion: { type: "string" },
    kind: { type: "string" },
    metadata: { "x-kubernetes-preserve-unknown-fields": true }
  }
})

const schemaOf = (crd: Fields, version: Fields): Schema => {
  const name = String(at(crd, "metadata", "name"))
  const schema = at(version, "schema", "openAPIV3Schema")
  if (!isObject(schema)) throw new Error(`${name}: version ${String(version["name"])} has no schema`)
  const rules = unknownRules(schema as Schema)
  if (rules.length > 0) {
    throw new Error(`${name} has CEL rules without a predicate in kube/memory/cel.ts: ${rules.join("; ")}`)
  }
  return root(schema as Schema)
}

/**
 * Reads a definition (apiextensions.k8s.io/v1). Versions share the stored objects without conversion. Throws where it
 * has a CEL rule that is not known here.
 */
export const customKind = (crd: Fields): Kind => {
  const spec = crd["spec"]
  if (!isObject(spec)) throw new Error("a CustomResourceDefinition without a spec")
  const versions = (Array.isArray(spec["versions"]) ? spec["versions"] : []).filter(isObject)
  const served = versions.filter((version) => version["served"] === true)
  const storage = versions.find((version) => version["storage"] === true)
  if (storage === undefined) throw new Error(`${String(at(crd, "metadata", "name"))} has no storage version`)
  const schemas = new Map(served.map((version) => [String(version["name"]), schemaOf(crd, version)]))
  const schema = (version: string): Schema => schemas.get(version) ?? {}
  const scale = at(storage, "subresources", "scale")
  return {
    group: String(spec["group"]),
    kind: String(at(spec, "names", "kind")),
    plural: String(at(spec, "names", "plural")),
    namespaced: spec["scope"] === "Namespaced",
    versions: [...schemas.keys()],
    storageVersion: String(storage["name"]),
    custom: true,
    status: isObject(at(storage, "subresources", "status")),
    statusOnCreate: "dropped",
    generation: true,
    unconditionalUpdate: false,
    graceful: false,
    ...(isObject(scale) && { scale: { spec: path(scale["specReplicasPath"]), status: path(scale["statusReplicasPath"]) } }),
    name: "subdomain",
    fields: (Array.isArray(storage["selectableFields"]) ? storage["selectableFields"] : [])
      .map((field) => path(at(field, "jsonPath")).join(".")),
    complete: (object, version) => complete(schema(version), prune(schema(version), object)) as Stored,
    validate: (object, old, version) => validate(schema(version), object, old)
  }
}
