/**
 * From a Schema to the CustomResourceDefinition (apiextensions.k8s.io/v1) that the API server is given.
 *
 * The server wants a *structural* schema: every node has a type, there is no `$ref`, `anyOf` only as int-or-string.
 * A Schema that has no structural form is a bug in `src/apis` and throws when the CRDs are generated.
 */
import type { Schema, SchemaAST } from "effect"
import { type Rule, type Structural, structuralOf } from "./structural.ts"

export interface JsonSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean"
  readonly description?: string
  readonly default?: unknown
  readonly format?: string
  readonly enum?: ReadonlyArray<string>
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: JsonSchema
  readonly items?: JsonSchema
  readonly anyOf?: ReadonlyArray<JsonSchema>
  readonly "x-kubernetes-int-or-string"?: true
  readonly "x-kubernetes-list-type"?: string
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>
  readonly "x-kubernetes-map-type"?: string
  readonly "x-kubernetes-validations"?: ReadonlyArray<Rule>
}

export interface PrinterColumn {
  readonly name: string
  readonly type: "string" | "integer" | "date"
  readonly jsonPath: string
  /** 1 hides the column unless `-o wide` asks for it. */
  readonly priority?: number
  readonly description?: string
}

/** A kind as its CRD names it. Kinds here have a status subresource. */
export interface KindDefinition {
  readonly group: string
  readonly kind: string
  readonly plural: string
  /** Absent: cluster-scoped. */
  readonly namespaced?: true
  readonly shortNames?: ReadonlyArray<string>
  /** Absent: `karpenter`. */
  readonly categories?: ReadonlyArray<string>
  /** Served versions, all with this one schema; the first is the stored one. */
  readonly versions: ReadonlyArray<string>
  readonly description: string
  readonly spec: Schema.Top
  readonly status: Schema.Top
  /** Absent: the object must have a spec. Else what the server fills in. */
  readonly specDefault?: Readonly<Record<string, never>>
  readonly scale?: { readonly specReplicasPath: string; readonly statusReplicasPath: string }
  readonly columns: ReadonlyArray<PrinterColumn>
}

export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1"
  readonly kind: "CustomResourceDefinition"
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly group: string
    readonly names: {
      readonly categories: ReadonlyArray<string>
      readonly kind: string
      readonly listKind: string
      readonly plural: string
      readonly shortNames?: ReadonlyArray<string>
      readonly singular: string
    }
    readonly scope: "Cluster" | "Namespaced"
    readonly conversion: { readonly strategy: "None" }
    readonly versions: ReadonlyArray<{
      readonly name: string
      readonly served: true
      readonly storage: boolean
      readonly additionalPrinterColumns: ReadonlyArray<PrinterColumn>
      readonly schema: { readonly openAPIV3Schema: JsonSchema }
      readonly subresources: {
        readonly status: Readonly<Record<string, never>>
        readonly scale?: KindDefinition["scale"]
      }
    }>
  }
}

const filters = (checks: ReadonlyArray<SchemaAST.Check<never>>): ReadonlyArray<SchemaAST.Filter<never>> =>
  checks.flatMap((check) => check._tag === "Filter" ? [check] : filters(check.checks))

const filtersOf = (ast: SchemaAST.AST) => filters((ast.checks ?? []) as ReadonlyArray<SchemaAST.Check<never>>)

/** What the checks of a node say in JSON Schema's words. */
const constraints = (ast: SchemaAST.AST, type: JsonSchema["type"]): JsonSchema => {
  const merged: Record<string, unknown> = {}
  for (const filter of filtersOf(ast)) {
    const said: unknown = filter.annotations?.toJsonSchema?.({ type, schemas: [] } as never)
    const words: object = Array.isArray(said) ? said[0] : said ?? {}
    // Such as a pattern without the flag `u`: it must not get lost without a word.
    if (Object.keys(words).length === 0) throw new Error(`a check has no words in JSON Schema: ${filter.annotations?.expected}`)
    Object.assign(merged, words)
  }
  if (typeof merged["pattern"] === "string") merged["pattern"] = merged["pattern"].replaceAll("\\/", "/")
  // The range of JavaScript's integers is not a rule of the API.
  if (merged["minimum"] === Number.MIN_SAFE_INTEGER) delete merged["minimum"]
  if (merged["maximum"] === Number.MAX_SAFE_INTEGER) delete merged["maximum"]
  return merged
}

const describe = (said: Structural, description: unknown): JsonSchema => ({
  ...(typeof description === "string" && { description }),
  ...(said.default !== undefined && { default: said.default }),
  ...(said.format !== undefined && { format: said.format }),
  ...(said.listType !== undefined && { "x-kubernetes-list-type": said.listType }),
  ...(said.listMapKeys !== undefined && { "x-kubernetes-list-map-keys": said.listMapKeys }),
  ...(said.mapType !== undefined && { "x-kubernetes-map-type": said.mapType }),
  ...(said.rules !== undefined && said.rules.length > 0 && { "x-kubernetes-validations": said.rules })
})

/** Annotations of the node, of its checks (where `.annotate` puts them when there are any), then of the key it sits under. */
const annotated = (ast: SchemaAST.AST): { readonly said: Structural; readonly description: unknown } => {
  const bags = [ast.annotations, ...filtersOf(ast).map((filter) => filter.annotations), ast.context?.annotations]
  return bags.reduce<{ said: Structural; description: unknown }>((all, bag) => ({
    said: { ...all.said, ...structuralOf(bag) },
    description: bag?.["description"] ?? all.description
  }), { said: {}, description: undefined })
}

const intOrString = { anyOf: [{ type: "integer" }, { type: "string" }], "x-kubernetes-int-or-string": true } as const

const literals = (types: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<string> | undefined => {
  const found = types.flatMap((type) => type._tag === "Literal" && typeof type.literal === "string" ? [type.literal] : [])
  return found.length === types.length ? found : undefined
}

const shape = (ast: SchemaAST.AST): JsonSchema => {
  switch (ast._tag) {
    case "String":
      return { type: "string", ...constraints(ast, "string") }
    case "Number":
      return { type: "number", ...constraints(ast, "number") }
    case "Boolean":
      return { type: "boolean" }
    case "Literal":
      if (typeof ast.literal === "string") return { type: "string", enum: [ast.literal] }
      break
    case "Union": {
      const options = literals(ast.types)
      if (options !== undefined) return { type: "string", enum: options }
      const text = ast.types.find((type) => type._tag === "String")
      if (ast.types.length === 2 && text !== undefined && ast.types.some((type) => type._tag === "Number")) {
        return { ...intOrString, ...constraints(text, "string") }
      }
      break
    }
    case "Arrays": {
      const item = ast.rest[0]
      if (ast.elements.length === 0 && item !== undefined) {
        return { type: "array", items: structuralSchema(item), ...constraints(ast, "array") }
      }
      break
    }
    case "Objects": {
      const value = ast.indexSignatures[0]?.type
      if (value !== undefined) {
        return { type: "object", additionalProperties: structuralSchema(value), ...constraints(ast, "object") }
      }
      const fields = ast.propertySignatures.toSorted((a, b) => String(a.name) < String(b.name) ? -1 : 1)
      const needed = fields.filter((field) => field.type.context?.isOptional !== true).map((field) => String(field.name))
      return {
        type: "object",
        ...(fields.length > 0 && {
          properties: Object.fromEntries(fields.map((field) => [String(field.name), structuralSchema(field.type)]))
        }),
        ...(needed.length > 0 && { required: needed })
      }
    }
  }
  throw new Error(`a ${ast._tag} has no structural schema`)
}

/** The structural schema of a Schema's AST, with all its annotations. */
export const structuralSchema = (ast: SchemaAST.AST): JsonSchema => {
  const { said, description } = annotated(ast)
  const { type, ...rest } = shape(ast)
  const typed: JsonSchema = {
    ...(said.intOrString === true ? intOrString : type === undefined ? {} : { type }),
    ...rest
  }
  const format = typed.type === "integer" ? { format: said.format ?? "int64" } : {}
  return { ...describe(said, description), ...format, ...typed }
}

const root = (definition: KindDefinition): JsonSchema => ({
  type: "object",
  description: definition.description,
  properties: {
    apiVersion: { type: "string", description: "The version of the schema that this object is written in." },
    kind: { type: "string", description: "The kind of this object." },
    metadata: { type: "object" },
    spec: {
      ...structuralSchema(definition.spec.ast),
      ...(definition.specDefault !== undefined && { default: definition.specDefault })
    },
    status: structuralSchema(definition.status.ast)
  },
  ...(definition.specDefault === undefined && { required: ["spec"] })
})

/** The CRD of a kind. The same input always gives the same object, keys in the same order. */
export const customResourceDefinition = (definition: KindDefinition): CustomResourceDefinition => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `${definition.plural}.${definition.group}` },
  spec: {
    group: definition.group,
    names: {
      categories: definition.categories ?? ["karpenter"],
      kind: definition.kind,
      listKind: `${definition.kind}List`,
      plural: definition.plural,
      ...(definition.shortNames !== undefined && { shortNames: definition.shortNames }),
      singular: definition.kind.toLowerCase()
    },
    scope: definition.namespaced === true ? "Namespaced" : "Cluster",
    conversion: { strategy: "None" },
    versions: definition.versions.map((name, position) => ({
      name,
      served: true,
      storage: position === 0,
      additionalPrinterColumns: definition.columns,
      schema: { openAPIV3Schema: root(definition) },
      subresources: { status: {}, ...(definition.scale !== undefined && { scale: definition.scale }) }
    }))
  }
})
