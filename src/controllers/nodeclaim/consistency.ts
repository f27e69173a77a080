/**
 * `nodeclaim.consistency`: compares what joined with what was bought (Karpenter's nodeclaim/consistency). It only tells:
 * nothing is decided by it.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { toNumber } from "../../cluster/amounts.ts"
import { isManagedClaim } from "../../cluster/managed.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import type { Node } from "../../kube/objects.ts"
import { Nodes } from "../../kube/resources.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import type { Metrics } from "../../runtime/metrics.ts"
import { claimsNaming, pairingOf } from "./pairing.ts"
import { settled, writeClaim } from "./writeClaim.ts"

const everyMillis = 10 * 60_000
/** A kernel takes its share of memory before anybody counts it. */
const smallestShare = 0.9

/** What of the resources that the claim's pods asked for the node has much less of than was bought. Pure. */
export const shapeIssues = (claim: NodeClaim, node: Node): ReadonlyArray<string> =>
  Object.entries(claim.spec.resources?.requests ?? {}).flatMap(([resource, request]) => {
    const expected = claim.status?.capacity?.[resource]
    if (toNumber(request) === 0 || expected === undefined || toNumber(expected) === 0) return []
    const found = node.status?.capacity?.[resource] ?? "0"
    const share = toNumber(found) / toNumber(expected)
    if (share >= smallestShare) return []
    return [`expected ${expected} of resource ${resource}, but found ${found} (${(share * 100).toFixed(1)}% of expected)`]
  })

/** Runs until it is interrupted. */
export const nodeClaimConsistency: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const recorder = yield* Recorder
  const claims = caches.store(NodeClaims)
  const nodes = caches.store(Nodes)
  /** When a claim was last looked at, by its name: only the pace depends on it. */
  const lookedAt = new Map<string, { readonly uid: string | undefined; readonly at: number }>()

  const compare = Effect.fnUntraced(function*(claim: NodeClaim, node: Node, now: number) {
    const issues = shapeIssues(claim, node)
    for (const message of issues) {
      yield* Effect.logError("consistency error", { error: message, Node: { name: node.metadata.name } })
      yield* recorder.publish({
        object: claim,
        type: "Warning",
        reason: "FailedConsistencyCheck",
        message,
        dedupe: [claim.metadata.uid ?? claim.metadata.name, message]
      })
    }
    const iso = new Date(now).toISOString()
    const type = conditionType.consistentStateFound
    yield* writeClaim(claim, issues.length === 0
      ? nodeClaimConditions.setTrue(claim, type, iso)
      : nodeClaimConditions.setFalse(claim, type, "ConsistencyCheckFailed", "Consistency Check Failed", iso))
    lookedAt.set(claim.metadata.name, { uid: claim.metadata.uid, at: now })
    return requeueAfter(everyMillis)
  })

  return yield* runController({
    name: "nodeclaim.consistency",
    kind: NodeClaims,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [
      onSelf(claims),
      onOther(nodes, (change) => change.type === "applied" && change.previous === undefined
        ? claimsNaming(change.object, claims).map((claim) => claim.metadata)
        : [])
    ],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const claim = claims.get(ref)
      if (claim === undefined) lookedAt.delete(ref.name)
      if (claim === undefined || claim.metadata.deletionTimestamp !== undefined || !isManagedClaim(claim)) return done
      if (!nodeClaimConditions.isTrue(claim, conditionType.initialized)) return done
      const now = yield* Clock.currentTimeMillis
      const last = lookedAt.get(ref.name)
      if (last !== undefined && last.uid === claim.metadata.uid && now - last.at < everyMillis) {
        return requeueAfter(last.at + everyMillis - now)
      }
      const pairing = pairingOf(claim, nodes)
      return pairing.found === "one" ? yield* settled(compare(claim, pairing.node, now)) : done
    })
  })
})
