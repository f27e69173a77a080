/** The problems that a Schema finds in a value, as people read them: `spec.replicas: found "two", expected an integer`. */
import { Result, Schema, SchemaIssue } from "effect"
import type { SchemaAST } from "effect"

const kinds: Readonly<Record<string, string>> = {
  String: "text", Number: "a number", Boolean: "true or false", Objects: "an object", Arrays: "a list"
}

const ofChecks = (checks: SchemaAST.AST["checks"]): string | undefined => {
  const expected = checks?.[0]?.annotations?.["expected"]
  return typeof expected === "string" ? expected : undefined
}

/** What a Schema accepts, in words that fit after "expected". */
const expectedBy = (ast: SchemaAST.AST): string => {
  const checked = ofChecks(ast.checks)
  if (checked !== undefined) return checked
  if (ast._tag === "Literal") return String(ast.literal)
  if (ast._tag !== "Union") return kinds[ast._tag] ?? "something else"
  const parts = [...new Set(ast.types.map(expectedBy))]
  return ast.types.every((type) => type._tag === "Literal") ? `one of ${parts.join(", ")}` : parts.join(" or ")
}

const longest = 60

/** A value as it stands in the input, cut when it is long. */
export const foundText = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list"
  if (typeof value === "object" && value !== null) return "an object"
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** `spec.containers[0].resources.limits[nvidia.com/gpu]`. */
export const fieldPath = (path: ReadonlyArray<PropertyKey>): string => path.reduce<string>((text, key) => {
  const word = String(key)
  if (typeof key === "number" || !/^[A-Za-z_]\w*$/.test(word)) return `${text}[${word}]`
  return text === "" ? word : `${text}.${word}`
}, "")

/** The Schema of a member of an object or a list. */
const memberOf = (ast: SchemaAST.AST | undefined, key: PropertyKey): SchemaAST.AST | undefined => {
  if (ast?._tag === "Arrays") return ast.rest[0]
  if (ast?._tag !== "Objects") return undefined
  return ast.propertySignatures.find((field) => field.name === key)?.type ?? ast.indexSignatures[0]?.type
}

type Path = ReadonlyArray<PropertyKey>

const line = (path: Path, text: string): string => path.length === 0 ? text : `${fieldPath(path)}: ${text}`

const mismatch = (path: Path, issue: SchemaIssue.Issue, expected: string): string =>
  line(path, `found ${SchemaIssue.hasInput(issue) ? foundText(issue.input) : "something else"}, expected ${expected}`)

const walk = (issue: SchemaIssue.Issue, path: Path, ast: SchemaAST.AST | undefined): ReadonlyArray<string> => {
  switch (issue._tag) {
    case "Pointer":
      return walk(issue.issue, [...path, ...issue.path], issue.path.reduce(memberOf, ast))
    case "Composite":
      return issue.issues.flatMap((each) => walk(each, path, issue.ast))
    case "AnyOf":
      // One member alone took the value for its own.
      return issue.issues.length === 1 ? walk(issue.issues[0]!, path, issue.ast) : [mismatch(path, issue, expectedBy(issue.ast))]
    case "Filter": {
      const expected = issue.filter.annotations?.["expected"]
      return [mismatch(path, issue, typeof expected === "string" ? expected : "another value")]
    }
    case "Encoding":
      return walk(issue.issue, path, ast)
    case "InvalidType":
      return [mismatch(path, issue, expectedBy(issue.ast))]
    case "MissingKey":
      return [line(path, `missing${ast === undefined ? "" : `, expected ${expectedBy(ast)}`}`)]
    default:
      return [mismatch(path, issue, "another value")]
  }
}

/** The value as the Schema knows it, or every problem with it. Fields that the Schema does not name are dropped. */
export const makeReader = <S extends Schema.Constraint & { readonly DecodingServices: never }>(
  schema: S
): (value: unknown) => Result.Result<S["Type"], ReadonlyArray<string>> => {
  const decode = Schema.decodeUnknownResult(schema, { errors: "all", reportInput: true })
  return (value) => Result.mapError(decode(value), ({ issue }) => walk(issue, [], schema.ast))
}
