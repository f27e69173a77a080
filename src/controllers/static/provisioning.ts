/** `static.provisioning`: gives NodePools with `spec.replicas` the nodes that they lack (Karpenter's static/provisioning). */
import { Clock, Effect } from "effect"
import { nodePoolConditions, conditionType } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import { NodePools } from "../../apis/nodePool.ts"
import type { NodePool } from "../../apis/nodePool.ts"
import { Caches } from "../../kube/caches.ts"
import type { Change } from "../../kube/caches.ts"
import type { Recorder } from "../../kube/events.ts"
import { Kube } from "../../kube/kube.ts"
import type { KubeError } from "../../kube/kubeError.ts"
import { done, onOther, onSelf, requeueAfter, runController } from "../../runtime/controller.ts"
import { isoNow } from "../../runtime/isoNow.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { isReady } from "../provisioning/nodePools.ts"
import { staticClaim } from "./claim.ts"
import { claimsOf, countOf, isStatic } from "./count.ts"
import { look } from "./look.ts"
import { makePatience } from "./patience.ts"
import { provisioning } from "./places.ts"
import { writePoolConditions } from "./poolConditions.ts"

const lookEvery = "1 minute"
const lookAtLimitEvery = "30 seconds"
/** After claims were created: whether these are all that the pool wants. */
const lookAgainAfter = "1 second"
/** Claims that are created at a time. */
const atOnce = 8

/** A claim of the pool begins to go, or is gone. */
const makesRoom = (change: Change<NodeClaim>): boolean => change.type === "deleted" ||
  (change.object.metadata.deletionTimestamp !== undefined && change.previous?.metadata.deletionTimestamp === undefined)

/** Says on the pool that its limit keeps it from its number, or takes that back. */
const tell = Effect.fnUntraced(function*(pool: NodePool, short?: { readonly limit: number; readonly has: number }) {
  const now = yield* isoNow
  const message = short === undefined ? "" :
    `${short.has} of ${pool.spec.replicas} nodes, as limits.nodes is ${short.limit} and claims that are being deleted count`
  yield* writePoolConditions(pool, short === undefined
    ? nodePoolConditions.clear(pool, conditionType.staticCapacity, now)
    : nodePoolConditions.setFalse(pool, conditionType.staticCapacity, "LimitsExceeded", message, now))
})

/** Runs the controller until it is interrupted. */
export const staticProvisioning: Effect.Effect<never, never, Caches | Kube | Metrics | Recorder> = Effect.gen(function*() {
  const caches = yield* Caches
  const clock = yield* Clock.Clock
  const kube = yield* Kube
  const metrics = yield* Metrics
  const pools = caches.store(NodePools)
  const claims = caches.store(NodeClaims)
  const patience = makePatience()
  const created = metrics.counter(
    "karpenter_nodeclaims_created_total",
    "Number of nodeclaims created in total by Karpenter.",
    ["reason", "nodepool", "min_values_relaxed"]
  )

  const create = Effect.fnUntraced(function*(pool: NodePool, name: string) {
    const NodePool = { name: pool.metadata.name }
    const claim = yield* kube.create(NodeClaims, staticClaim(pool, name)).pipe(
      // An earlier request, or another leader's, took the place.
      Effect.catchIf((error: KubeError) => error.reason._tag === "AlreadyExists", () => Effect.void)
    )
    if (!claim) return
    created.inc({ reason: "provisioned", nodepool: NodePool.name, min_values_relaxed: "false" })
    yield* Effect.logInfo("created nodeclaim", { NodePool, NodeClaim: { name } })
  })

  const fill = Effect.fnUntraced(function*(known: NodePool) {
    const seen = yield* look(known)
    if (seen === undefined || !isReady(seen.pool)) return done
    const { pool } = seen
    const decision = provisioning(pool, seen.claims)
    if (decision.action === "keep") return requeueAfter(lookEvery)
    if (decision.action === "wait") {
      const { active, pending } = countOf(claimsOf(pool, seen.claims))
      yield* tell(pool, { limit: decision.limit, has: active.length + pending.length })
      yield* Effect.logInfo("nodepool is at its limit of nodes", { limit: decision.limit, wanted: decision.wanted })
      return requeueAfter(lookAtLimitEvery)
    }
    yield* Effect.forEach(decision.names, (name) => create(pool, name), { concurrency: atOnce, discard: true })
    return requeueAfter(lookAgainAfter)
  })

  return yield* Effect.scoped(Effect.gen(function*() {
    yield* claims.subscribe((change) => patience.observe(change, clock.currentTimeMillisUnsafe()))
    return yield* runController({
      name: "static.provisioning",
      kind: NodePools,
      workers: 10,
      backoff: { base: "1 second", max: "1 minute" },
      triggers: [
        onSelf(pools, (change) => change.type === "applied" && isStatic(change.object)),
        onOther(claims, (change) => makesRoom(change) ? [{ name: change.object.metadata.labels?.[label.nodePool] ?? "" }] : [])
      ],
      reconcile: Effect.fnUntraced(function*(ref) {
        yield* caches.synced
        const pool = pools.get(ref)
        if (pool === undefined || !isStatic(pool) || !isReady(pool) || pool.metadata.deletionTimestamp !== undefined) return done
        if (provisioning(pool, claims.list()).action === "keep") {
          yield* tell(pool)
          return requeueAfter(lookEvery)
        }
        const wait = patience.left(ref.name, yield* Clock.currentTimeMillis)
        return wait > 0 ? requeueAfter(wait) : yield* fill(pool)
      })
    })
  }))
})
