/** Which pods are provisioned for (Karpenter's utils/pod, provisioning/provisioner.go). Pure. */
import { isRestrictedLabel, label, normalizedLabelKey } from "../../apis/labels.ts"
import { isLabelValue, isQualifiedName } from "../../apis/names.ts"
import { isProvisionable } from "../../cluster/podPredicates.ts"
import type { LabelSelectorRequirement, NodeSelectorTerm, Pod } from "../../kube/objects.ts"

export interface Ignored {
  readonly pod: Pod
  readonly message: string
  /** The pod itself asks for a node that is not ours: nothing to tell its owner. */
  readonly optedOut: boolean
}

export interface Pending {
  readonly accepted: ReadonlyArray<Pod>
  readonly ignored: ReadonlyArray<Ignored>
}

const operators: ReadonlyArray<string> = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", "Gte", "Lte"]
const numeric: ReadonlyArray<string> = ["Gt", "Lt", "Gte", "Lte"]

const mistake = (requirement: LabelSelectorRequirement): string | undefined => {
  const key = normalizedLabelKey(requirement.key)
  const values = requirement.values ?? []
  const wrong = values.find((value) => !isLabelValue(value))
  if (!operators.includes(requirement.operator)) return `operator ${requirement.operator} of key ${key} is not known`
  if (!isQualifiedName(key)) return `"${key}" is no label key`
  if (isRestrictedLabel(key)) return `label ${key} is restricted; use a well known label, or one outside Karpenter's domains`
  if (wrong !== undefined) return `"${wrong}" is no value for label ${key}`
  if (requirement.operator === "In" && values.length === 0) return `operator In of key ${key} has no values`
  if (numeric.includes(requirement.operator) && (values.length !== 1 || !/^\d+$/u.test(values[0] ?? ""))) {
    return `operator ${requirement.operator} of key ${key} needs one non-negative integer`
  }
  return undefined
}

const requiredTerms = (pod: Pod): ReadonlyArray<NodeSelectorTerm> =>
  pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []

/** Why no node can be made for the pod, whatever the NodePools are. */
const refusal = (pod: Pod): Omit<Ignored, "pod"> | undefined => {
  const terms = requiredTerms(pod)
  const expressions = terms.flatMap((term) => term.matchExpressions ?? [])
  if (expressions.some((one) => one.key === label.nodePool && one.operator === "DoesNotExist")) {
    return { message: `the pod opts out of provisioning: it requires that ${label.nodePool} does not exist`, optedOut: true }
  }
  if (terms.some((term) => (term.matchFields ?? []).length > 0)) {
    return { message: "node affinity with matchFields is not supported", optedOut: false }
  }
  const selector = Object.entries(pod.spec.nodeSelector ?? {}).map(([key, value]) => ({ key, operator: "In", values: [value] }))
  const message = [...selector, ...expressions].map(mistake).find((found) => found !== undefined)
  return message === undefined ? undefined : { message, optedOut: false }
}

/**
 * The pods that Kubernetes' scheduler could not place, told apart by whether a node can be made for them. A pod that is
 * being deleted is left out: the scheduler will not place it any more, whatever is bought.
 */
export const pendingPods = (pods: ReadonlyArray<Pod>): Pending => {
  const accepted: Array<Pod> = []
  const ignored: Array<Ignored> = []
  for (const pod of pods) {
    if (!isWaiting(pod)) continue
    const found = refusal(pod)
    if (found === undefined) accepted.push(pod)
    else ignored.push({ pod, ...found })
  }
  return { accepted, ignored }
}

/** A pod that a new node could help. */
export const isWaiting = (pod: Pod): boolean => pod.metadata.deletionTimestamp === undefined && isProvisionable(pod)
