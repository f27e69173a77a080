/**
 * One pass of the provisioner (Karpenter's provisioning/provisioner.go): reads everything anew, what is bought already
 * or on its way included, plans for the pods that wait, creates the NodeClaims, and tells.
 *
 * Unlike Karpenter's it does not stop while a claim is unlaunched: such a claim counts as what it is going to be.
 */
import { Clock, Effect } from "effect"
import { Cluster } from "../../cluster/cluster.ts"
import type { StateNode } from "../../cluster/cluster.ts"
import { leavingPods } from "../../cluster/reschedulable.ts"
import { nominationKey } from "../../cluster/stateNode.ts"
import { Caches, index, unbound } from "../../kube/caches.ts"
import type { Pod } from "../../kube/objects.ts"
import { PodDisruptionBudgets, Pods } from "../../kube/resources.ts"
import { Metrics } from "../../runtime/metrics.ts"
import type { Plan, PodRef } from "../../scheduling/plan.ts"
import { Settings } from "../../settings/settings.ts"
import { placeBuffers } from "./buffers.ts"
import { createClaims } from "./create.ts"
import { participants } from "./nodePools.ts"
import { nominationWindow } from "./nomination.ts"
import { pendingPods } from "./pendingPods.ts"
import { keep } from "./promises.ts"
import type { Kept, Promises } from "./promises.ts"
import * as report from "./report.ts"
import { ask, controller } from "./solve.ts"

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
    /** What pods will have of each machine, as far as they are not bound to it yet; by the name it is nominated under. */
    const taken = new Map<string, ReadonlyArray<Pod>>()
    const take = (node: StateNode | undefined, pods: ReadonlyArray<Pod>): void => {
      if (node !== undefined) taken.set(nominationKey(node), [...taken.get(nominationKey(node)) ?? [], ...pods])
    }
    promises = next
    for (const [name, waiting] of kept.promised) {
      const node = byName.get(name)
      if (node === undefined) continue
      for (const pod of waiting) next.set(pod.metadata.uid ?? "", nominationKey(node))
      yield* cluster.nominate(nominationKey(node), window)
    }
    for (const [name, waiting] of kept.promised) take(byName.get(name), waiting)
    if (kept.toPlace.length === 0) {
      unschedulable.set({ controller }, 0)
      return yield* placeBuffers(taken)
    }

    const choice = yield* participants
    if (choice.pools.length === 0) yield* Effect.logInfo("no nodepools found")
    const { types } = choice
    const plan = yield* ask({ pods: kept.toPlace, promised: kept.promised, nodes }, choice)
    yield* logPlan(plan, kept, byName, startedAt)
    const byUid = new Map(kept.toPlace.map((pod) => [pod.metadata.uid ?? "", pod]))
    const podsOf = (refs: ReadonlyArray<PodRef>): ReadonlyArray<Pod> => refs.flatMap((ref) => byUid.get(ref.uid ?? "") ?? [])
    const nominate = Effect.fnUntraced(function*(key: string, refs: ReadonlyArray<PodRef>, target: string, isComing: boolean) {
      yield* cluster.nominate(key, window)
      for (const pod of podsOf(refs)) {
        if (isComing) next.set(pod.metadata.uid ?? "", key)
        yield* report.reportNominated(pod, target)
      }
    })
    for (const { planned, claim } of yield* createClaims(plan.newNodes, types)) {
      yield* nominate(claim.metadata.name, planned.pods, `nodeclaim/${claim.metadata.name}`, true)
      taken.set(claim.metadata.name, podsOf(planned.pods))
    }
    for (const placement of plan.existingNodes) {
      const node = byName.get(placement.name)
      if (node === undefined) continue
      yield* nominate(nominationKey(node), placement.pods, targetOf(node), !node.initialized)
      take(node, podsOf(placement.pods))
    }
    const left = plan.unschedulable.filter((one) => !report.isDeferred(one))
    yield* report.reportDeferred(plan.unschedulable.filter(report.isDeferred))
    unschedulable.set({ controller }, left.length)
    told = yield* report.reportUnschedulable(left, (uid) => byUid.get(uid), choice.notReady, told)
    yield* placeBuffers(taken, choice)
  })
  return { run }
})
