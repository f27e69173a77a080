/**
 * A node lives no longer than its claim says, and what is on it no longer than the claim's terminationGracePeriod allows. A NodePool
 * of a fixed size has as many nodes in the end.
 */
import { durationMillis } from "../../../src/apis/durations.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { NodeClaims } from "../../../src/apis/nodeClaim.ts"
import { NodePools } from "../../../src/apis/nodePool.ts"
import { Nodes, Pods } from "../../../src/kube/resources.ts"
import type { MakeInvariant, World } from "../world.ts"
import { ClaimBook, isDeleting, machineOf, nodeNameOf, nodePoolOf } from "./claimBook.ts"
import { isOver } from "./held.ts"

/** A watch may tell a minute late, and a program that was killed is back after half a minute. Milliseconds. */
const slack = 120_000
/** The same, and a deletion that got no answer, which is tried again after a minute at most. Milliseconds. */
const patience = 200_000
/** Between two looks at the latest. Milliseconds. */
const pause = 30_000

const overdue = (world: World, { metadata, spec }: NodeClaim): string | undefined => {
  const life = durationMillis(spec.expireAfter)
  return life === undefined || world.now <= Date.parse(metadata.creationTimestamp ?? "") + life + patience
    ? undefined
    : `${metadata.name} lives, and should be over after ${spec.expireAfter}`
}

/** A pod on the claim's node that should have been told to leave. */
const left = (world: World, claim: NodeClaim): string | undefined => {
  const grace = durationMillis(claim.spec.terminationGracePeriod)
  const since = Date.parse(claim.metadata.deletionTimestamp ?? "")
  if (grace === undefined || Number.isNaN(since) || world.now < since + grace + slack) return undefined
  const name = nodeNameOf(world, machineOf(world, claim) ?? "")
  const node = world.get(Nodes, { name })
  if (node === undefined || world.broken.has(name)) return undefined
  return world.list(Pods).find((pod) => pod.spec.nodeName === name && !isOver(pod) && pod.metadata.deletionTimestamp === undefined &&
    Date.parse(pod.status?.startTime ?? "") < world.now - slack && (pod.spec.tolerations ?? []).length === 0)?.metadata.name
}

const settled = (world: World): string | undefined => {
  const all = world.list(NodeClaims)
  // Whatever holds its pods, it comes to an end by itself.
  const ending = all.find((claim) => isDeleting(claim) && durationMillis(claim.spec.terminationGracePeriod) !== undefined)
  if (ending !== undefined) return `${ending.metadata.name} is still being deleted, and has a terminationGracePeriod`
  const claims = all.filter((claim) => !isDeleting(claim))
  for (const claim of claims) {
    const old = overdue(world, claim)
    if (old !== undefined) return old
  }
  for (const { metadata, spec } of world.list(NodePools)) {
    if (spec.replicas === undefined || isDeleting({ metadata })) continue
    const own = claims.filter((claim) => nodePoolOf(claim) === metadata.name).length
    if (own !== spec.replicas) return `NodePool ${metadata.name} has ${own} of ${spec.replicas} nodes`
  }
  return undefined
}

export const lifetimes: MakeInvariant = () => {
  const book = new ClaimBook()
  let looked = 0
  return {
    name: "nodes live as long as they should",
    step: (world) => {
      book.follow(world)
      // Not all that happens is worth a look at all claims: pods that come and go are, and now and then whatever there is.
      if (!world.changes.some(({ plural }) => plural === Pods.plural) && world.now < looked + pause) return undefined
      looked = world.now
      for (const claim of book.claims.values()) {
        const old = isDeleting(claim) ? undefined : overdue(world, claim)
        if (old !== undefined) return old
        const pod = isDeleting(claim) ? left(world, claim) : undefined
        if (pod !== undefined) return `${pod} is on the node of ${claim.metadata.name} past its terminationGracePeriod`
      }
      return undefined
    },
    settled
  }
}
