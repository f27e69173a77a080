/** Which pods a rule means. */
import type {
  LabelSelector, Pod, PodAffinityTerm, Problem, Requirement, Selecting, SpreadConstraint
} from "../../../src/scheduling/index.ts"
import type { LabelMap } from "./labels.ts"
import { allows } from "./labels.ts"

export type Means = (pod: Pod) => boolean

const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? "default"

/** "A null label selector matches no objects, an empty one all." */
export const selects = (selector: LabelSelector | undefined, labels: LabelMap = {}): boolean =>
  selector !== undefined &&
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
  (selector.matchExpressions ?? []).every((item) => allows(item, labels[item.key]))

const narrowed = (owner: Pod, keys: ReadonlyArray<string> | undefined, operator: string): ReadonlyArray<Requirement> =>
  (keys ?? []).flatMap((key) => {
    const value = owner.metadata.labels?.[key]
    return value === undefined ? [] : [{ key, operator, values: [value] }]
  })

const joined = (selector: LabelSelector | undefined, more: ReadonlyArray<Requirement>): LabelSelector | undefined =>
  selector === undefined ? undefined : { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...more] }

const meantNamespaces = (problem: Problem, owner: Pod, term: PodAffinityTerm): (namespace: string) => boolean => {
  const { namespaces = [], namespaceSelector } = term
  if (namespaces.length === 0 && namespaceSelector === undefined) return (namespace) => namespace === namespaceOf(owner)
  return (namespace) => {
    const known = problem.namespaces?.find(({ metadata }) => metadata.name === namespace)
    const labels = { ...known?.metadata.labels, "kubernetes.io/metadata.name": namespace }
    return namespaces.includes(namespace) || selects(namespaceSelector, labels)
  }
}

/** The pods that a term of an affinity or anti-affinity means. */
export const meantByTerm = (problem: Problem, owner: Pod, term: PodAffinityTerm): Means => {
  const inNamespace = meantNamespaces(problem, owner, term)
  const selector = joined(term.labelSelector, [
    ...narrowed(owner, term.matchLabelKeys, "In"), ...narrowed(owner, term.mismatchLabelKeys, "NotIn")
  ])
  return (pod) => inNamespace(namespaceOf(pod)) && selects(selector, pod.metadata.labels)
}

/** The pods that a spread constraint counts. */
export const meantBySpread = (owner: Pod, constraint: SpreadConstraint): Means => {
  const selector = joined(constraint.labelSelector, narrowed(owner, constraint.matchLabelKeys, "In"))
  return (pod) => namespaceOf(pod) === namespaceOf(owner) && selects(selector, pod.metadata.labels)
}

const isMap = (selector: object): selector is LabelMap =>
  Object.values(selector).every((value) => typeof value === "string")

/** What kube-scheduler deduces for pods without constraints: their Services' selectors together, and that of their controller. */
const deduced = (problem: Problem, pod: Pod): LabelSelector | undefined => {
  const labels = pod.metadata.labels ?? {}
  const near = (problem.defaultSpread?.selecting ?? []).filter((other) => (
    (other.metadata.namespace ?? "default") === namespaceOf(pod)
  ))
  let matchLabels: LabelMap = {}
  let matchExpressions: ReadonlyArray<Requirement> = []
  const mapOf = ({ spec }: Selecting): LabelMap | undefined =>
    spec.selector !== undefined && isMap(spec.selector) ? spec.selector : undefined
  for (const other of near) {
    const map = mapOf(other)
    if (other.kind === "Service" && map !== undefined && selects({ matchLabels: map }, labels)) {
      matchLabels = { ...matchLabels, ...map }
    }
  }
  const owner = (pod.metadata.ownerReferences ?? []).find(({ controller }) => controller === true)
  const controller = near.find(({ kind, metadata }) => kind === owner?.kind && metadata.name === owner.name)
  if (controller?.kind === "ReplicationController") matchLabels = { ...matchLabels, ...mapOf(controller) }
  if (controller?.kind === "ReplicaSet" || controller?.kind === "StatefulSet") {
    const selector = controller.spec.selector as LabelSelector | undefined
    const asItems = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, operator: "In", values: [value] }))
    matchExpressions = [...asItems, ...(selector?.matchExpressions ?? [])]
  }
  return Object.keys(matchLabels).length + matchExpressions.length === 0 ? undefined : { matchLabels, matchExpressions }
}

/** The spread constraints of a pod, or the cluster's where it has none. */
export const constraintsOf = (problem: Problem, pod: Pod): ReadonlyArray<SpreadConstraint> => {
  const own = pod.spec.topologySpreadConstraints ?? []
  if (own.length > 0 || problem.defaultSpread === undefined) return own
  const labelSelector = deduced(problem, pod)
  return labelSelector === undefined ? [] : problem.defaultSpread.constraints.map((item) => ({ ...item, labelSelector }))
}
