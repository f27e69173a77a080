/**
 * Whether a pod may run on a node, by the rules of kube-scheduler that the simulation needs: readiness, taints, node
 * selector and required node affinity, resources. Written apart from the product's scheduler, so that it can prove it wrong.
 */
import type { LabelSelectorRequirement, Node, Pod, ResourceList, Taint, Toleration } from "../../kube/objects.ts"

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40
}

const amount = (quantity: string | number): number => {
  const match = /^([+-]?[\d.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(String(quantity))
  const scale = match === null ? undefined : suffixes[match[2]!]
  if (match === null || scale === undefined) throw new Error(`not a quantity: ${quantity}`)
  return Number(match[1]) * scale
}

const add = (sum: Map<string, number>, list: ResourceList | undefined): Map<string, number> => {
  for (const [name, quantity] of Object.entries(list ?? {})) sum.set(name, (sum.get(name) ?? 0) + amount(quantity))
  return sum
}

export const requestsOf = (pod: Pod): Map<string, number> => {
  const sum = new Map([["pods", 1]])
  for (const container of pod.spec.containers) add(sum, container.resources?.requests)
  for (const container of pod.spec.initContainers ?? []) {
    for (const [name, quantity] of add(new Map(), container.resources?.requests)) sum.set(name, Math.max(sum.get(name) ?? 0, quantity))
  }
  return add(sum, pod.spec.overhead)
}

export const tolerates = (tolerations: ReadonlyArray<Toleration>, taint: Taint): boolean => tolerations.some((t) =>
  (t.effect === undefined || t.effect === "" || t.effect === taint.effect) &&
  (t.key === undefined || t.key === "" ? t.operator === "Exists" : t.key === taint.key) &&
  (t.operator === "Exists" || (t.value ?? "") === (taint.value ?? "")))

const matches = (labels: Readonly<Record<string, string>>, { key, operator, values = [] }: LabelSelectorRequirement): boolean => {
  const value = labels[key]
  switch (operator) {
    case "In": return value !== undefined && values.includes(value)
    case "NotIn": return value === undefined || !values.includes(value)
    case "Exists": return value !== undefined
    case "DoesNotExist": return value === undefined
    case "Gt": return value !== undefined && Number(value) > Number(values[0])
    case "Lt": return value !== undefined && Number(value) < Number(values[0])
    default: return false
  }
}

const selected = (pod: Pod, node: Node): boolean => {
  const labels = node.metadata.labels ?? {}
  if (!Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value)) return false
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return terms === undefined || terms.some((term) => (term.matchExpressions ?? []).every((each) => matches(labels, each)))
}

export const isReady = (node: Node): boolean =>
  node.status?.conditions?.some((c) => c.type === "Ready" && c.status === "True") === true

/** What is left of a node after the pods on it. */
export const freeOn = (node: Node, pods: ReadonlyArray<Pod>): Map<string, number> => {
  const free = add(new Map(), node.status?.allocatable)
  for (const pod of pods) for (const [name, quantity] of requestsOf(pod)) free.set(name, (free.get(name) ?? 0) - quantity)
  return free
}

/** Why the node can't take the pod, in kube-scheduler's words; undefined when it can. */
export const refusal = (pod: Pod, node: Node, free: ReadonlyMap<string, number>): string | undefined => {
  if (node.spec?.unschedulable === true) return "node(s) were unschedulable"
  if (!isReady(node)) return "node(s) were not ready"
  const hard = (node.spec?.taints ?? []).filter((taint) => taint.effect !== "PreferNoSchedule")
  if (!hard.every((taint) => tolerates(pod.spec.tolerations ?? [], taint))) return "node(s) had untolerated taint(s)"
  if (!selected(pod, node)) return "node(s) didn't match Pod's node affinity/selector"
  for (const [name, quantity] of requestsOf(pod)) if (quantity > (free.get(name) ?? 0) + 1e-9) return `Insufficient ${name}`
  return undefined
}
