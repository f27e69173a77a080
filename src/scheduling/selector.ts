/** Label selectors, and which pods a term of pod affinity or topology spread speaks of. */
import type { Namespaces } from "./namespaces.ts"
import type { Labels, LabelSelector, PodAffinityTerm } from "./problem.ts"

const noLabels: Labels = {}

/** True when the labels satisfy the selector. An absent selector selects nothing, an empty one everything. */
export const selects = (selector: LabelSelector | undefined, labels: Labels = noLabels): boolean => {
  if (selector === undefined) return false
  for (const key in selector.matchLabels) {
    if (!Object.hasOwn(labels, key) || labels[key] !== selector.matchLabels[key]) return false
  }
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined
    switch (operator) {
      case "In":
        return value !== undefined && values.includes(value)
      case "NotIn":
        return value === undefined || !values.includes(value)
      case "Exists":
        return value !== undefined
      case "DoesNotExist":
        return value === undefined
      default:
        return false
    }
  })
}

/** The pods of some namespaces that a selector selects. */
export interface Peers {
  /** `all`: of every namespace. */
  readonly namespaces: ReadonlyArray<string> | "all"
  readonly selector: LabelSelector | undefined
}

export const isAmong = (peers: Peers, namespace: string, labels: Labels | undefined): boolean =>
  (peers.namespaces === "all" || peers.namespaces.includes(namespace)) && selects(peers.selector, labels)

/** The selector with what `matchLabelKeys` and `mismatchLabelKeys` take over from the pod's own labels. */
export const withLabelKeys = (
  selector: LabelSelector | undefined,
  labels: Labels | undefined,
  match: ReadonlyArray<string> = [],
  mismatch: ReadonlyArray<string> = []
): LabelSelector | undefined => {
  if (selector === undefined) return undefined
  const own = (keys: ReadonlyArray<string>, operator: string) => keys.flatMap((key) => {
    const value = labels?.[key]
    return value === undefined ? [] : [{ key, operator, values: [value] }]
  })
  const more = [...own(match, "In"), ...own(mismatch, "NotIn")]
  return more.length === 0 ? selector : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...more] }
}

/**
 * Whom an affinity term of a pod speaks of: the pods of the namespaces that it lists and of those that its namespace selector
 * selects; with neither, those of the pod's own namespace. An empty namespace selector selects every namespace. Without
 * `namespaces`, one with conditions selects none.
 */
export const peersOf = (
  term: PodAffinityTerm, namespace: string, labels: Labels | undefined, namespaces?: Pick<Namespaces, "matching">
): Peers => {
  const selector = withLabelKeys(term.labelSelector, labels, term.matchLabelKeys, term.mismatchLabelKeys)
  const listed = term.namespaces ?? []
  const by = term.namespaceSelector
  if (by === undefined) return { namespaces: listed.length > 0 ? [...new Set(listed)].sort() : [namespace], selector }
  if (Object.keys(by.matchLabels ?? {}).length + (by.matchExpressions?.length ?? 0) === 0) return { namespaces: "all", selector }
  return { namespaces: [...new Set([...listed, ...namespaces?.matching(by) ?? []])].sort(), selector }
}
