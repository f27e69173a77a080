/** NodeClaims for nodes whose own are not in the input, so that it can be asked which of them can go. Pure. */
import { conditionType } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { consolidatable } from "../../controllers/nodeclaim/consolidatable.ts"
import type { Inventory } from "./kinds.ts"

type Claim = Inventory["nodeClaims"][number]

const claimOf = (node: Inventory["nodes"][number], pool: Inventory["nodePools"][number], nowMillis: number): Claim => {
  const { annotations, creationTimestamp: at, labels, name } = node.metadata
  const is = (type: string) => ({ type, status: "True" as const, ...(at === undefined ? {} : { lastTransitionTime: at }) })
  const conditions = [is(conditionType.launched), is(conditionType.registered), is(conditionType.initialized)]
  const { nodeClassRef, requirements, taints, terminationGracePeriod } = pool.spec.template.spec
  const claim: Claim = {
    metadata: {
      name,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(at === undefined ? {} : { creationTimestamp: at })
    },
    spec: {
      nodeClassRef, requirements,
      ...(taints === undefined ? {} : { taints }),
      ...(terminationGracePeriod === undefined ? {} : { terminationGracePeriod })
    },
    status: {
      nodeName: name,
      ...(node.spec?.providerID === undefined ? {} : { providerID: node.spec.providerID }),
      ...(node.status?.capacity === undefined ? {} : { capacity: node.status.capacity }),
      ...(node.status?.allocatable === undefined ? {} : { allocatable: node.status.allocatable }),
      conditions
    }
  }
  const quiet = consolidatable(claim as NodeClaim, pool as NodePool, nowMillis).action === "mark"
  return quiet ? { ...claim, status: { ...claim.status, conditions: [...conditions, is(conditionType.consolidatable)] } } : claim
}

/** An input without any NodeClaim gets one for each Node that has the label of a NodePool of the input. */
export const withClaims = (
  inventory: Inventory, nowMillis: number
): { readonly inventory: Inventory; readonly notes: ReadonlyArray<string> } => {
  if (inventory.nodeClaims.length > 0) return { inventory, notes: [] }
  const pools = new Map(inventory.nodePools.map((pool) => [pool.metadata.name, pool]))
  const nodeClaims = inventory.nodes.flatMap((node) => {
    const pool = pools.get(node.metadata.labels?.[label.nodePool] ?? "")
    return pool === undefined ? [] : [claimOf(node, pool, nowMillis)]
  })
  if (nodeClaims.length === 0) return { inventory, notes: [] }
  return {
    inventory: { ...inventory, nodeClaims },
    notes: [`no NodeClaim is in the input: nodes that have the label ${label.nodePool} are taken to be the controller's own`]
  }
}
