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

/** The required node affinity terms that can match a node; an empty term matches none. Undefined: nothing is required. */
export const requiredTerms = (spec: PodSpec): ReadonlyArray<NodeSelectorTerm> | undefined =>
  spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
    .filter((term) => (term.matchExpressions?.length ?? 0) > 0)

/** The expressions of preferred node affinity, heaviest first, equal weights in their order. Those on fields are left out. */
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
 * Karpenter stops there, with the last of the terms, and so leaves out pods that an earlier term would place were it not for a
 * wish; here these terms come once more at the end, without any.
 * `others` is what rules about other pods demand, of every step.
 */
export const constraintsOf = (spec: PodSpec, others: Requirements, preferred: boolean, softTaints: boolean): Constraints => {
  const selector = both(requirementsOfLabels(spec.nodeSelector), others)
  const wishes = preferred ? preferences(spec) : []
  const tolerations = spec.tolerations ?? []
  const softened = softTaints && !hasSoftToleration(tolerations) ? [...tolerations, softToleration] : undefined
  const strict = (requiredTerms(spec) ?? [undefined]).map((term) => both(selector, requirementsOf(term?.matchExpressions)))
  const last = strict.slice(-1)
  const earlier = strict.slice(0, -1)
  const wishing = (requirements: Requirements, i: number): Rung => ({
    requirements: wishes[i] === undefined ? requirements : both(requirements, requirementsOf(wishes[i])),
    tolerations
  })
  const soft = (requirements: Requirements): ReadonlyArray<Rung> =>
    softened === undefined ? [] : [{ requirements, tolerations: softened }]
  const rungs = [
    ...strict.map((requirements) => wishing(requirements, 0)),
    ...last.flatMap((requirements) => wishes.map((_, i) => wishing(requirements, i + 1))),
    ...last.flatMap(soft),
    ...earlier.map((requirements) => ({ requirements, tolerations })),
    ...earlier.flatMap(soft)
  ]
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
