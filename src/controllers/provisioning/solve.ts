/** Asks the scheduler. */
import { Clock, Duration, Effect } from "effect"
import type { StateNode } from "../../cluster/cluster.ts"
import { problemOf } from "../../cluster/problem.ts"
import { surroundings } from "../../cluster/surroundings.ts"
import { Caches } from "../../kube/caches.ts"
import type { Pod } from "../../kube/objects.ts"
import { DaemonSets } from "../../kube/resources.ts"
import { inSlices } from "../../runtime/inSlices.ts"
import { Metrics } from "../../runtime/metrics.ts"
import { solving } from "../../scheduling/index.ts"
import type { Problem } from "../../scheduling/problem.ts"
import { Settings } from "../../settings/settings.ts"
import type { Participants } from "./nodePools.ts"

export const controller = "provisioner"

/**
 * Where a search ends though its time is not up: small batches are searched through in a few steps, and not every pass shall hold
 * the process up for all of its budget. Where the clock stands still, as in tests, nothing else ends it.
 */
const stepsPerPod = 10
const mostSteps = 2000

/** Tells the time that work takes, without what others do while it waits for its next turn. */
const stopwatch = (clock: Clock.Clock) => {
  let before = 0n
  let since = clock.monotonicTimeNanosUnsafe()
  const nanos = (): bigint => before + clock.monotonicTimeNanosUnsafe() - since
  const timed = function*<A>(work: Generator<void, A>): Generator<void, A> {
    for (;;) {
      since = clock.monotonicTimeNanosUnsafe()
      const { done, value } = work.next()
      before = nanos()
      if (done === true) return value
      yield
    }
  }
  return { nanos, timed }
}

/**
 * A plan, and then a cheaper one if one is found within the budget, which begins when there is a plan to better. Whoever is ready
 * runs in between, which takes nothing of the budget.
 */
export const solveWithin = Effect.fnUntraced(function*(problem: Problem, budget: Duration.Duration, asker: string = controller) {
  const clock = yield* Clock.Clock
  const metrics = yield* Metrics
  yield* Effect.yieldNow
  const start = yield* Clock.currentTimeMillis
  const solution = yield* inSlices(solving(problem))
  const watch = stopwatch(clock)
  const plan = yield* inSlices(watch.timed(solution.improving({
    steps: Duration.isZero(budget) ? 0 : Math.min(mostSteps, stepsPerPod * problem.pods.length),
    isSpent: () => watch.nanos() >= Duration.toNanosUnsafe(budget)
  })))
  metrics.histogram(
    "karpenter_scheduler_scheduling_duration_seconds",
    "Duration of scheduling simulations used for deprovisioning and provisioning in seconds.",
    ["controller"]
  ).observe({ controller: asker }, ((yield* Clock.currentTimeMillis) - start) / 1000)
  yield* Effect.yieldNow
  return plan
})

export interface Question {
  readonly pods: ReadonlyArray<Pod>
  readonly nodes: ReadonlyArray<StateNode>
  /** Pods that will run on a machine, by its name: their room is taken. */
  readonly promised: ReadonlyMap<string, ReadonlyArray<Pod>>
}

/** The scheduler's question about the pods, in the cluster as it is. */
export const questionOf = Effect.fnUntraced(function*({ nodes, pods, promised }: Question, { pools, types }: Participants) {
  const caches = yield* Caches
  const { minValuesPolicy, nodePrice, preferencePolicy, schedulerConfig } = yield* Settings
  return problemOf({
    pods,
    nodes,
    nodePools: pools,
    instanceTypes: types,
    daemonSets: caches.store(DaemonSets).list(),
    promised,
    options: { preferencePolicy, minValuesPolicy, nodePrice },
    surroundings: yield* surroundings(schedulerConfig.defaultConstraints)
  })
})

/** Where the pods go. */
export const ask = Effect.fnUntraced(function*(question: Question, participants: Participants) {
  const { searchBudget } = yield* Settings
  return yield* solveWithin(yield* questionOf(question, participants), searchBudget)
})
