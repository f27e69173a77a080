/** The machines of the input: Nodes, NodeClaims, and which belong together. Pure. */
import { label } from "../../apis/labels.ts"
import { isUnlaunched } from "../../apis/launched.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { expectation } from "../../cluster/expectation.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { stateNode } from "../../cluster/stateNode.ts"
import type { Node, Pod } from "../../kube/objects.ts"
import type { InstanceType } from "../../scheduling/problem.ts"
import type { Inventory } from "./kinds.ts"

/** The claim's Node: by provider ID, else by name unless that one is known to be another machine. */
const makeNodeOf = (nodes: ReadonlyArray<Node>): (claim: NodeClaim) => Node | undefined => {
  const byName = new Map(nodes.map((node) => [node.metadata.name, node]))
  const byID = new Map(nodes.flatMap((node) => node.spec?.providerID === undefined ? [] : [[node.spec.providerID, node]]))
  return ({ status: { nodeName = "", providerID } = {} }) => {
    const same = byID.get(providerID ?? "")
    const named = byName.get(nodeName)
    const other = named?.spec?.providerID
    return same ?? (other !== undefined && providerID !== undefined && other !== providerID ? undefined : named)
  }
}

/**
 * As the controller sees them, by name. `bound` has the pods by the name of their node, `types` the catalogue of a NodePool;
 * NodeClaims of other providers are machines of ours where `anyClass`.
 */
export const machinesOf = (
  inventory: Inventory,
  bound: ReadonlyMap<string, ReadonlyArray<Pod>>,
  types: (nodePool: string) => ReadonlyArray<InstanceType>,
  anyClass: boolean
): ReadonlyArray<StateNode> => {
  const nodes = inventory.nodes as ReadonlyArray<Node>
  const nodeOf = makeNodeOf(nodes)
  const joined = new Set<string>()
  const machine = (node: Node | undefined, claim: NodeClaim | undefined): StateNode => stateNode({
    node,
    claim,
    pods: node === undefined ? [] : bound.get(node.metadata.name) ?? [],
    nominated: false,
    expected: claim !== undefined && isUnlaunched(claim)
      ? expectation(claim, types(claim.metadata.labels?.[label.nodePool] ?? ""))
      : undefined
  })
  const claims = (inventory.nodeClaims as ReadonlyArray<NodeClaim>).filter((claim) => anyClass || isManagedClaim(claim))
  const claimed = claims.map((claim) => {
    const node = nodeOf(claim)
    if (node !== undefined) joined.add(node.metadata.name)
    return machine(node, claim)
  })
  const others = nodes.filter((node) => !joined.has(node.metadata.name)).map((node) => machine(node, undefined))
  return [...claimed, ...others].toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
}
