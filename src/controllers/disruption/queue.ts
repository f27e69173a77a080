/**
 * `disruption.queue`: sees disruptions that have replacements through (Karpenter's disruption/queue.go). Nodes are deleted
 * when all of their replacements are initialized; where that takes too long, or a replacement is lost, the nodes stay as they
 * were. All of it is read from the claims, so another process goes on where one ended.
 */
import { Clock, Effect } from "effect"
import { conditionType, nodeClaimConditions } from "../../apis/conditions.ts"
import { label } from "../../apis/labels.ts"
import { NodeClaims } from "../../apis/nodeClaim.ts"
import type { NodeClaim } from "../../apis/nodeClaim.ts"
import type { CloudProvider } from "../../cloud/cloudProvider.ts"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { disruptionsIn, isRunning, isWhole, waiting, withoutReplacements } from "../../cluster/replacements.ts"
import type { Disruption } from "../../cluster/replacements.ts"
import { Caches } from "../../kube/caches.ts"
import { Recorder } from "../../kube/events.ts"
import type { Kube } from "../../kube/kube.ts"
import { requeueAfter, runSingleton } from "../../runtime/controller.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { snakeCase } from "../disrupted.ts"
import { deleteClaim } from "../nodeclaim/removeClaim.ts"
import type { Memory } from "./memory.ts"
import { disruptionMetrics } from "./metrics.ts"
import { unmarkAll } from "./start.ts"
import { takeAway } from "./takeAway.ts"

const lookEvery = "1 second"
const atOnce = 10

const perNodeMillis = 80
const leastMillis = 10 * 60_000
const mostMillis = 60 * 60_000

/** How long a disruption may wait for its replacements, by how many nodes are waiting in all. */
export const deadlineMillis = (nodes: number): number => Math.min(mostMillis, Math.max(leastMillis, perNodeMillis * nodes))

export type Progress =
  | { readonly action: "wait" }
  /** The replacements are there. */
  | { readonly action: "finish" }
  /** Nothing waits for it any more. */
  | { readonly action: "ignore" }
  | { readonly action: "callOff"; readonly reason: "ReplacementLost" | "TimedOut"; readonly message: string }

const isInitialized = (claim: NodeClaim): boolean => nodeClaimConditions.isTrue(claim, conditionType.initialized)
const isRegistered = (claim: NodeClaim): boolean => nodeClaimConditions.isTrue(claim, conditionType.registered)

const bornAt = ({ replacements }: Disruption): number =>
  Math.min(...replacements.map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? "")))

/** What to do about a disruption. It counts only as too late while it is not done. Pure. */
export const progressOf = (disruption: Disruption, nodesInQueue: number, nowMillis: number): Progress => {
  if (waiting(disruption).length === 0) return { action: "ignore" }
  if (!isWhole(disruption)) return { action: "callOff", reason: "ReplacementLost", message: "a replacement was deleted" }
  if (disruption.replacements.every(isInitialized)) return { action: "finish" }
  const deadline = deadlineMillis(nodesInQueue)
  if (nowMillis - bornAt(disruption) <= deadline) return { action: "wait" }
  const missing = disruption.replacements.filter((claim) => !isInitialized(claim)).map(({ metadata: { name } }) => name)
  return {
    action: "callOff", reason: "TimedOut", message: `${missing.join(", ")} not initialized within ${deadline / 1000} s`
  }
}

const nodePoolsOf = (claims: ReadonlyArray<NodeClaim>): ReadonlyArray<string> =>
  [...new Set(claims.flatMap(({ metadata: { labels } }) => labels?.[label.nodePool] ?? []))]

/** Of replacements that are on their way, for whoever looks at them. */
const reportWaiting = Effect.fnUntraced(function*({ reason, replacements }: Disruption) {
  const recorder = yield* Recorder
  for (const claim of replacements) {
    if (isInitialized(claim)) continue
    const uid = claim.metadata.uid ?? claim.metadata.name
    yield* recorder.publish({
      object: claim, type: "Normal", reason: "DisruptionLaunching", message: `Launching NodeClaim: ${reason}`, dedupe: [uid, reason]
    })
    yield* recorder.publish({
      object: claim, type: "Normal", reason: "DisruptionWaitingReadiness",
      message: "Waiting on readiness to continue disruption", dedupe: [uid]
    })
  }
})

/** Runs until it is interrupted. */
export const disruptionQueue = (memory: Memory): Effect.Effect<
  never, never, Caches | CloudProvider | Cluster | Kube | Metrics | Recorder
> => Effect.gen(function*() {
  const caches = yield* Caches
  const cluster = yield* Cluster
  const claims = caches.store(NodeClaims)
  const metrics = disruptionMetrics(yield* Metrics)

  const callOff = Effect.fnUntraced(function*(disruption: Disruption, nodes: ReadonlyArray<StateNode>, message: string) {
    const { consolidationType, reason, replacements } = disruption
    yield* Effect.logError("failed to disrupt node(s)", {
      "command-id": disruption.id, reason: reason.toLowerCase(), decision: "replace", error: message,
      nodeclaims: disruption.leaving.map(({ metadata: { name } }) => name)
    })
    yield* unmarkAll(nodes)
    // Nobody runs on what has not joined: it is not paid for any longer.
    const unused = replacements.filter((claim) => claim.metadata.deletionTimestamp === undefined && !isRegistered(claim))
    yield* Effect.forEach(unused, (claim) => deleteClaim(claim).pipe(Effect.ignore), { concurrency: atOnce, discard: true })
    metrics.queueFailures.inc(
      { decision: "replace", reason: snakeCase(reason), consolidation_type: consolidationType },
      disruption.of - replacements.filter(isInitialized).length
    )
    yield* memory.backoff.failed(reason, nodePoolsOf(disruption.leaving))
  })

  const finish = Effect.fnUntraced(function*(disruption: Disruption, stateOf: (claim: NodeClaim) => StateNode | undefined) {
    const old = waiting(disruption)
    const all = yield* Effect.forEach(old, (claim) => takeAway(claim, disruption.reason, stateOf(claim)).pipe(
      Effect.catch((error) => Effect.logInfo("could not delete nodeclaim, trying again", {
        NodeClaim: { name: claim.metadata.name }, error: error.message
      }).pipe(Effect.as(false)))
    ), { concurrency: atOnce })
    if (all.some((one) => one)) yield* memory.backoff.succeeded(disruption.reason, nodePoolsOf(old))
  })

  /** Those that the claims tell of, and those whose replacements are all gone. */
  const remembered = (): ReadonlyArray<Disruption> => {
    const all = claims.list()
    const told = disruptionsIn(all)
    for (const disruption of told) if (isRunning(disruption)) memory.seen.set(disruption.id, disruption)
    const ids = new Set(told.map(({ id }) => id))
    const lost = [...memory.seen.values()].filter(({ id }) => !ids.has(id)).map((replacing) => withoutReplacements(replacing, all))
    for (const disruption of [...told, ...lost]) if (waiting(disruption).length === 0) memory.seen.delete(disruption.id)
    return [...told, ...lost]
  }

  const see = Effect.fnUntraced(function*(known: ReadonlyArray<Disruption>) {
    const now = yield* Clock.currentTimeMillis
    const inQueue = known.filter(isRunning).reduce((sum, one) => sum + waiting(one).length + one.of, 0)
    const judged = known.map((disruption) => ({ disruption, progress: progressOf(disruption, inQueue, now) }))
    if (judged.every(({ progress }) => progress.action === "ignore")) return
    const states = new Map((yield* cluster.nodes).map((state) => [state.claim?.metadata.uid, state]))
    for (const { disruption, progress } of judged) {
      if (progress.action === "wait") yield* reportWaiting(disruption)
      if (progress.action === "finish") yield* finish(disruption, ({ metadata: { uid } }) => states.get(uid))
      if (progress.action === "callOff") {
        const nodes = waiting(disruption).flatMap(({ metadata: { uid } }) => states.get(uid) ?? [])
        yield* callOff(disruption, nodes, progress.message)
      }
    }
  })

  return yield* runSingleton({
    name: "disruption.queue",
    backoff: { base: "1 second", max: "10 seconds" },
    reconcile: Effect.gen(function*() {
      yield* cluster.synced
      const known = remembered().filter(({ id }) => !memory.starting.has(id))
      if (known.length > 0) yield* see(known)
      return requeueAfter(lookEvery)
    })
  })
})
