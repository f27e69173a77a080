/** What a pod demands of its node, beyond room: pods with equal demands are one class. */
import type { Spoken, Spread, Term } from "./groups.ts"
import type { HostPort } from "./hostPorts.ts"
import { hostPortsOf } from "./hostPorts.ts"
import type { NodeSelectorTerm, PodSpec, Requirement, Toleration } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import { softToleration } from "./taints.ts"

/** One step of the ladder of wishes: what the pod asks for when the wishes of the steps before it are given up. */
export interface Rung {
  readonly requirements: Requirements
  /** What of the requirements cannot be given up: the domains that they allow are those that rules compare. */
  readonly strict: Requirements
  readonly tolerations: ReadonlyArray<Toleration>
  /** The rules about other pods. */
  readonly terms: ReadonlyArray<Term>
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

/** What a pod still wishes for, beyond what it must have. */
interface Wishes {
  readonly company: ReadonlyArray<Term>
  readonly distance: ReadonlyArray<Term>
  readonly labels: ReadonlyArray<Requirements>
  readonly spreads: ReadonlyArray<Spread>
}

/** Karpenter takes out the first and puts the last in its place. */
const withoutFirst = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> =>
  list.length < 2 ? [] : [list[list.length - 1]!, ...list.slice(1, -1)]

/** One wish less, in Karpenter's order; undefined when none is left. */
const oneLess = (wishes: Wishes): Wishes | undefined => {
  if (wishes.company.length > 0) return { ...wishes, company: wishes.company.slice(1) }
  if (wishes.distance.length > 0) return { ...wishes, distance: wishes.distance.slice(1) }
  if (wishes.labels.length > 0) return { ...wishes, labels: wishes.labels.slice(1) }
  if (wishes.spreads.length > 0) return { ...wishes, spreads: withoutFirst(wishes.spreads) }
  return undefined
}

const noWishes: Wishes = { company: [], distance: [], labels: [], spreads: [] }

/** All wishes, then one less each time, down to none. */
const countdown = (wishes: Wishes): ReadonlyArray<Wishes> => {
  const out: Array<Wishes> = []
  for (let left: Wishes | undefined = wishes; left !== undefined; left = oneLess(left)) out.push(left)
  return out
}

/**
 * The ladder, in Karpenter's order of relaxation: required terms but the last, from the front; preferred pod affinity, then preferred
 * anti-affinity, then preferred node affinity, each heaviest first; spreads that may be broken; at last a toleration of
 * PreferNoSchedule, where some host has such a taint. Of preferred node affinity the heaviest left counts as required, of the others
 * all that are left. Karpenter stops there, with the last of the terms, and so leaves out pods that an earlier term would place were
 * it not for a wish; here these terms come once more at the end, without any.
 */
export const constraintsOf = (
  spec: PodSpec, spoken: Spoken, keptOut: ReadonlyArray<Term>, preferred: boolean, softTaints: boolean
): Constraints => {
  const selector = requirementsOfLabels(spec.nodeSelector)
  const tolerations = spec.tolerations ?? []
  const softened = softTaints && !hasSoftToleration(tolerations) ? [...tolerations, softToleration] : undefined
  const strict = (requiredTerms(spec) ?? [undefined]).map((term) => both(selector, requirementsOf(term?.matchExpressions)))
  const positions = strict.map((_, i) => i)
  const last = positions.slice(-1)
  const earlier = positions.slice(0, -1)
  const must = [...spoken.affinity, ...spoken.antiAffinity, ...keptOut]
  const spreads = spoken.spreads.filter((spread) => !spread.preferred)
  const all: Wishes = !preferred ? noWishes : {
    company: spoken.preferredAffinity,
    distance: spoken.preferredAntiAffinity,
    labels: preferences(spec).map((expressions) => requirementsOf(expressions)),
    spreads: spoken.spreads.filter((spread) => spread.preferred)
  }
  const rung = (position: number, wishes: Wishes, tolerated: ReadonlyArray<Toleration> = tolerations): Rung => ({
    requirements: wishes.labels[0] === undefined ? strict[position]! : both(strict[position]!, wishes.labels[0]),
    strict: strict[position]!,
    tolerations: tolerated,
    terms: [
      ...must, ...spreads.map(({ terms }) => terms[position]!), ...wishes.company, ...wishes.distance,
      ...wishes.spreads.map(({ terms }) => terms[position]!)
    ]
  })
  const soft = (position: number): ReadonlyArray<Rung> => softened === undefined ? [] : [rung(position, noWishes, softened)]
  const rungs = [
    ...earlier.map((position) => rung(position, all)),
    ...last.flatMap((position) => countdown(all).map((wishes) => rung(position, wishes))),
    ...last.flatMap(soft),
    ...earlier.map((position) => rung(position, noWishes)),
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
