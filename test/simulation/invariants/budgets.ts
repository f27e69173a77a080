/**
 * Disruption budgets are respected: of a NodePool's nodes no more are on their way out by our own will at once than a budget
 * allowed lately. Nodes that somebody else deletes are no will of ours, and not counted here.
 */
import { conditionType, nodeClaimConditions } from "../../../src/apis/conditions.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import type { DisruptionReason, NodePool } from "../../../src/apis/nodePool.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { Nodes } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { beginsToGo, ClaimBook, isDeleting, isTrue, nodePoolOf } from "./claimBook.ts"
import { History } from "./history.ts"

/** A decision is looked at again after 15 s, on what a watch may have brought a minute late. Milliseconds. */
const slack = 120_000

type Budgets = NonNullable<NonNullable<NodePool["spec"]["disruption"]>["budgets"]>

/** Budgets with a schedule are left to the tests of `budgets.ts`. */
const allowed = (budgets: Budgets, reason: string, nodes: number): number => Math.min(...budgets
  .filter(({ reasons, schedule }) => schedule === undefined && (reasons === undefined || reasons.length === 0 ||
    reasons.includes(reason as DisruptionReason)))
  .map(({ nodes: most }) => most.endsWith("%") ? Math.ceil(Number(most.slice(0, -1)) * nodes / 100) : Number(most)))

const reasonOf = (claim: NodeClaim): string | undefined => {
  const condition = nodeClaimConditions.get(claim, conditionType.disruptionReason)
  return condition?.status === "True" ? condition.reason : undefined
}

/**
 * Whether the node counts, by the rule of Karpenter's disruption/helpers.go. One whose Node is gone has nobody left to
 * disturb.
 */
const counts = (world: World, claim: NodeClaim): boolean => {
  const name = claim.status?.nodeName
  return isTrue(claim, conditionType.initialized) && !isTrue(claim, conditionType.instanceTerminating) &&
    (name === undefined || world.get(Nodes, { name }) !== undefined)
}

export const budgets: MakeInvariant = () => {
  const book = new ClaimBook()
  const written = new History<Budgets>()
  const sizes = new History<number>()
  return {
    name: "disruption budgets are respected",
    step: (world) => {
      for (const { after, at, plural } of world.changes) {
        if (plural !== NodePools.plural || after === undefined) continue
        written.set(after.metadata.name, (after as NodePool).spec.disruption?.budgets ?? [], at)
      }
      const changes = book.follow(world)
      if (changes.length === 0) return undefined
      for (const change of changes) {
        const { after, at, before, by, program } = change
        const pool = nodePoolOf((after ?? before)!)
        if (pool === undefined) continue
        const members = [...book.claims.values()].filter((claim) => nodePoolOf(claim) === pool && counts(world, claim))
        sizes.set(pool, members.length, at)
        const reason = before === undefined ? undefined : reasonOf(before)
        if (by !== "controller" || before === undefined || reason === undefined || !beginsToGo(change)) continue
        const going = members.filter((claim) => isDeleting(claim) && reasonOf(claim) !== undefined).length
        const most = Math.max(...sizes.since(pool, at - slack))
        const lately = Math.max(...written.since(pool, at - slack).map((each) => allowed(each, reason, most)))
        if (going > lately) {
          return `${program} disrupts ${before.metadata.name} for ${reason}: ${going} nodes of NodePool ${pool} at once, budgets allow ${lately}`
        }
      }
      return undefined
    }
  }
}
