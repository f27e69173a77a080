/** What a pod demands of its node, beyond room: pods with equal demands are one class. */
import type { HostPort } from "./hostPorts.ts"
import { hostPortsOf } from "./hostPorts.ts"
import type { NodeSelectorTerm, PodSpec, Requirement, Toleration } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import { softToleration } from "./taints.ts"

/** One step of the ladder of wishes: what the pod asks for when the wishes of the steps before it are given up. */
export interface Rung {
  readonly requirements: Requirements
  readonly tolerations: ReadonlyArray<Toleration>
}

export interface Constraints {
  /** From all wishes to those that can't be given up; never empty unless `impossible`. */
  readonly rungs: ReadonlyArray<Rung>
  readonly ports: ReadonlyArray<HostPort>
  /** The pod's own required node affinity can hold on no node at all. */
  readonly impossible: boolean
}

/** The required node affinity terms that can match a node. Kubernetes: an empty term matches none. Undefined: nothing is required. */
export const requiredTerms = (spec: PodSpec): ReadonlyArray<NodeSelectorTerm> | undefined =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    .filter((term) => (term.matchExpressions?.length ?? 0) > 0)

/** The expressions of preferred node affinity, heaviest first, equal weights in their order. Those on fields are no label's matter. */
const preferences = (spec: PodSpec): ReadonlyArray<ReadonlyArray<Requirement>> =>
  (spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter(({ preference }) => (preference.matchExpressions?.length ?? 0) > 0 && (preference.matchFields?.length ?? 0) === 0)
    .sort((a, b) => b.weight - a.weight)
    .map(({ preference }) => preference.matchExpressions!)

const hasSoftToleration = (tolerations: ReadonlyArray<Toleration>): boolean =>
  tolerations.some((toleration) => (toleration.key ?? "") === "" && toleration.operator === "Exists" &&
    ((toleration.effect ?? "") === "" || toleration.effect === "PreferNoSchedule"))

/**
 * The ladder, in Karpenter's order of relaxation: required terms but the last, from the front; preferred node affinity, heaviest
 * first; at last a toleration of PreferNoSchedule, where some host has such a taint. The heaviest wish left counts as required.
 * `others` is what rules about other pods demand, of every step.
 */
export const constraintsOf = (spec: PodSpec, others: Requirements, preferred: boolean, softTaints: boolean): Constraints => {
  const selector = both(requirementsOfLabels(spec.nodeSelector), others)
  const terms = requiredTerms(spec)
  const wishes = preferred ? preferences(spec) : []
  const tolerations = spec.tolerations ?? []
  const strict = (terms ?? [undefined]).map((term) => both(selector, requirementsOf(term?.matchExpressions)))
  const rungs: Array<Rung> = []
  const add = (requirements: Requirements, wish: ReadonlyArray<Requirement> | undefined, tolerations: ReadonlyArray<Toleration>): void => {
    rungs.push({ requirements: wish === undefined ? requirements : both(requirements, requirementsOf(wish)), tolerations })
  }
  for (const requirements of strict) add(requirements, wishes[0], tolerations)
  const last = strict.at(-1)
  if (last !== undefined) {
    for (let i = 1; i <= wishes.length; i++) add(last, wishes[i], tolerations)
    if (softTaints && !hasSoftToleration(tolerations)) add(last, undefined, [...tolerations, softToleration])
  }
  return { rungs, ports: hostPortsOf(spec), impossible: rungs.length === 0 }
}

/** The first field of the pod's node affinity that cannot be judged here; a pod that has one is not placed. */
export const unsupportedField = (spec: PodSpec): string | undefined => {
  const term = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    .findIndex((item) => (item.matchFields?.length ?? 0) > 0) ?? -1
  return term < 0
    ? undefined
    : `spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${term}].matchFields`
}
