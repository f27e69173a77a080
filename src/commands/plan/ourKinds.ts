/** What the API server does to objects of our own kinds before they are there: it fills in defaults, and checks their rules. */
import type { Schema } from "effect"
import { conditionType, nodePoolConditions } from "../../apis/conditions.ts"
import { structuralSchema } from "../../apis/crd.ts"
import { linodeNodeClassDefinition } from "../../apis/linodeNodeClass.ts"
import { NodeClaimSpec } from "../../apis/nodeClaim.ts"
import { NodePoolSpec } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { validateNodePool } from "../../apis/nodePoolValidation.ts"
import { complete } from "../../kube/memory/schema.ts"

export type Fields = Readonly<Record<string, unknown>>

const completing = (schema: Schema.Top): (object: Fields) => Fields => {
  const structure = structuralSchema(schema.ast)
  return (object) => object["spec"] === undefined ? object : { ...object, spec: complete(structure, object["spec"]) }
}

/** By kind: the object with the defaults of its CRD. */
export const defaults: Readonly<Record<string, (object: Fields) => Fields>> = {
  NodePool: completing(NodePoolSpec),
  NodeClaim: completing(NodeClaimSpec),
  LinodeNodeClass: (object) => ({ spec: linodeNodeClassDefinition.specDefault, ...object })
}

const spelledAsBefore = "v1beta1 spelling"

const rulesOf = (pool: NodePool, allowed: ReadonlySet<string>) => validateNodePool(pool).filter(({ field }) => {
  const position = /\.requirements\[(\d+)\]\.key$/.exec(field)?.[1]
  return position === undefined || !allowed.has(pool.spec.template.spec.requirements[Number(position)]?.key ?? "")
})

/**
 * The problems of a NodePool, given those that its Schema finds: what the Schema cannot say comes with them, and a field of an
 * older version of the API is told what to write instead. `allowed` are label keys of a catalogue, whatever their domain.
 */
export const nodePoolProblems = (
  object: Fields, found: ReadonlyArray<string>, allowed: ReadonlySet<string>
): ReadonlyArray<string> => {
  const line = ({ field, message }: { readonly field: string; readonly message: string }): string => `${field}: ${message}`
  const pool = object as unknown as NodePool
  // A cluster keeps such a pool and does not use it, and neither does the plan.
  if (found.length === 0) return nodePoolConditions.isFalse(pool, conditionType.ready) ? [] : rulesOf(pool, allowed).map(line)
  try {
    const former = rulesOf(pool, allowed).filter(({ message }) => message.includes(spelledAsBefore))
    return [...former.map(line), ...found.filter((problem) => !former.some(({ field }) => problem.startsWith(`${field}:`)))]
  } catch {
    // Too broken for rules that expect its Schema to hold.
    return found
  }
}
