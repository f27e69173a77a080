/** The NodeClaim of a static NodePool: its template and nothing else, so the cheapest type that it allows is bought. Pure. */
import { isRestrictedLabel, wellKnownLabels } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { requirementsOf, someValue } from "../../scheduling/index.ts"
import { nodeClaimOf } from "../provisioning/claim.ts"

/** One value for each label that the template requires and nobody else puts on the node. */
const labelsOf = ({ spec: { template } }: NodePool): Readonly<Record<string, string>> => {
  const out: Record<string, string> = {}
  for (const [key, set] of requirementsOf(template.spec.requirements)) {
    if (wellKnownLabels.includes(key) || isRestrictedLabel(key) || set.absent) continue
    const value = someValue(set)
    if (value !== undefined) out[key] = value
  }
  return { ...out, ...template.metadata?.labels }
}

export const staticClaim = (pool: NodePool, name: string): NodeClaim => {
  const { metadata: { generateName: _, ...metadata }, ...claim } = nodeClaimOf({
    labels: labelsOf(pool), requirements: pool.spec.template.spec.requirements, requests: {}, minValuesRelaxed: false
  }, pool)
  return { ...claim, metadata: { ...metadata, name } }
}
