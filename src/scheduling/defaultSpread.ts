/**
 * The constraints of topology spread that pods without their own get, as kube-scheduler's `PodTopologySpread.defaultConstraints`:
 * what they count is deduced from the Services that select the pod and from the controller that made it.
 */
import type {
  DefaultSpread, Labels, LabelSelector, OwnerReference, Pod, Requirement, Selecting, SpreadConstraint
} from "./problem.ts"
import { selects } from "./selector.ts"
import { Trie } from "./trie.ts"

const none: ReadonlyArray<SpreadConstraint> = []

export class DefaultConstraints {
  private readonly constraints: ReadonlyArray<SpreadConstraint>
  /** By namespace: the selectors of its Services. One without a selector selects nobody. */
  private readonly services: Map<string, Array<Labels>> = new Map()
  /** By kind, namespace and name: what controls pods. */
  private readonly controllers: Map<string, Selecting> = new Map()
  /** Pods that are controlled and labelled alike get the same. */
  private readonly alike: Trie = new Trie()
  private readonly known: Array<ReadonlyArray<SpreadConstraint>> = []
  private readonly bySelector: Map<string, ReadonlyArray<SpreadConstraint>> = new Map()

  constructor(spread: DefaultSpread | undefined) {
    this.constraints = spread?.constraints ?? none
    for (const one of spread?.selecting ?? []) {
      const { kind, metadata, spec: { selector } } = one
      const namespace = metadata.namespace ?? "default"
      if (kind !== "Service") this.controllers.set(`${kind}/${namespace}/${metadata.name}`, one)
      else if (selector !== undefined) {
        const known = this.services.get(namespace)
        if (known === undefined) this.services.set(namespace, [selector as Labels])
        else known.push(selector as Labels)
      }
    }
  }

  /**
   * The pod's own constraints where it has any; else the defaults, with a selector deduced; none where nothing selects the pod.
   * Equal ones are the same array.
   */
  constraintsFor(pod: Pod): ReadonlyArray<SpreadConstraint> {
    const own = pod.spec.topologySpreadConstraints ?? none
    if (own.length > 0 || this.constraints.length === 0) return own
    const controller = pod.metadata.ownerReferences?.find((reference) => reference.controller === true)
    const namespace = pod.metadata.namespace ?? "default"
    const owner = this.alike.step(namespace).step(controller?.kind ?? "").step(controller?.name ?? "")
    const at = owner.walk(pod.metadata.labels ?? {})
    if (at.id < 0) {
      at.id = this.known.length
      this.known.push(this.deduce(pod, namespace, controller))
    }
    return this.known[at.id]!
  }

  private deduce(pod: Pod, namespace: string, controller: OwnerReference | undefined): ReadonlyArray<SpreadConstraint> {
    const { labels } = pod.metadata
    const wanted: Record<string, string> = {}
    for (const service of this.services.get(namespace) ?? []) {
      if (selects({ matchLabels: service }, labels)) Object.assign(wanted, service)
    }
    const more: Array<Requirement> = []
    const found = this.controllers.get(`${controller?.kind}/${namespace}/${controller?.name}`)
    if (found?.kind === "ReplicationController") Object.assign(wanted, found.spec.selector)
    else if (found !== undefined) {
      const { matchExpressions = [], matchLabels = {} } = (found.spec.selector ?? {}) as LabelSelector
      for (const [key, value] of Object.entries(matchLabels)) {
        if (wanted[key] === undefined) wanted[key] = value
        else if (wanted[key] !== value) more.push({ key, operator: "In", values: [value] })
      }
      more.push(...matchExpressions)
    }
    return this.selecting(wanted, more)
  }

  private selecting(wanted: Labels, matchExpressions: ReadonlyArray<Requirement>): ReadonlyArray<SpreadConstraint> {
    const matchLabels = Object.fromEntries(Object.entries(wanted).sort(([a], [b]) => a < b ? -1 : 1))
    if (Object.keys(matchLabels).length + matchExpressions.length === 0) return none
    const labelSelector: LabelSelector = { matchLabels, ...(matchExpressions.length === 0 ? {} : { matchExpressions }) }
    const identity = JSON.stringify(labelSelector)
    let constraints = this.bySelector.get(identity)
    if (constraints === undefined) {
      constraints = this.constraints.map((constraint) => ({ ...constraint, labelSelector }))
      this.bySelector.set(identity, constraints)
    }
    return constraints
  }
}

const whole = (value: number | undefined): boolean => value !== undefined && Number.isInteger(value) && value > 0
const policies: ReadonlyArray<string> = ["Honor", "Ignore"]
const actions: ReadonlyArray<string> = ["DoNotSchedule", "ScheduleAnyway"]

const domain = /^(?=.{1,253}$)[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
const labelName = /^(?=.{1,63}$)[A-Za-z0-9](?:[-\w.]*[A-Za-z0-9])?$/

/** A name, with a DNS subdomain and a slash before it or not. */
const isLabelKey = (key: string): boolean => {
  const slash = key.indexOf("/")
  return labelName.test(key.slice(slash + 1)) && (slash < 0 || domain.test(key.slice(0, slash)))
}

/**
 * What is wrong with default constraints, as kube-scheduler judges them: for each mistake the field, what was found there and
 * what may be there, such as `[0].maxSkew is 0, must be a whole number above 0`.
 */
export const defaultSpreadProblems = (constraints: ReadonlyArray<SpreadConstraint>): ReadonlyArray<string> => {
  const problems: Array<string> = []
  const first = new Map<string, number>()
  constraints.forEach((constraint, i) => {
    const { maxSkew, minDomains, nodeAffinityPolicy, nodeTaintsPolicy, topologyKey, whenUnsatisfiable } = constraint
    const expect = (field: keyof SpreadConstraint, isFine: boolean, expected: string): void => {
      if (!isFine) problems.push(`[${i}].${field} is ${JSON.stringify(constraint[field]) ?? "missing"}, must be ${expected}`)
    }
    expect("maxSkew", whole(maxSkew), "a whole number above 0")
    expect("topologyKey", typeof topologyKey === "string" && isLabelKey(topologyKey), "a label key")
    expect("whenUnsatisfiable", actions.includes(whenUnsatisfiable), actions.join(" or "))
    expect("minDomains", minDomains === undefined || whole(minDomains), "a whole number above 0")
    expect("nodeAffinityPolicy", [undefined, ...policies].includes(nodeAffinityPolicy), policies.join(" or "))
    expect("nodeTaintsPolicy", [undefined, ...policies].includes(nodeTaintsPolicy), policies.join(" or "))
    expect("labelSelector", constraint.labelSelector === undefined, "left out: it is deduced for each pod")
    expect("matchLabelKeys", (constraint.matchLabelKeys?.length ?? 0) === 0, "left out: the selector is deduced for each pod")
    const identity = `${topologyKey} ${whenUnsatisfiable}`
    const before = first.get(identity)
    if (before === undefined) first.set(identity, i)
    else problems.push(`[${i}] has the topologyKey and whenUnsatisfiable of [${before}], must differ in one of them`)
  })
  return problems
}
