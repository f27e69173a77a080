/**
 * No pod is evicted against its PodDisruptionBudget or do-not-disrupt: what holds it is asked (the Eviction API does that, a
 * plain deletion does not) until its node's deadline, and its Linode is not taken from under it.
 */
import { annotation } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { Pod } from "../../../src/kube/objects.ts"
import { Nodes, PodDisruptionBudgets, Pods } from "../../../src/kube/resources.ts"
import type { Change, MakeInvariant, World } from "../world.ts"
import { ClaimBook, isDeleting, machineOf, nodeNameOf } from "./claimBook.ts"
import { budgetsOf, isLeftAlone, isOver } from "./held.ts"

/** Clocks of replicas are a little off, and a request is on its way for a while. Milliseconds. */
const slack = 15_000
const usualGraceSeconds = 30
/** So much later than it happens a watch may tell of it. Milliseconds. */
const unseen = 75_000

/** Whether what holds the pod may be passed over by now, for it to have its grace before its node's deadline. */
const isPastDeadline = (pod: Pod, claim: NodeClaim | undefined, now: number): boolean => {
  const deadline = Date.parse(claim?.metadata.annotations?.[annotation.terminationTimestamp] ?? "")
  const grace = (pod.spec.terminationGracePeriodSeconds ?? usualGraceSeconds) * 1000
  return !Number.isNaN(deadline) && now + slack >= deadline - grace
}

const begins = ({ after, before }: Change): boolean =>
  before?.metadata.deletionTimestamp === undefined && (after === undefined || isDeleting(after))

export const evictions: MakeInvariant = () => {
  const book = new ClaimBook()
  /** By node, the last claim with a deadline that is gone: a node may be thought to be there for a while longer. */
  const ended = new Map<string, NodeClaim>()
  const remember = (world: World): void => {
    for (const { after, before } of book.follow(world)) {
      if (after !== undefined || before?.metadata.annotations?.[annotation.terminationTimestamp] === undefined) continue
      ended.set(before.status?.nodeName ?? nodeNameOf(world, machineOf(world, before) ?? ""), before)
    }
  }
  const claimOn = (world: World, node: string | undefined): NodeClaim | undefined => {
    if (node === undefined) return undefined
    const onIt = [...book.claims.values()].filter((claim) =>
      claim.status?.nodeName === node || nodeNameOf(world, machineOf(world, claim) ?? "") === node)
    return onIt.find((claim) => claim.metadata.annotations?.[annotation.terminationTimestamp] !== undefined) ?? onIt[0] ?? ended.get(node)
  }

  const podTaken = (world: World, change: Change): string | undefined => {
    const { at, by, program, request } = change
    if (by !== "controller" || change.before === undefined || !begins(change)) return undefined
    const pod = change.before as Pod
    const { name } = pod.metadata
    if (isOver(pod)) return undefined
    const { nodeName } = pod.spec
    if (nodeName === undefined) return `${program} deleted ${name}, which has no node`
    if (isPastDeadline(pod, claimOn(world, nodeName), at)) return undefined
    if (request?.startsWith("evict") !== true) return `${program} deleted ${name} on ${nodeName} without asking its budgets (${request})`
    return isLeftAlone(pod, at, slack) ? `${program} evicted ${name} on ${nodeName} in spite of do-not-disrupt` : undefined
  }

  /** What held a pod of the node when we asked for the end of its Linode. */
  const stillOn = (world: World, nodeName: string, sentAt: number): string | undefined => {
    const held = world.list(Pods).filter((pod) => pod.spec.nodeName === nodeName && !isOver(pod) && !isDeleting(pod) &&
      Date.parse(pod.status?.startTime ?? "") < sentAt - unseen)
    if (held.length === 0) return undefined
    const alone = held.find((pod) => isLeftAlone(pod, world.now, slack))
    if (alone !== undefined) return `${alone.metadata.name}, which is not to be disrupted`
    const budgets = world.list(PodDisruptionBudgets)
    const guarded = held.find((pod) => pod.status?.phase === "Running" && budgetsOf(pod, budgets).length > 0)
    return guarded === undefined ? undefined : `${guarded.metadata.name}, which has a PodDisruptionBudget`
  }

  const linodeTaken = (world: World): string | undefined => {
    for (const { at, by, events, program, sentAt } of world.linodeChanges) {
      if (by !== "controller") continue
      for (const { kind, node } of events) {
        if (kind !== "NodeDeleted" || world.broken.has(node.name)) continue
        const claim = claimOn(world, node.name)
        const ready = world.get(Nodes, { name: node.name })?.status?.conditions?.some(({ status, type }) =>
          type === "Ready" && status === "True")
        // A Linode that no claim has is given back within its grace, and a kubelet that is silent lets nothing go.
        if (claim === undefined || ready !== true) continue
        const deadline = Date.parse(claim.metadata.annotations?.[annotation.terminationTimestamp] ?? "")
        if (at + slack >= deadline) continue
        const held = stillOn(world, node.name, sentAt)
        if (held !== undefined) return `${program} took ${node.name} from under ${held}`
      }
    }
    return undefined
  }

  return {
    name: "no pod is evicted against its budget or do-not-disrupt",
    step: (world) => {
      remember(world)
      for (const change of world.changes) {
        if (change.plural !== Pods.plural) continue
        const text = podTaken(world, change)
        if (text !== undefined) return text
      }
      return world.linodeChanges.length === 0 ? undefined : linodeTaken(world)
    }
  }
}
