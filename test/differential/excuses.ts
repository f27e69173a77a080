/** Where the rival is not the measure, each case with its reason. */
import type { RivalRun } from "../../bench/rival.ts"
import type { Plan, Pod, Problem } from "../../src/scheduling/index.ts"
import { needs } from "../scheduling/checker/amounts.ts"
import { keyOf, keyOfName } from "./rivalPlan.ts"

const choosing = ["topology.kubernetes.io/zone", "karpenter.sh/capacity-type", "node.kubernetes.io/instance-type"]

/**
 * The rival takes contradicting requirements, such as zone a and zone b, for a label that must not exist, which no node can obey
 * (docs/DIFFERENCES.md, "Contradictions"): such a claim is launched anywhere.
 */
export const contradicts = (run: RivalRun): boolean =>
  run.newNodeClaims.some(({ requirements }) => requirements.some(({ key, operator }) => operator === "DoesNotExist" && choosing.includes(key)))

const sizeOf = (pod: Pod): string => {
  const { cpu = 0, memory = 0 } = Object.fromEntries(needs(pod.spec))
  return `${cpu} ${memory}`
}

/**
 * Where room is short, somebody of a size is left out. Pods of one size queue in the order of their UIDs with the rival, and by kind
 * here. That is fair as long as as many of each size have a place: those left out here alone stand for as many of their size that
 * the rival always leaves out.
 */
export const isTurnOfItsSize = (problem: Problem, plan: Plan, runs: ReadonlyArray<RivalRun>): boolean => {
  const ours = new Set(plan.unschedulable.map(({ pod }) => keyOf(pod)))
  const theirs = runs.map((run) => new Set(Object.keys(run.errors).map(keyOfName)))
  const owed = new Map<string, number>()
  for (const pod of problem.pods) {
    const { name, namespace = "default" } = pod.metadata
    const key = keyOf({ name, namespace })
    const never = theirs.every((left) => left.has(key))
    const always = theirs.every((left) => !left.has(key))
    const debt = ours.has(key) && always ? 1 : !ours.has(key) && never ? -1 : 0
    owed.set(sizeOf(pod), (owed.get(sizeOf(pod)) ?? 0) + debt)
  }
  return [...owed.values()].every((debt) => debt <= 0)
}
