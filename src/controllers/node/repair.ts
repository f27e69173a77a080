/**
 * `node.health`: replaces nodes whose conditions say that they will not get well by themselves (Karpenter's node/health). It is
 * by force: neither budgets nor what holds a drain are asked. Off unless the gate NodeRepair is on.
 */
import { Clock, Effect } from "effect"
import { annotation, label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import type { Condition, KubeObject, Node } from "../../kube/objects.ts"
import { Nodes, Pods } from "../../kube/resources.ts"
import { timestamp } from "../../kube/timestamp.ts"
import { done, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { Settings } from "../../settings/settings.ts"
import { snakeCase } from "../disrupted.ts"
import { claimOfNode } from "../nodeclaim/pairing.ts"
import { removeClaim } from "../nodeclaim/removeClaim.ts"
import { reschedulableOn } from "../nodeclaim/reschedulableOn.ts"
import { settled } from "../nodeclaim/writeClaim.ts"
import { ailmentOf, healthChanged, tolerableOf } from "./health.ts"

const blockedFor = requeueAfter("5 minutes")

const controller = Effect.gen(function*() {
  const caches = yield* Caches
  const kube = yield* Kube
  const metrics = yield* Metrics
  const recorder = yield* Recorder
  const { repairPolicies } = yield* CloudProvider
  const nodes = caches.store(Nodes)
  const claims = caches.store(NodeClaims)
  const pods = caches.store(Pods)
  const replaced = metrics.counter(
    "karpenter_nodeclaims_unhealthy_disrupted_total", "Number of unhealthy nodeclaims disrupted in total by Karpenter.",
    ["condition", "nodepool", "capacity_type", "image_id"]
  )

  /** Why no node is to be replaced now, where too many are ill. */
  const tooMany = (pool: string | undefined): string | undefined => {
    const among = nodes.list().filter((node) => pool === undefined || node.metadata.labels?.[label.nodePool] === pool)
    const ill = among.filter((node) => ailmentOf(node, repairPolicies) !== undefined).length
    if (ill <= tolerableOf(among.length)) return undefined
    return `${ill} of ${among.length} nodes ${pool === undefined ? "in the cluster" : `of NodePool ${pool}`} are unhealthy, more than 20%`
  }

  const blocked = Effect.fnUntraced(function*(node: Node, claim: NodeClaim, pool: string | undefined, message: string) {
    const owner = pool === undefined ? undefined : caches.store(NodePools).get({ name: pool })
    const concerned: ReadonlyArray<KubeObject> = [node, claim, ...owner === undefined ? [] : [owner]]
    for (const object of concerned) {
      yield* recorder.publish({
        object,
        type: "Warning",
        reason: "NodeRepairBlocked",
        message,
        dedupe: [object.metadata.uid ?? object.metadata.name],
        dedupeFor: "15 minutes"
      })
    }
    return blockedFor
  })

  /**
   * Nothing that holds a drain holds this one: its deadline is over. Only of a claim that is being deleted: one that stayed
   * after all would keep the deadline, and whatever deletes it later would end its pods by force.
   */
  const endGrace = Effect.fnUntraced(function*(claim: NodeClaim, now: number) {
    const { annotations, name, uid } = claim.metadata
    if (Date.parse(annotations?.[annotation.terminationTimestamp] ?? "") <= now) return
    const deadline = timestamp(now)
    yield* kube.patch(NodeClaims, { name }, {
      metadata: { uid, annotations: { [annotation.terminationTimestamp]: deadline } }
    }, { kind: "merge" })
  })

  const replace = Effect.fnUntraced(function*(node: Node, claim: NodeClaim, { type }: Condition, now: number) {
    if (claim.metadata.deletionTimestamp === undefined) {
      yield* Effect.logInfo("deleting unhealthy node", { condition: type, NodeClaim: { name: claim.metadata.name } })
      if (!(yield* removeClaim(claim, "unhealthy", reschedulableOn(claim, pods).length))) return done
      replaced.inc({
        condition: snakeCase(type),
        nodepool: node.metadata.labels?.[label.nodePool] ?? "",
        capacity_type: node.metadata.labels?.[label.capacityType] ?? "",
        image_id: claim.status?.imageID ?? ""
      })
    }
    yield* endGrace(claim, now)
    return done
  })

  const judge = Effect.fnUntraced(function*(known: Node) {
    const now = yield* Clock.currentTimeMillis
    const claim = claimOfNode(known, claims)
    const first = claim === undefined ? undefined : ailmentOf(known, repairPolicies)
    if (claim === undefined || first === undefined) return done
    if (now < first.due) return requeueAfter(first.due - now)
    // A cache that is behind may not know yet that the node is well again.
    const node = yield* kube.get(Nodes, { name: known.metadata.name })
    const ailment = node.metadata.uid === known.metadata.uid ? ailmentOf(node, repairPolicies) : undefined
    if (ailment === undefined) return done
    if (now < ailment.due) return requeueAfter(ailment.due - now)
    const pool = claim.metadata.labels?.[label.nodePool]
    const why = tooMany(pool)
    return why === undefined ? yield* replace(node, claim, ailment.condition, now) : yield* blocked(node, claim, pool, why)
  })

  return yield* runController({
    name: "node.health",
    kind: Nodes,
    workers: 10,
    backoff: { base: "100 millis", max: "1 minute" },
    triggers: [onSelf(nodes, (change) => change.type === "applied" && healthChanged(change.previous, change.object))],
    reconcile: Effect.fnUntraced(function*(ref) {
      yield* caches.synced
      const node = nodes.get(ref)
      return node === undefined ? done : yield* settled(judge(node))
    })
  })
})

/** Runs until it is interrupted; idle where the gate is off or the provider has no policies. */
export const nodeRepair: Effect.Effect<
  never, never, Caches | CloudProvider | Kube | Metrics | Recorder | Settings
> = Effect.gen(function*() {
  const { featureGates } = yield* Settings
  const { repairPolicies } = yield* CloudProvider
  return yield* featureGates.NodeRepair && repairPolicies.length > 0 ? controller : Effect.never
})
