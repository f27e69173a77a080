/**
 * One pass of the provisioner (core-scheduling §10.4): reads everything anew, what is bought already or on its way
 * included, plans for the pods that wait, creates the NodeClaims, and tells.
 *
 * Unlike Karpenter's it does not stop while a claim is unlaunched: such a claim counts as what it is going to be.
 */
import { Clock, Duration, Effect } from "effect"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { problemOf } from "../../cluster/problem.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { surroundings } from "../../cluster/surroundings.ts"
import { Caches, index, unbound } from "../../kube/caches.ts"
import { DaemonSets, PodDisruptionBudgets, Pods } from "../../kube/resources.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { solve } from "../../scheduling/index.ts"
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

/**
 * Where a search ends though its time is not up: small batches are searched through in a few steps, and not every pass shall hold
 * the process up for all of its budget. Where the clock stands still, as in tests, nothing else ends it.
 */
const stepsPerPod = 10
const mostSteps = 2000

/**
 * A plan, and then a cheaper one if one is found within the budget. The solver runs to its end once it has begun, so whoever is
 * ready runs before it and right after it.
 */
const solveWithin = Effect.fnUntraced(function*(problem: Problem, budget: Duration.Duration) {
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics
  yield* Effect.yieldNow
  const start = yield* Clock.currentTimeMillis
  const solution = solve(problem)
  const end = clock.monotonicTimeNanosUnsafe() + Duration.toNanosUnsafe(budget)
  const plan = solution.improve({
    steps: Duration.isZero(budget) ? 0 : Math.min(mostSteps, stepsPerPod * problem.pods.length),
    isSpent: () => clock.monotonicTimeNanosUnsafe() >= end
  })
  metrics.histogram(
    "karpenter_scheduler_scheduling_duration_seconds",
    "Duration of scheduling simulations used for deprovisioning and provisioning in seconds.",
    ["controller"]
  ).observe({ controller }, ((yield* Clock.currentTimeMillis) - start) / 1000)
  yield* Effect.yieldNow
  return plan
})

/** Asks the scheduler; the catalogues that it chose from come with the plan. */
const planFor = Effect.fnUntraced(function*(kept: Kept, nodes: ReadonlyArray<StateNode>) {
  const caches = yield* Caches
  const { minValuesPolicy, nodePrice, preferencePolicy, schedulerConfig, searchBudget } = yield* Settings
  const { pools, types } = yield* participants
  if (pools.length === 0) yield* Effect.logInfo("no nodepools found")
  const plan = yield* solveWithin(problemOf({
    pods: kept.toPlace,
    nodes,
    nodePools: pools,
    instanceTypes: types,
    daemonSets: caches.store(DaemonSets).list(),
    promised: kept.promised,
    options: { preferencePolicy, minValuesPolicy, nodePrice },
    surroundings: yield* surroundings(schedulerConfig.defaultConstraints)
  }), searchBudget)
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
  const settings = yield* Settings
  const window = nominationWindow(settings)
  const ignored = metrics.gauge(
    "karpenter_scheduler_ignored_pods_count", "Number of pods ignored during scheduling by Karpenter", []
  )
  const unschedulable = metrics.gauge(
    "karpenter_scheduler_unschedulable_pods_count", "The number of unschedulable Pods.", ["controller"]
  )
  const { defaultConstraints } = settings.schedulerConfig
  if (defaultConstraints.length > 0) {
    yield* Effect.logInfo("pods without topology spread get the default constraints", { constraints: defaultConstraints })
  }
  let promises: Promises = new Map()
  let told: report.Told = new Map()

  const observe = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    // Nodes are read before pods: a pod bound in between is planned for nothing rather than forgotten.
    const nodes = yield* cluster.nodes
    const pending = pendingPods(caches.store(Pods).by(index.podUnbound, unbound))
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
    const left = plan.unschedulable.filter((one) => !report.isDeferred(one))
    yield* report.reportDeferred(plan.unschedulable.filter(report.isDeferred))
    unschedulable.set({ controller }, left.length)
    told = yield* report.reportUnschedulable(left, (uid) => byUid.get(uid), told)
  })
  return { run }
})
