/**
 * `node.termination`: a Node of ours that is deleted, by whomever, drains; then its machine is given back; and only when
 * that is gone does the Node go (Karpenter's node/termination). Its finalizer keeps it until then, also from the cloud controller
 * manager, which deletes the Node of a vanished instance.
 */
import { Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { annotation, disruptedTaint, finalizer, label, sameTaint } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { claimMetrics } from "../nodeclaim/claimMetrics.ts"
import { claimOfNode, nodesOfClaim } from "../nodeclaim/pairing.ts"
import { deleteClaim } from "../nodeclaim/removeClaim.ts"
import { settled, writeClaim } from "../nodeclaim/writeClaim.ts"
import { makeEvictionQueue } from "./evictionQueue.ts"
import { isReady } from "./isReady.ts"
import { patchNode } from "./patchNode.ts"
import { unavailableMillis } from "./patientDelete.ts"
import { releaseNode } from "./releaseNode.ts"
import { makeStages } from "./terminationStages.ts"

export type TerminationServices = Caches | CloudProvider | Kube | Metrics | Recorder

const workers = 100
const silentMillis = 5_000

/** What a node that is going away says to the scheduler and to load balancers; undefined when it says it already. */
export const farewellPatch = (node: Node): { readonly metadata?: object; readonly spec?: object } | undefined => {
  const taints = node.spec?.taints ?? []
  const tainted = taints.some((taint) => sameTaint(taint, disruptedTaint))
  const excluded = node.metadata.labels?.[label.excludeFromLoadBalancers] !== undefined
  if (tainted && excluded) return undefined
  return {
    ...(!excluded && { metadata: { labels: { [label.excludeFromLoadBalancers]: "karpenter" } } }),
    ...(!tainted && { spec: { taints: [...taints.filter(({ key }) => key !== disruptedTaint.key), disruptedTaint] } })
  }
}

/** When the node must be empty, in milliseconds; undefined when its pods are waited for. */
export const deadlineOf = (claim: NodeClaim | undefined): number | undefined => {
  const written = claim?.metadata.annotations?.[annotation.terminationTimestamp]
  const millis = written === undefined ? Number.NaN : Date.parse(written)
  return Number.isNaN(millis) ? undefined : millis
}

const isLeaving = (node: Node): boolean =>
  node.metadata.deletionTimestamp !== undefined && (node.metadata.finalizers ?? []).includes(finalizer.termination)

/** Runs the controller and its eviction queue until it is interrupted. */
export const nodeTermination: Effect.Effect<never, never, TerminationServices> = Effect.gen(function*() {
  const caches = yield* Caches
  const cloud = yield* CloudProvider
  const recorder = yield* Recorder
  const metrics = yield* claimMetrics
  const nodes = caches.store(Nodes)
  const claims = caches.store(NodeClaims)
  const evictions = yield* makeEvictionQueue
  const stages = yield* makeStages(evictions)

  const terminate = Effect.fnUntraced(function*(found: Node) {
    const claim = claimOfNode(found, claims)
    if (claim === undefined && found.metadata.labels?.[label.nodeClass] === undefined) return done
    if (claim !== undefined && claim.metadata.deletionTimestamp === undefined) yield* deleteClaim(claim)

    // Nothing answers on a machine that is gone, so its pods could not be told to leave.
    const silent = !isReady(found)
    const destroying = claim !== undefined && nodeClaimConditions.isTrue(claim, conditionType.instanceTerminating)
    let off = false
    if (claim !== undefined && silent && !destroying) {
      const state = yield* cloud.exists(claim).pipe(
        Effect.catchIf((error) => error.reason._tag === "CloudUnavailable", (error) => Effect.succeed(unavailableMillis(error)))
      )
      if (typeof state === "number") return requeueAfter(state)
      if (state === "gone") {
        yield* releaseNode(found)
        return done
      }
      off = state === "stopped"
    }

    const deadline = deadlineOf(claim)
    if (deadline !== undefined) {
      yield* recorder.publish({
        object: found,
        type: "Warning",
        reason: "TerminationGracePeriodExpiring",
        message: `All pods will be deleted by ${new Date(deadline).toISOString()}`,
        dedupe: [found.metadata.name]
      })
    }
    const node = yield* patchNode(found, farewellPatch)
    const step = yield* stages({ node, claim, deadline, off })
    // The provider may have written a note of its own on the claim while it worked.
    const current = claim === undefined ? undefined : claims.get(claim.metadata)
    if (current !== undefined && current.metadata.uid === claim?.metadata.uid) {
      const next = step.change(current)
      yield* writeClaim(current, next)
      const isDrained = (one: NodeClaim): boolean => nodeClaimConditions.isTrue(one, conditionType.drained)
      if (!isDrained(current) && isDrained(next)) metrics.nodeDrained(next)
    }
    // Each look at a node that does not answer asks Linode whether it is there.
    if (step.afterMillis !== undefined) return requeueAfter(silent ? Math.max(step.afterMillis, silentMillis) : step.afterMillis)
    yield* releaseNode(node)
    return done
  })

  const controller = runController({
    name: "node.termination",
    kind: Nodes,
    workers,
    backoff: { base: "100 millis", max: "10 seconds" },
    triggers: [
      onSelf(nodes, (change) => change.type === "applied" && isLeaving(change.object) &&
        (change.previous === undefined || !isLeaving(change.previous))),
      // The claim may learn its deadline after the node began to drain.
      onOther(claims, (change) => change.type === "applied" && change.previous !== undefined &&
          deadlineOf(change.object) !== deadlineOf(change.previous)
        ? nodesOfClaim(change.object, nodes).map((node) => node.metadata)
        : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      // A claim or a pod that is missing from half-filled caches is not missing.
      yield* caches.synced
      const node = nodes.get(ref)
      return node === undefined || !isLeaving(node) ? done : yield* settled(terminate(node))
    })
  })
  return yield* Effect.all([controller, evictions.run], { concurrency: "unbounded" }).pipe(Effect.andThen(Effect.never))
})
