/**
 * One pass of the provisioner (core-scheduling §10.4): reads everything anew, what is bought already or on its way
 * included, plans for the pods that wait, creates the NodeClaims, and tells.
 *
 * Unlike Karpenter's it does not stop while a claim is unlaunched: such a claim counts as what it is going to be.
 */
import { Clock, Effect } from "effect"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { problemOf } from "../../cluster/problem.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { Caches } from "../../kube/caches.ts"
import { DaemonSets, PodDisruptionBudgets, Pods } from "../../kube/resources.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { schedule } from "../../scheduling/index.ts"
import type { Plan, PodRef } from "../../scheduling/plan.ts"
import type { Problem } from "../../scheduling/problem.ts"
import { Settings } from "../../settings/settings.ts"
import { createClaims } from "./create.ts"
import { participants } from "./nodePools.ts"
import { nominationWindow } from "./nomination.ts"
import { pendingPods } from "./pendingPods.ts"
import { keep } from "./promises.ts"
import type { Kept, Promises } from "./promises.ts"
import * as report from "./report.ts"

const controller = "provisioner"

/** The solver runs to its end once it has begun, so whoever is ready runs before it and right after it. */
const solve = Effect.fnUntraced(function*(problem: Problem) {
  const metrics = yield* Metrics
  yield* Effect.yieldNow
  const start = yield* Clock.currentTimeMillis
  const plan = schedule(problem)
  const end = yield* Clock.currentTimeMillis
  metrics.histogram(
    "karpenter_scheduler_scheduling_duration_seconds",
    "Duration of scheduling simulations used for deprovisioning and provisioning in seconds.",
    ["controller"]
  ).observe({ controller }, (end - start) / 1000)
  yield* Effect.yieldNow
  return plan
})

/** Asks the scheduler; the catalogues that it chose from come with the plan. */
const planFor = Effect.fnUntraced(function*(kept: Kept, nodes: ReadonlyArray<StateNode>) {
  const caches = yield* Caches
  const { minValuesPolicy, preferencePolicy } = yield* Settings
  const { pools, types } = yield* participants
  if (pools.length === 0) yield* Effect.logInfo("no nodepools found")
  const plan = yield* solve(problemOf({
    pods: kept.toPlace,
    nodes,
    nodePools: pools,
    instanceTypes: types,
    daemonSets: caches.store(DaemonSets).list(),
    promised: kept.promised,
    options: { preferencePolicy, minValuesPolicy }
  }))
  return { plan, types }
})

const podCount = (groups: ReadonlyArray<{ readonly pods: ReadonlyArray<PodRef> }>): number =>
  groups.reduce((total, group) => total + group.pods.length, 0)

const logPlan = Effect.fnUntraced(function*(
  plan: Plan, kept: Kept, nodes: ReadonlyMap<string, StateNode>, startedAt: number
) {
  if (plan.newNodes.length > 0) {
    const duration = (yield* Clock.currentTimeMillis) - startedAt
    yield* Effect.logInfo("found provisionable pod(s)", { Pods: report.podNames(kept.toPlace), duration: `${duration}ms` })
    yield* Effect.logInfo("computed new nodeclaim(s) to fit pod(s)", {
      nodeclaims: plan.newNodes.length,
      pods: podCount(plan.newNodes)
    })
  }
  const unready = plan.existingNodes.filter((placement) => nodes.get(placement.name)?.initialized === false)
  if (unready.length > 0) {
    yield* Effect.logInfo("computed unready node(s) will fit pod(s)", { nodes: unready.length, pods: podCount(unready) })
  }
})

/** Where a pod is told that it should run. */
const targetOf = (node: StateNode): string => [
  ...node.claim === undefined ? [] : [`nodeclaim/${node.claim.metadata.name}`],
  ...node.node === undefined ? [] : [`node/${node.node.metadata.name}`]
].join(", ")

/** Makes the pass; all it remembers from one run to the next is which pod was promised which machine, and what was said. */
export const makePass = Effect.gen(function*() {
  const caches = yield* Caches
  const cluster = yield* Cluster
  const metrics = yield* Metrics
  const window = nominationWindow(yield* Settings)
  const ignored = metrics.gauge(
    "karpenter_scheduler_ignored_pods_count", "Number of pods ignored during scheduling by Karpenter", []
  )
  const unschedulable = metrics.gauge(
    "karpenter_scheduler_unschedulable_pods_count", "The number of unschedulable Pods.", ["controller"]
  )
  let promises: Promises = new Map()
  let told: report.Told = new Map()

  const observe = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    // Nodes are read before pods: a pod bound in between is planned for nothing rather than forgotten.
    const nodes = yield* cluster.nodes
    const pending = pendingPods(caches.store(Pods).list())
    const leaving = leavingPods(nodes, caches.store(PodDisruptionBudgets).list(), now)
    ignored.set({}, pending.ignored.length)
    yield* report.reportIgnored(pending.ignored)
    if (pending.accepted.length + leaving.length > 0) {
      yield* Effect.logDebug("computing scheduling decision for provisionable pod(s)", {
        "pending-pods": pending.accepted.length,
        "deleting-pods": leaving.length
      })
    }
    return { nodes, kept: keep([...pending.accepted, ...leaving], nodes, promises) }
  })

  const run = Effect.gen(function*() {
    const startedAt = yield* Clock.currentTimeMillis
    const { kept, nodes } = yield* observe
    const byName = new Map(nodes.map((node) => [node.name, node]))
    const next = new Map<string, string>()
    promises = next
    for (const [name, waiting] of kept.promised) {
      const node = byName.get(name)
      if (node === undefined) continue
      for (const pod of waiting) next.set(pod.metadata.uid ?? "", nominationKey(node))
      yield* cluster.nominate(nominationKey(node), window)
    }
    if (kept.toPlace.length === 0) return unschedulable.set({ controller }, 0)

    const { plan, types } = yield* planFor(kept, nodes)
    yield* logPlan(plan, kept, byName, startedAt)
    const byUid = new Map(kept.toPlace.map((pod) => [pod.metadata.uid ?? "", pod]))
    const nominate = Effect.fnUntraced(function*(key: string, refs: ReadonlyArray<PodRef>, target: string, isComing: boolean) {
      yield* cluster.nominate(key, window)
      for (const pod of refs.flatMap((ref) => byUid.get(ref.uid ?? "") ?? [])) {
        if (isComing) next.set(pod.metadata.uid ?? "", key)
        yield* report.reportNominated(pod, target)
      }
    })
    for (const { planned, claim } of yield* createClaims(plan.newNodes, nodes, types)) {
      yield* nominate(claim.metadata.name, planned.pods, `nodeclaim/${claim.metadata.name}`, true)
    }
    for (const placement of plan.existingNodes) {
      const node = byName.get(placement.name)
      if (node !== undefined) yield* nominate(nominationKey(node), placement.pods, targetOf(node), !node.initialized)
    }
    unschedulable.set({ controller }, plan.unschedulable.length)
    told = yield* report.reportUnschedulable(plan.unschedulable, (uid) => byUid.get(uid), told)
  })
  return { run }
})
