/** Labels and taints: which nodes a pod may be on. */
import type { PodSpec, Requirement, Taint, Toleration } from "../../../src/scheduling/index.ts"

export type LabelMap = Readonly<Record<string, string>>

export const zoneKey = "topology.kubernetes.io/zone"
export const capacityTypeKey = "karpenter.sh/capacity-type"
export const typeKey = "node.kubernetes.io/instance-type"
export const hostnameKey = "kubernetes.io/hostname"
export const nodePoolKey = "karpenter.sh/nodepool"

const renamed: Readonly<Record<string, string>> = {
  "failure-domain.beta.kubernetes.io/zone": zoneKey,
  "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
  "beta.kubernetes.io/arch": "kubernetes.io/arch",
  "beta.kubernetes.io/os": "kubernetes.io/os",
  "beta.kubernetes.io/instance-type": typeKey
}

export const stableKey = (key: string): string => renamed[key] ?? key

/** Nodes have both forms of a label that was renamed; here the stable one stands for both. */
export const stableLabels = (labels: LabelMap): LabelMap =>
  Object.fromEntries(Object.entries(labels).map(([key, value]) => [stableKey(key), value]))

const integer = (value: string | undefined): number => value !== undefined && /^-?\d+$/.test(value) ? Number(value) : NaN

/** Nodes' labels may go by a name that was changed; pods' are what they are. */
export const meets = (item: Requirement, labels: LabelMap): boolean => allows(item, labels[stableKey(item.key)])

export const allows = ({ operator, values = [] }: Requirement, value: string | undefined): boolean => {
  const bound = integer(values[0])
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value)
    case "NotIn":
      return value === undefined || !values.includes(value)
    case "Exists":
      return value !== undefined
    case "DoesNotExist":
      return value === undefined
    case "Gt":
      return integer(value) > bound
    case "Lt":
      return integer(value) < bound
    case "Gte":
      return integer(value) >= bound
    default:
      return integer(value) <= bound
  }
}

/** "A null or empty node selector term matches no objects." */
const meetsTerm = (expressions: ReadonlyArray<Requirement> = [], labels: LabelMap): boolean =>
  expressions.length > 0 && expressions.every((item) => meets(item, labels))

/** The node selector, and one of the required terms. */
export const attracted = (spec: PodSpec, labels: LabelMap): boolean => {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[stableKey(key)] === value) &&
    (terms === undefined || terms.some((term) => meetsTerm(term.matchExpressions, labels)))
}

/** The pod with each one of its required terms alone: Karpenter reads one at a time. */
export const readings = (spec: PodSpec): ReadonlyArray<PodSpec> => {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  if (terms.length < 2) return [spec]
  return terms.map((term) => ({ ...spec, affinity: { ...spec.affinity, nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] }
  } } }))
}

/** What the pod says about one label, and nothing else of it. */
export const onlyAbout = (spec: PodSpec, key: string): PodSpec => {
  const isOwn = (name: string): boolean => stableKey(name) === stableKey(key)
  const all = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const terms = all.map((term) => ({ matchExpressions: (term.matchExpressions ?? []).filter((item) => isOwn(item.key)) }))
  // A term that says nothing about the label allows all that it may be.
  const isOpen = terms.length === 0 || terms.some((term) => term.matchExpressions.length === 0)
  return {
    containers: [],
    nodeSelector: Object.fromEntries(Object.entries(spec.nodeSelector ?? {}).filter(([name]) => isOwn(name))),
    ...(isOpen ? {} : { affinity: { nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms }
    } } })
  }
}

const tolerates = (toleration: Toleration, taint: Taint): boolean => {
  if (toleration.effect && toleration.effect !== taint.effect) return false
  if (toleration.key ? toleration.key !== taint.key : toleration.operator !== "Exists") return false
  switch (toleration.operator) {
    case "Exists":
      return true
    case "Gt":
      return integer(taint.value) > integer(toleration.value)
    case "Lt":
      return integer(taint.value) < integer(toleration.value)
    default:
      return (toleration.value ?? "") === (taint.value ?? "")
  }
}

export const untolerated = (spec: PodSpec, taints: ReadonlyArray<Taint>): ReadonlyArray<Taint> =>
  taints.filter((taint) => !(spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint)))

/** True where no taint keeps the pod away; one that only prefers others does not. */
export const tolerated = (spec: PodSpec, taints: ReadonlyArray<Taint>): boolean =>
  untolerated(spec, taints).every((taint) => taint.effect === "PreferNoSchedule")
