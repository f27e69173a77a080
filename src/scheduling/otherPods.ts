/** What a pod says about other pods, read from its spec: whom it wants near, whom it wants away, among whom it wants to be spread. */
import type { LabelSelector, Pod, PodAffinityTerm, PodSpec, SpreadConstraint } from "./problem.ts"

export const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? "default"

/** `namespace/name`. */
export const keyOfPod = (pod: Pod): string => `${namespaceOf(pod)}/${pod.metadata.name}`

const none: ReadonlyArray<PodAffinityTerm> = []

export const requiredAffinity = (spec: PodSpec): ReadonlyArray<PodAffinityTerm> =>
  spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? none

export const requiredAntiAffinity = (spec: PodSpec): ReadonlyArray<PodAffinityTerm> =>
  spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? none

/** Heaviest first; equal weights in their order. */
const byWeight = (terms: NonNullable<PodSpec["affinity"]>["podAffinity"]): ReadonlyArray<PodAffinityTerm> =>
  [...(terms?.preferredDuringSchedulingIgnoredDuringExecution ?? [])].sort((a, b) => b.weight - a.weight)
    .map(({ podAffinityTerm }) => podAffinityTerm)

export const preferredAffinity = (spec: PodSpec): ReadonlyArray<PodAffinityTerm> => byWeight(spec.affinity?.podAffinity)

export const preferredAntiAffinity = (spec: PodSpec): ReadonlyArray<PodAffinityTerm> => byWeight(spec.affinity?.podAntiAffinity)

export const speaksOfPods = (spec: PodSpec): boolean =>
  spec.affinity?.podAffinity !== undefined || spec.affinity?.podAntiAffinity !== undefined ||
  (spec.topologySpreadConstraints?.length ?? 0) > 0

/**
 * The label keys at which selectors of these pods look, in order of the alphabet. Undefined where nobody speaks of other pods, so
 * that neither labels nor namespaces make a difference to anybody.
 */
export const labelKeysIn = (
  speakers: ReadonlyArray<{ readonly pod: Pod; readonly spreads: ReadonlyArray<SpreadConstraint> }>, bound: ReadonlyArray<Pod>
): ReadonlyArray<string> | undefined => {
  const keys = new Set<string>()
  let speaks = false
  const take = (term: { readonly labelSelector?: LabelSelector } & Pick<PodAffinityTerm, "matchLabelKeys" | "mismatchLabelKeys">): void => {
    speaks = true
    for (const key in term.labelSelector?.matchLabels) keys.add(key)
    for (const { key } of term.labelSelector?.matchExpressions ?? []) keys.add(key)
    for (const key of term.matchLabelKeys ?? []) keys.add(key)
    for (const key of term.mismatchLabelKeys ?? []) keys.add(key)
  }
  for (const { pod: { spec }, spreads } of speakers) {
    for (const terms of [requiredAffinity(spec), preferredAffinity(spec), requiredAntiAffinity(spec), preferredAntiAffinity(spec)]) {
      terms.forEach(take)
    }
    spreads.forEach(take)
  }
  // Of those that run already, only whom they want away still matters.
  for (const { spec } of bound) if (spec.affinity?.podAntiAffinity !== undefined) requiredAntiAffinity(spec).forEach(take)
  return speaks ? [...keys].sort() : undefined
}
