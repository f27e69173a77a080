/**
 * The first stage of a claim's life: it gets a machine (Karpenter's lifecycle/launch.go). The decisions, which are pure;
 * `lifecycle.ts` carries them out.
 */
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { CloudError, Machine } from "../../cloud/cloudProvider.ts"
import { unavailableMillis } from "../node/patientDelete.ts"

/** Messages in conditions stay readable. */
const longestMessage = 300
/** While Linode has not said which instance it is. */
const askAgainMillis = 5_000
/** While the node has not joined: an instance that broke before it joined is replaced by the provider, under another name. */
const checkMillis = 30_000

/** How long to wait between two questions about the claim's machine; undefined when there is nothing left to ask. */
export const askEvery = (claim: NodeClaim): number | undefined => {
  if (!nodeClaimConditions.isTrue(claim, conditionType.launched)) return 0
  if (claim.status?.providerID === undefined) return askAgainMillis
  return nodeClaimConditions.isTrue(claim, conditionType.registered) ? undefined : checkMillis
}

const cut = (text: string): string => text.length <= longestMessage ? text : `${text.slice(0, longestMessage)}...`

/**
 * The claim with its machine on it. Labels of the claim win over the provider's, annotations of the provider over the
 * claim's. Where another machine took the place of the one before, nothing of that one stays.
 */
export const launched = (claim: NodeClaim, machine: Machine, now: string): NodeClaim => {
  const { annotations, labels } = claim.metadata
  const { providerID: known, ...status } = claim.status ?? {}
  const isOther = known !== undefined && machine.providerID !== undefined && known !== machine.providerID
  const replaced = isOther || (status.nodeName !== undefined && status.nodeName !== machine.nodeName)
  const providerID = machine.providerID ?? (replaced ? undefined : known)
  const next: NodeClaim = {
    ...claim,
    metadata: {
      ...claim.metadata,
      labels: replaced ? { ...labels, ...machine.labels } : { ...machine.labels, ...labels },
      annotations: { ...annotations, ...machine.annotations }
    },
    status: {
      ...status,
      nodeName: machine.nodeName,
      ...(providerID === undefined ? {} : { providerID }),
      ...(machine.imageID === undefined ? {} : { imageID: machine.imageID }),
      capacity: machine.capacity,
      allocatable: machine.allocatable
    }
  }
  return nodeClaimConditions.setTrue(next, conditionType.launched, now)
}

export type LaunchRefusal =
  /** The claim can't be had as it is: its pods are planned anew. */
  | { readonly action: "delete"; readonly reason: "insufficient_capacity" | "nodeclass_not_ready"; readonly message: string }
  /** Asked again after so long. Nothing is wrong with the claim, so this is no error. */
  | { readonly action: "wait"; readonly reason: "LaunchFailed"; readonly message: string; readonly afterMillis: number }
  /** Asked again with back-off, and an error in the log: somebody has to do something about it. */
  | { readonly action: "fail"; readonly reason: string; readonly message: string }

/** What becomes of a claim that got no machine. */
export const refusalOf = (claim: NodeClaim, error: CloudError): LaunchRefusal => {
  const message = cut(error.message)
  switch (error.reason._tag) {
    case "InsufficientCapacity":
      return { action: "delete", reason: "insufficient_capacity", message }
    case "NodeClassNotReady":
      // What was bought stays: a class that is being edited takes no machine away.
      return nodeClaimConditions.isTrue(claim, conditionType.launched)
        ? { action: "wait", reason: "LaunchFailed", message, afterMillis: checkMillis }
        : { action: "delete", reason: "nodeclass_not_ready", message }
    case "CreateFailed":
      return { action: "fail", reason: error.reason.condition, message }
    case "CloudUnavailable":
      return { action: "wait", reason: "LaunchFailed", message, afterMillis: unavailableMillis(error) }
  }
}

/** The claim saying why it has no machine yet. One that was launched stays launched. */
export const unlaunched = (claim: NodeClaim, refusal: Exclude<LaunchRefusal, { action: "delete" }>, now: string): NodeClaim =>
  nodeClaimConditions.isTrue(claim, conditionType.launched)
    ? claim
    : nodeClaimConditions.setUnknown(claim, conditionType.launched, refusal.reason, refusal.message, now)
