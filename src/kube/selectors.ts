/** Label and field selectors, as text in a request or as an object in a spec. */
import { Result } from "effect"
import type { LabelSelector, LabelSelectorRequirement } from "./objects.ts"

type Labels = Readonly<Record<string, string>>

/** One demand on a value that may be absent. */
export interface Requirement {
  readonly key: string
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist"
  readonly values: ReadonlyArray<string>
}

/** All of them must hold; none at all matches everything. */
export type Selector = ReadonlyArray<Requirement>

const holds = (requirement: Requirement, value: string | undefined): boolean => {
  switch (requirement.operator) {
    case "In": return value !== undefined && requirement.values.includes(value)
    // As Kubernetes has it, an absent label is in no set.
    case "NotIn": return value === undefined || !requirement.values.includes(value)
    case "Exists": return value !== undefined
    case "DoesNotExist": return value === undefined
  }
}

export const matchesLabels = (selector: Selector, labels: Labels | undefined): boolean =>
  selector.every((requirement) => holds(requirement, labels?.[requirement.key]))

const operators: ReadonlyArray<string> = ["In", "NotIn", "Exists", "DoesNotExist"]

const fromExpression = (expression: LabelSelectorRequirement): Requirement => {
  if (!operators.includes(expression.operator)) return { key: expression.key, operator: "In", values: [] }
  return { key: expression.key, operator: expression.operator as Requirement["operator"], values: expression.values ?? [] }
}

/**
 * The selector of a spec. An empty one matches everything; an absent one matches nothing, as for PodDisruptionBudgets.
 * An unknown operator matches nothing.
 */
export const fromLabelSelector = (selector: LabelSelector | undefined): Selector | undefined =>
  selector === undefined ? undefined : [
    ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): Requirement => ({ key, operator: "In", values: [value] })),
    ...(selector.matchExpressions ?? []).map(fromExpression)
  ]

/** Whether the selector of a spec takes an object with these labels. */
export const selectsLabels = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean => {
  const parsed = fromLabelSelector(selector)
  return parsed !== undefined && matchesLabels(parsed, labels)
}

const splitOutsideParentheses = (text: string): ReadonlyArray<string> => {
  const parts: Array<string> = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") depth++
    else if (text[i] === ")") depth--
    else if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  parts.push(text.slice(start))
  return parts
}

const key = "[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
const value = "(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
const setBased = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const equality = new RegExp(`^(${key})\\s*(=|==|!=)\\s*(${value})$`)
const existence = new RegExp(`^(!?)\\s*(${key})$`)

const parseLabelRequirement = (part: string): Requirement | undefined => {
  const set = setBased.exec(part)
  if (set !== null) {
    const values = set[3]!.split(",").map((each) => each.trim())
    return { key: set[1]!, operator: set[2] === "in" ? "In" : "NotIn", values }
  }
  const equal = equality.exec(part)
  if (equal !== null) return { key: equal[1]!, operator: equal[2] === "!=" ? "NotIn" : "In", values: [equal[3]!] }
  const exists = existence.exec(part)
  return exists === null ? undefined : { key: exists[2]!, operator: exists[1] === "!" ? "DoesNotExist" : "Exists", values: [] }
}

const parseAll = (
  parts: ReadonlyArray<string>,
  parse: (part: string) => Requirement | undefined
): Result.Result<Selector, string> => {
  const selector: Array<Requirement> = []
  for (const part of parts) {
    const requirement = parse(part.trim())
    if (requirement === undefined) return Result.fail(`unable to parse requirement: ${part.trim()}`)
    selector.push(requirement)
  }
  return Result.succeed(selector)
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`; fails with what is wrong. */
export const parseLabelSelector = (text: string): Result.Result<Selector, string> =>
  text.trim() === "" ? Result.succeed([]) : parseAll(splitOutsideParentheses(text), parseLabelRequirement)

const field = /^([^=!]+?)\s*(=|==|!=)\s*([^=!]*)$/

/** `metadata.name=a,spec.nodeName!=`; fails with what is wrong. An absent field counts as `""`. */
export const parseFieldSelector = (text: string): Result.Result<Selector, string> =>
  text.trim() === "" ? Result.succeed([]) : parseAll(text.split(","), (part) => {
    const found = field.exec(part)
    return found === null ? undefined : { key: found[1]!, operator: found[2] === "!=" ? "NotIn" : "In", values: [found[3]!] }
  })

const read = (object: unknown, path: string): unknown => {
  let current = object
  for (const name of path.split(".")) {
    if (typeof current !== "object" || current === null) return undefined
    current = (current as Readonly<Record<string, unknown>>)[name]
  }
  return current
}

export const matchesFields = (selector: Selector, object: unknown): boolean =>
  selector.every((requirement) => {
    const found = read(object, requirement.key)
    return holds(requirement, found === undefined || found === null ? "" : String(found))
  })
