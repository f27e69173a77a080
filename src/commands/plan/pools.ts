/** Which NodePools of the input may buy, and why the others do not. Pure. */
import type { NodePool } from "../../apis/nodePool.ts"
import { nodePoolConditions } from "../../apis/conditions.ts"
import { isManagedPool } from "../../cluster/managed.ts"
import { isReady } from "../../controllers/provisioning/nodePools.ts"
import type { Kubelet } from "../../cloud/nodeRoom.ts"
import type { Inventory } from "./kinds.ts"

export interface Buyer {
  readonly pool: NodePool
  /** Of its LinodeNodeClass; undefined where that is not in the input, and then all of it is the default. */
  readonly kubelet: Kubelet | undefined
}

export interface Buyers {
  readonly buyers: ReadonlyArray<Buyer>
  /** One sentence for each NodePool that is left out, or taken with a grain of salt. */
  readonly notes: ReadonlyArray<string>
}

/** Why the controller would not buy for the pool. One without a Ready condition has not been looked at and counts as ready. */
const leftOut = (pool: NodePool, anyClass: boolean): string | undefined => {
  const { kind } = pool.spec.template.spec.nodeClassRef
  if (!anyClass && !isManagedPool(pool)) return `its nodes are made by another provider (${kind})`
  if (pool.metadata.deletionTimestamp !== undefined) return "it is being deleted"
  if (pool.spec.replicas !== undefined) return "it is static (spec.replicas) and buys nothing for pods"
  const ready = nodePoolConditions.get(pool, "Ready")
  if (ready === undefined || isReady(pool)) return undefined
  if (ready.status === "True") return "its Ready condition is of an older generation"
  const why = (ready.message ?? "") === "" ? "" : `: ${ready.message}`
  return `it is not ready (Ready is ${ready.status}${why})`
}

/** `anyClass`: the catalogue is of another cloud, so nodes need not be Linodes. */
export const buyersOf = (inventory: Inventory, anyClass: boolean): Buyers => {
  const buyers: Array<Buyer> = []
  const notes: Array<string> = []
  const classes = new Map(inventory.nodeClasses.map((nodeClass) => [nodeClass.metadata.name, nodeClass]))
  for (const pool of inventory.nodePools as ReadonlyArray<NodePool>) {
    const { name } = pool.metadata
    const reason = leftOut(pool, anyClass)
    if (reason !== undefined) {
      notes.push(`NodePool ${name} is left out: ${reason}`)
      continue
    }
    const reference = pool.spec.template.spec.nodeClassRef.name
    const nodeClass = classes.get(reference)
    if (nodeClass === undefined && classes.size > 0) {
      notes.push(`LinodeNodeClass ${reference} of NodePool ${name} is not in the input: taken as one with defaults`)
    }
    buyers.push({ pool, kubelet: nodeClass?.spec.kubelet })
  }
  return { buyers, notes }
}
