/** No taint, label, annotation or condition of ours that is for nodes on their way out is left on a node that stays. */
import { conditionType } from "../../../src/apis/conditions.ts"
import { annotation, disruptedTaint, label, sameTaint, unregisteredTaint } from "../../../src/apis/labels.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { isDeleting, isTrue } from "./claimBook.ts"
import { heldOn } from "./held.ts"

const passing: ReadonlyArray<string> = [annotation.terminationTimestamp, annotation.lkeIntent, annotation.interruption, annotation.surplus]
const leaving: ReadonlyArray<string> = [
  conditionType.disruptionReason, conditionType.drained, conditionType.volumesDetached, conditionType.instanceTerminating
]

const settled = (world: World): string | undefined => {
  for (const { metadata, spec } of world.list(Nodes)) {
    const { annotations = {}, labels = {}, name } = metadata
    if (labels[label.nodePool] === undefined) continue
    if (isDeleting({ metadata })) {
      if (heldOn(world, name) === undefined) return `node ${name} is still being deleted`
      continue
    }
    const taint = spec?.taints?.find((one) => sameTaint(one, disruptedTaint) || sameTaint(one, unregisteredTaint))
    if (taint !== undefined) return `node ${name} has the taint ${taint.key}`
    if (labels[label.excludeFromLoadBalancers] !== undefined) return `node ${name} is kept from load balancers`
    const note = passing.find((key) => annotations[key] !== undefined)
    if (note !== undefined) return `node ${name} has the annotation ${note}`
  }
  for (const claim of world.list(NodeClaims)) {
    const { annotations = {}, name } = claim.metadata
    const condition = isDeleting(claim) ? undefined : leaving.find((type) => isTrue(claim, type))
    if (condition !== undefined) return `${name} stays, and says ${condition}`
    if (!isDeleting(claim) && annotations[annotation.terminationTimestamp] !== undefined) return `${name} stays, and has a deadline`
    if (!isDeleting(claim) && annotations[annotation.surplus] !== undefined) return `${name} stays, and says that it is too many`
  }
  for (const pool of world.ourPools()) {
    // A pool that is sentenced as a whole may stay as long as claims live in it: none joins them, and it goes with the last.
    const sentence = pool.tags.find((tag) => pool.nodes.some(({ id }) => tag === `karpenter-sentenced=${id}`))
    if (sentence !== undefined) return `pool ${pool.id} stays, and has the tag ${sentence}`
  }
  return undefined
}

export const nothingLeft: MakeInvariant = () => ({ name: "nothing of ours is left on a node that stays", settled })
