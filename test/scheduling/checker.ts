/**
 * Judges a plan by Kubernetes' rules alone: it knows what a node and a pod are, not how a scheduler packs. Everything here is
 * written anew, from the documentation, so that it shares no mistake with what it checks.
 */
import type {
  DaemonSet, ExistingNode, InstanceType, NewNode, Plan, Pod, PodRef, PodSpec, Problem, Requirement, Resources, Taint
} from "../../src/scheduling/index.ts"

type Amounts = Map<string, number>
type LabelMap = Readonly<Record<string, string>>

const factors: Readonly<Record<string, number>> = {
  m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3, Ti: 1024 ** 4
}

/** Thousandths of a unit. */
const thousandths = (quantity: string | number): number => {
  const [, number = "", suffix = ""] = /^([\d.]+)([a-zA-Z]*)$/.exec(String(quantity)) ?? []
  return Math.round(Number(number) * factors[suffix]! * 1000)
}

const amounts = (list: Resources | undefined): Amounts => new Map(
  Object.entries(list ?? {}).map(([name, quantity]) => [name, thousandths(quantity)])
)

const plus = (a: Amounts, b: Amounts): Amounts => {
  const out = new Map(a)
  for (const [name, amount] of b) out.set(name, (out.get(name) ?? 0) + amount)
  return out
}

const most = (a: Amounts, b: Amounts): Amounts => {
  const out = new Map(a)
  for (const [name, amount] of b) out.set(name, Math.max(out.get(name) ?? 0, amount))
  return out
}

const none: Amounts = new Map()

/** "The highest of any init container, with the sidecars before it, and the sum of all that runs together." */
export const needs = (spec: PodSpec): Amounts => {
  const init = spec.initContainers ?? []
  const ask = (
    container: { readonly resources?: { readonly requests?: Resources } }
  ): Amounts => amounts(container.resources?.requests)
  const sidecars = init.filter((container) => container.restartPolicy === "Always")
  let out = [...spec.containers, ...sidecars].map(ask).reduce(plus, none)
  init.forEach((container, i) => {
    const before = init.slice(0, i).filter((other) => other.restartPolicy === "Always").map(ask)
    out = most(out, [...before, ask(container)].reduce(plus, none))
  })
  return plus(plus(out, amounts(spec.overhead)), new Map([["pods", 1000]]))
}

const meets = ({ key, operator, values = [] }: Requirement, labels: LabelMap): boolean => {
  const value = labels[key]
  const [bound] = values
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
      return Number(value) > Number(bound)
    case "Lt":
      return Number(value) < Number(bound)
    case "Gte":
      return Number(value) >= Number(bound)
    default:
      return Number(value) <= Number(bound)
  }
}

const attracted = (spec: PodSpec, labels: LabelMap): boolean => {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  return Object.entries(spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value) &&
    (
      terms === undefined || terms.some(
        (term) => (term.matchExpressions ?? []).length > 0 && term.matchExpressions!.every((item) => meets(item, labels))
      )
    )
}

const tolerated = (spec: PodSpec, taints: ReadonlyArray<Taint>): boolean =>
  taints.filter((taint) => taint.effect !== "PreferNoSchedule").every((taint) => (spec.tolerations ?? []).some((toleration) =>
    (!toleration.effect || toleration.effect === taint.effect) &&
    (toleration.key ? toleration.key === taint.key : toleration.operator === "Exists") &&
    (toleration.operator === "Exists" || (toleration.value ?? "") === (taint.value ?? ""))))

const portsOf = (spec: PodSpec): ReadonlyArray<string> =>
  spec.containers.flatMap(
    (container) => (container.ports ?? []).flatMap((port) => port.hostPort ? [`${port.hostPort}/${port.protocol ?? "TCP"}`] : [])
  )

const selected = (selector: { readonly matchLabels?: LabelMap } | undefined, pod: Pod): boolean =>
  selector !== undefined && Object.entries(selector.matchLabels ?? {}).every(
    ([key, value]) => pod.metadata.labels?.[key] === value
  )

/** A node with what is on it. */
interface Host {
  readonly name: string
  readonly labels: LabelMap
  readonly taints: ReadonlyArray<Taint>
  readonly allocatable: Amounts
  readonly daemons: ReadonlyArray<PodSpec>
  readonly bound: ReadonlyArray<Pod>
}

/** Why these pods may not be on this host together. */
const objections = (host: Host, placed: ReadonlyArray<Pod>): ReadonlyArray<string> => {
  const out: Array<string> = []
  const total = [
    ...host.daemons, ...host.bound.map((pod) => pod.spec), ...placed.map((pod) => pod.spec)
  ].map(needs).reduce(plus, none)
  for (const [name, amount] of total) {
    if (amount > (host.allocatable.get(name) ?? 0)) out.push(
      `${host.name}: ${amount} ${name} on ${host.allocatable.get(name) ?? 0}`
    )
  }
  for (const pod of placed) {
    const { name } = pod.metadata
    if (!attracted(pod.spec, host.labels)) out.push(`${host.name}: ${name} does not select it`)
    if (!tolerated(pod.spec, host.taints)) out.push(`${host.name}: ${name} does not tolerate it`)
    for (const other of [...host.bound, ...placed]) {
      if (other === pod) continue
      for (const [from, to] of [[pod, other], [other, pod]] as const) {
        for (const term of from.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
          if (
            term.topologyKey === "kubernetes.io/hostname" && selected(term.labelSelector, to)
          ) out.push(`${host.name}: ${name} with ${other.metadata.name}`)
        }
      }
    }
    for (const spread of pod.spec.topologySpreadConstraints ?? []) {
      if (
        spread.topologyKey !== "kubernetes.io/hostname" || spread.whenUnsatisfiable !== "DoNotSchedule" || !selected(
          spread.labelSelector, pod
        )
      ) continue
      if (
        [...host.bound, ...placed].filter((other) => selected(spread.labelSelector, other)).length > spread.maxSkew
      ) out.push(`${host.name}: too many like ${name}`)
    }
  }
  const taken = [...host.daemons, ...host.bound.map((pod) => pod.spec)].flatMap(portsOf)
  const wanted = placed.flatMap((pod) => [...new Set(portsOf(pod.spec))])
  if (
    new Set(wanted).size < wanted.length || wanted.some((port) => taken.includes(port))
  ) out.push(`${host.name}: host ports clash`)
  return out
}

const daemonsOn = (
  daemonSets: ReadonlyArray<DaemonSet>, labels: LabelMap, taints: ReadonlyArray<Taint>
): ReadonlyArray<PodSpec> =>
  daemonSets.map((daemonSet) => daemonSet.spec.template.spec).filter((spec) => attracted(spec, labels) && tolerated(spec, taints))

const existingHost = (problem: Problem, node: ExistingNode): Host => {
  const labels = { "kubernetes.io/hostname": node.name, ...node.labels }
  return {
    name: node.name, labels, taints: node.taints, allocatable: amounts(node.allocatable),
    daemons: daemonsOn(problem.daemonSets, labels, node.taints), bound: node.pods
  }
}

/** The node that one offering of a type makes. */
const newHost = (
  problem: Problem,
  name: string,
  type: InstanceType,
  offering: { readonly zone: string; readonly capacityType: string },
  own: LabelMap,
  taints: ReadonlyArray<Taint>
): Host => {
  const labels = {
    "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", ...type.labels, ...own, "kubernetes.io/hostname": `new ${name}`,
    "node.kubernetes.io/instance-type": type.name, "topology.kubernetes.io/zone": offering.zone,
    "karpenter.sh/capacity-type": offering.capacityType
  }
  const overhead = amounts(type.overhead)
  const allocatable = new Map(
    [...amounts(type.capacity)].map(([resource, amount]) => [resource, amount - (overhead.get(resource) ?? 0)])
  )
  return {
    name: `${name} as ${type.name}`, labels, taints, allocatable, daemons: daemonsOn(problem.daemonSets, labels, taints),
    bound: []
  }
}

const keyOf = (ref: PodRef): string => `${ref.namespace}/${ref.name}`

export const violations = (problem: Problem, plan: Plan): ReadonlyArray<string> => {
  const out: Array<string> = []
  const byKey = new Map(problem.pods.map((pod) => [`${pod.metadata.namespace ?? "default"}/${pod.metadata.name}`, pod]))
  const places = new Map<string, number>()
  const podsOf = (refs: ReadonlyArray<PodRef>): ReadonlyArray<Pod> => refs.map((ref) => {
    places.set(keyOf(ref), (places.get(keyOf(ref)) ?? 0) + 1)
    return byKey.get(keyOf(ref))!
  })

  const placedOn = new Map(plan.existingNodes.map((placement) => [placement.name, podsOf(placement.pods)]))
  for (const node of problem.nodes) if (placedOn.has(node.name)) out.push(
    ...objections(existingHost(problem, node), placedOn.get(node.name)!)
  )
  for (const made of plan.newNodes) out.push(...newNodeViolations(problem, made, podsOf(made.pods)))
  out.push(...limitViolations(problem, plan))

  for (const { pod: ref, reasons } of plan.unschedulable) {
    const [pod] = podsOf([ref])
    if (reasons.length === 0) out.push(`${ref.name} is left out without a reason`)
    if (pod === undefined || reasons.some(({ reason }) => reason === "UnsupportedConstraint" || reason === "InvalidPod")) continue
    for (const node of problem.nodes) {
      const on = placedOn.get(node.name) ?? []
      if (
        objections(existingHost(problem, node), [...on, pod]).length === 0
      ) out.push(`${ref.name} is left out, ${node.name} could take it`)
    }
    const room = poolWithRoom(problem, pod)
    if (room !== undefined) out.push(`${ref.name} is left out, ${room} could take it`)
  }
  for (const key of byKey.keys()) if (places.get(key) !== 1) out.push(`${key} is in ${places.get(key) ?? 0} places`)
  if (places.size !== byKey.size) out.push("the plan has pods that the problem has not")
  return out
}

const newNodeViolations = (problem: Problem, made: NewNode, pods: ReadonlyArray<Pod>): ReadonlyArray<string> => {
  const out: Array<string> = []
  const pool = problem.nodePools.find((other) => other.metadata.name === made.nodePool)!
  let last = 0
  if (pods.length === 0) out.push(`${made.name} has no pods`)
  made.instanceTypeOptions.forEach((option, i) => {
    const type = problem.instanceTypes[made.nodePool]!.find((other) => other.name === option)!
    const offering = type.offerings.filter((offering) => offering.available !== false && made.requirements.every((item) =>
      (item.key !== "topology.kubernetes.io/zone" || meets(item, { [item.key]: offering.zone })) &&
      (
        item.key !== "karpenter.sh/capacity-type" || meets(item, { [item.key]: offering.capacityType })
      ))).sort((a, b) => a.price - b.price)[0]
    if (offering === undefined) return void out.push(`${made.name}: ${option} is not to be had`)
    if (offering.price < last) out.push(`${made.name}: ${option} is cheaper than those before it`)
    last = offering.price
    if (
      i === 0 && (option !== made.instanceType || offering.price !== made.hourlyPrice)
    ) out.push(`${made.name}: wrong price or type`)
    const host = newHost(problem, made.name, type, offering, made.labels, made.taints)
    out.push(...objections(host, pods))
    for (const item of [...pool.spec.template.spec.requirements, ...made.requirements]) {
      if (!meets(item, host.labels)) out.push(`${host.name} does not have ${item.key} ${item.operator} ${item.values?.join()}`)
    }
  })
  return out
}

const limitViolations = (problem: Problem, plan: Plan): ReadonlyArray<string> => problem.nodePools.flatMap((pool) => {
  const { name } = pool.metadata
  const owned = problem.nodes.filter((node) => node.nodePool === name)
  const made = plan.newNodes.filter((node) => node.nodePool === name)
  return Object.entries(pool.spec.limits ?? {}).flatMap(([resource, limit]) => {
    const capacity = (option: string): number => amounts(
      problem.instanceTypes[name]!.find((type) => type.name === option)!.capacity
    ).get(resource) ?? 0
    const now = owned.reduce((sum, node) => sum + (resource === "nodes" ? 1000 : amounts(node.capacity).get(resource) ?? 0), 0)
    const more = made.reduce(
      (sum, node) => sum + (resource === "nodes" ? 1000 : Math.max(...node.instanceTypeOptions.map(capacity))), 0
    )
    return more > 0 && now + more > thousandths(limit) ? [`${name} goes over its limit of ${limit} ${resource}`] : []
  })
})

/** A NodePool without limits and minValues that could have a node for the pod alone. Only for labels that types and pools fix. */
const poolWithRoom = (problem: Problem, pod: Pod): string | undefined => problem.nodePools.find((pool) => {
  const { requirements, taints = [] } = pool.spec.template.spec
  if (pool.spec.limits !== undefined || requirements.some((item) => item.minValues !== undefined)) return false
  const own = { ...pool.spec.template.metadata?.labels, "karpenter.sh/nodepool": pool.metadata.name }
  return problem.instanceTypes[pool.metadata.name]!.some((type) => type.offerings.some((offering) => {
    if (offering.available === false) return false
    const host = newHost(problem, pool.metadata.name, type, offering, own, taints)
    return requirements.every((item) => meets(item, host.labels)) && objections(host, [pod]).length === 0
  }))
})?.metadata.name
