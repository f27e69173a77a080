/** The arms of a program's branches: what a run may or may not enter. */
import { parseAst } from "vitest/node"

/** Where one begins, as an offset in the source. */
export interface Arm {
  readonly kind: "function" | "if" | "else" | "?:" | "&&" | "case" | "loop" | "catch"
  readonly at: number
}

interface Tree {
  readonly type: string
  readonly start: number
  readonly [field: string]: unknown
}

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && typeof (value as { readonly type?: unknown }).type === "string"

const armsAt = (tree: Tree): ReadonlyArray<readonly [Arm["kind"], unknown]> => {
  switch (tree.type) {
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "FunctionDeclaration": return [["function", tree.body]]
    case "IfStatement": return [["if", tree.consequent], ["else", tree.alternate]]
    case "ConditionalExpression": return [["?:", tree.consequent], ["?:", tree.alternate]]
    case "LogicalExpression": return [["&&", tree.right]]
    case "SwitchCase": return [["case", (tree.consequent as ReadonlyArray<unknown>)[0]]]
    case "ForStatement":
    case "ForOfStatement":
    case "ForInStatement":
    case "WhileStatement":
    case "DoWhileStatement": return [["loop", tree.body]]
    case "CatchClause": return [["catch", tree.body]]
    default: return []
  }
}

/** Every arm in TypeScript source. Node blanks types out and cuts nothing, so V8 counts by the offsets of the source. */
export const armsOf = (source: string): ReadonlyArray<Arm> => {
  const arms: Array<Arm> = []
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) return value.forEach(visit)
    if (!isTree(value)) return
    for (const [kind, arm] of armsAt(value)) if (isTree(arm)) arms.push({ kind, at: arm.start })
    for (const field of Object.keys(value)) visit(value[field])
  }
  visit(parseAst(source, { lang: "ts" }))
  return arms
}
