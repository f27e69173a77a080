/** Where the rival is not the measure, each case with its reason. */
import type { RivalRun } from "../../bench/rival.ts"
import type { Plan, Pod, Problem } from "../../src/scheduling/index.ts"
import { needs } from "../scheduling/checker/amounts.ts"
import { keyOf, keyOfName } from "./rivalPlan.ts"

const choosing = ["topology.kubernetes.io/zone", "karpenter.sh/capacity-type", "node.kubernetes.io/instance-type"]

/** Labels that one of the pod's required terms wants to be absent and present at once. */
const contradicted = ({ spec }: Pod): ReadonlyArray<string> => {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return (required?.nodeSelectorTerms ?? []).flatMap(({ matchExpressions = [] }) => matchExpressions
    .filter(({ key, operator }) => operator === "DoesNotExist" &&
      matchExpressions.some((other) => other.key === key && !["DoesNotExist", "NotIn"].includes(other.operator)))
    .map(({ key }) => key))
}

/**
 * The rival takes contradicting requirements, such as zone a and zone b, for a label that must not exist, which no node can obey
 * (docs/DIFFERENCES.md, "Contradictions"): such a claim is launched anywhere. So is one for a pod's term that nothing satisfies,
 * and whoever spreads by another term does not count its pods.
 */
export const contradicts = ({ pods }: Problem, { newNodeClaims }: RivalRun): boolean =>
  newNodeClaims.some(({ podNames, requirements }) => {
    const absent = requirements.filter(({ operator }) => operator === "DoesNotExist").map(({ key }) => key)
    const own = new Set(podNames.map(keyOfName))
    return absent.some((key) => choosing.includes(key) ||
      pods.some((pod) => own.has(keyOfPod(pod)) && contradicted(pod).includes(key)))
  })

/** In the order of the queue: by CPU, then by memory. */
const sizeOf = (pod: Pod): readonly [number, number] => {
  const { cpu = 0, memory = 0 } = Object.fromEntries(needs(pod.spec))
  return [cpu, memory]
}

const isAsBig = (a: Pod, b: Pod): boolean => {
  const [[cpu, memory], [otherCpu, otherMemory]] = [sizeOf(a), sizeOf(b)]
  return cpu > otherCpu || (cpu === otherCpu && memory >= otherMemory)
}

const keyOfPod = ({ metadata: { name, namespace = "default" } }: Pod): string => keyOf({ name, namespace })

const biggestFirst = (a: Pod, b: Pod): number => isAsBig(a, b) ? isAsBig(b, a) ? 0 : -1 : 1

/**
 * Where room is short, somebody is left out. It is fair as long as there is a run of the rival in which for everybody that is
 * left out here alone another pod, as big or bigger, is left out there alone: bigger pods come first in the queue of both, and of
 * pods of one size the rival takes the one with the smaller UID, which says nothing.
 */
export const isTurnOfAnother = (problem: Problem, plan: Plan, runs: ReadonlyArray<RivalRun>): boolean => {
  const ours = new Set(plan.unschedulable.map(({ pod }) => keyOf(pod)))
  return runs.some((run) => {
    const theirs = new Set(Object.keys(run.errors).map(keyOfName))
    const losers = problem.pods.filter((pod) => ours.has(keyOfPod(pod)) && !theirs.has(keyOfPod(pod))).sort(biggestFirst)
    const winners = problem.pods.filter((pod) => !ours.has(keyOfPod(pod)) && theirs.has(keyOfPod(pod))).sort(biggestFirst)
    return losers.every((loser, i) => winners[i] !== undefined && isAsBig(winners[i], loser))
  })
}

/**
 * Whether the run places as much as the plan: it leaves out no more pods, and for each that it leaves out another, as big or bigger,
 * is left out by the plan.
 */
export const placesAsMuch = (problem: Problem, run: RivalRun, plan: Plan): boolean => {
  const left = (keys: ReadonlySet<string>): ReadonlyArray<Pod> => problem.pods.filter((pod) => keys.has(keyOfPod(pod))).sort(biggestFirst)
  const ours = left(new Set(plan.unschedulable.map(({ pod }) => keyOf(pod))))
  return left(new Set(Object.keys(run.errors).map(keyOfName))).every((pod, i) => ours[i] !== undefined && isAsBig(ours[i], pod))
}
