/** One machine as scheduling sees it, from what the API server has of it (Karpenter's state/statenode.go). Pure. */
import { conditionType, nodeClaimConditions } from "../apis/conditions.ts"
import { isEphemeralTaint, label, sameTaint } from "../apis/labels.ts"
import type { NodeClaim } from "../apis/nodeClaim.ts"
import type { Node, Pod, ResourceList, Taint } from "../kube/objects.ts"
import type { StateNode } from "./cluster.ts"
import type { Expectation } from "./expectation.ts"
import { isTerminal } from "./podPredicates.ts"

export interface Parts {
  readonly node: Node | undefined
  readonly claim: NodeClaim | undefined
  /** Bound to the node, ended ones included. */
  readonly pods: ReadonlyArray<Pod>
  readonly nominated: boolean
  /** It goes as soon as its replacements are there. */
  readonly replaced?: boolean
  /** What the claim is going to be, while Linode has not said what it is. */
  readonly expected: Expectation | undefined
}

/** Under which a machine is nominated: the claim's name, the node's where there is no claim. */
export const nominationKey = (parts: { readonly node: Node | undefined; readonly claim: NodeClaim | undefined }): string =>
  parts.claim?.metadata.name ?? parts.node?.metadata.name ?? ""

const unschedulable: Taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }

const isZero = (quantity: string | number | undefined): boolean =>
  quantity === undefined || Number.parseFloat(String(quantity)) === 0

/** A kubelet that has just started reports zero for what its device plugins will bring. */
const filled = (reported: ResourceList | undefined, promised: ResourceList | undefined): ResourceList => {
  const result: Record<string, string | number> = { ...reported }
  for (const [name, quantity] of Object.entries(promised ?? {})) {
    if (isZero(result[name])) result[name] = quantity
  }
  return result
}

const taintsOf = (parts: Parts, registered: boolean, initialized: boolean): ReadonlyArray<Taint> => {
  const { claim, node } = parts
  if (claim === undefined) return node?.spec?.taints ?? []
  const known = registered ? node?.spec?.taints ?? [] : claim.spec.taints ?? []
  if (initialized) return known
  const startup = claim.spec.startupTaints ?? []
  return known.filter((taint) => !isEphemeralTaint(taint) && !startup.some((other) => sameTaint(other, taint)))
}

const isGoing = ({ claim, node, replaced }: Parts): boolean =>
  replaced === true ||
  claim?.metadata.deletionTimestamp !== undefined ||
  node?.metadata.deletionTimestamp !== undefined ||
  (claim !== undefined && nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating))

/** The machine made of a Node, a NodeClaim, or both. Before it has joined, all that is said of it is what it will be. */
export const stateNode = (parts: Parts): StateNode => {
  const { claim, expected, node } = parts
  const name = node?.metadata.name ?? claim?.status?.nodeName ?? claim?.metadata.name ?? ""
  const says = (key: string): boolean => claim === undefined || node?.metadata.labels?.[key] === "true"
  const registered = says(label.registered)
  const initialized = registered && says(label.initialized)

  const promised = claim?.status?.capacity === undefined ? expected : claim.status
  const capacityOf = (coming: ResourceList | undefined): ResourceList =>
    ({ ...initialized ? node?.status?.capacity : filled(node?.status?.capacity, coming), nodes: 1 })
  const allocatable = initialized ? node?.status?.allocatable ?? {} : filled(node?.status?.allocatable, promised?.allocatable)
  const identity = registered ? node : claim
  const labels = registered ? identity?.metadata.labels : { ...expected?.labels, ...identity?.metadata.labels }
  const hostname = node?.metadata.labels?.[label.hostname] ?? name
  const taints = taintsOf(parts, registered, initialized)
  const cordoned = node?.spec?.unschedulable === true && !taints.some((taint) => sameTaint(taint, unschedulable))

  return {
    name,
    node,
    claim,
    nodePool: (claim ?? node)?.metadata.labels?.[label.nodePool],
    registered,
    initialized,
    labels: { ...labels, [label.hostname]: hostname },
    annotations: identity?.metadata.annotations ?? {},
    taints: cordoned ? [...taints, unschedulable] : taints,
    capacity: capacityOf(promised?.capacity),
    charge: capacityOf(claim?.status?.capacity ?? expected?.most),
    allocatable,
    pods: parts.pods.filter((pod) => !isTerminal(pod)),
    markedForDeletion: isGoing(parts),
    nominated: parts.nominated
  }
}
