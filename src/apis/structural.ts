/**
 * What a CustomResourceDefinition says about a field and an Effect Schema has no word for: defaults that the API server
 * fills in, CEL rules, list types. It travels as an annotation on the Schema; `crd.ts` reads it back.
 *
 * Everything a Schema can say itself (types, optional keys, literals, patterns, lengths, ranges) is said there, once.
 */
import { Schema } from "effect"

export type Json = string | number | boolean | null | ReadonlyArray<Json> | { readonly [key: string]: Json }

/** A CEL rule (`x-kubernetes-validations`). A rule that names `oldSelf` is checked on updates only. */
export interface Rule {
  readonly rule: string
  readonly message: string
}

export interface Structural {
  /** Filled in by the API server when the field is absent. */
  readonly default?: Json
  readonly rules?: ReadonlyArray<Rule>
  readonly listType?: "atomic" | "set" | "map"
  readonly listMapKeys?: ReadonlyArray<string>
  readonly mapType?: "atomic" | "granular"
  readonly format?: "int32" | "int64" | "date-time"
  /** The server accepts an integer too, where this program only ever reads and writes text. */
  readonly intOrString?: boolean
}

const key = "karpenter-linode/structural"

/** An annotation for `.annotate`. Repeated annotations of one Schema replace each other: prefer `optional` and `required`. */
export const structural = (said: Structural): Schema.Annotations.Annotations => ({ [key]: said })

/** What `structural` left in a bag of annotations. */
export const structuralOf = (annotations: Schema.Annotations.Annotations | undefined): Structural =>
  (annotations?.[key] ?? {}) as Structural

/** A field that may be absent. Its description is what `kubectl explain` shows. */
export const optional = <S extends Schema.Top>(schema: S, description: string, said: Structural = {}) =>
  Schema.optionalKey(schema).pipe(Schema.annotateKey({ description, ...structural(said) }))

/** A field that must be there (after the API server has filled in its default). */
export const required = <S extends Schema.Top>(schema: S, description: string, said: Structural = {}) =>
  schema.pipe(Schema.annotateKey({ description, ...structural(said) }))
