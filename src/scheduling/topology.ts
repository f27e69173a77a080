/**
 * Rules about other pods by any label of a node but its hostname. Counting pods by domain is not there yet: what can be said
 * without counting is said as a requirement, and a pod that would need more is refused.
 */
import { hasBit } from "./bits.ts"
import type { NodeModel } from "./nodes.ts"
import type { Pool } from "./pools.ts"
import { requiredTerms } from "./podClass.ts"
import type { ExistingNode, Pod, Requirement } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, noRequirements, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import type { Peers } from "./selector.ts"
import { isAmong, peersOf } from "./selector.ts"
import { hasValue, intersection } from "./valueSet.ts"
import { isHostname, namespaceOf } from "./hostGroups.ts"
import { normalizeLabelKey } from "./wellKnown.ts"

/** Where pods that run already want no others of some kind: nodes with this value of the label. */
interface Exclusion {
  readonly peers: Peers
  readonly key: string
  readonly values: Set<string>
}

export class Topology {
  private readonly pools: ReadonlyArray<Pool>
  private readonly nodes: ReadonlyArray<NodeModel>
  private readonly exclusions: ReadonlyArray<Exclusion>
  private readonly domains: Map<string, ReadonlySet<string> | undefined> = new Map()

  /** `bound` and `nodes` are the same nodes in the same order. */
  constructor(pools: ReadonlyArray<Pool>, nodes: ReadonlyArray<NodeModel>, bound: ReadonlyArray<ExistingNode>) {
    this.pools = pools
    this.nodes = nodes
    this.exclusions = exclusionsOf(nodes, bound)
  }

  /** The first field of the pod that would need counting by domain. */
  unsupportedField(pod: Pod): string | undefined {
    const { affinity, topologySpreadConstraints } = pod.spec
    if ((affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0) {
      return "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution"
    }
    const anti = affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
    const term = anti.findIndex((item) =>
      !isHostname(item.topologyKey) || peersOf(item, namespaceOf(pod), pod.metadata.labels) === undefined)
    if (term >= 0) return `spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[${term}]`
    const spread = topologySpreadConstraints?.findIndex((item) => item.whenUnsatisfiable !== "ScheduleAnyway" &&
      !isHostname(item.topologyKey) && (item.nodeAffinityPolicy === "Ignore" || (item.minDomains ?? 1) > 1 ||
        (this.domainsFor(pod, normalizeLabelKey(item.topologyKey))?.length ?? Infinity) > 1)) ?? -1
    return spread >= 0 ? `spec.topologySpreadConstraints[${spread}]` : undefined
  }

  /** What rules about other pods demand of a node's labels: the one domain of a spread, and none that running pods refuse. */
  requirementsFor(pod: Pod): Requirements {
    const items: Array<Requirement> = []
    for (const spread of pod.spec.topologySpreadConstraints ?? []) {
      if (spread.whenUnsatisfiable === "ScheduleAnyway" || isHostname(spread.topologyKey)) continue
      const key = normalizeLabelKey(spread.topologyKey)
      const values = this.domainsFor(pod, key) ?? []
      items.push(values.length > 0 ? { key, operator: "In", values } : { key, operator: "Exists" })
    }
    for (const { peers, key, values } of this.exclusions) {
      if (isAmong(peers, namespaceOf(pod), pod.metadata.labels)) items.push({ key, operator: "NotIn", values: [...values] })
    }
    return items.length === 0 ? noRequirements : requirementsOf(items)
  }

  /** The values of the label among which the pod's own selectors leave a choice; undefined where any value may come up. */
  private domainsFor(pod: Pod, key: string): ReadonlyArray<string> | undefined {
    const all = this.domainsOf(key)
    if (all === undefined) return undefined
    const selector = requirementsOfLabels(pod.spec.nodeSelector)
    const own = (requiredTerms(pod.spec) ?? [undefined])
      .map((term) => both(selector, requirementsOf(term?.matchExpressions)).get(key))
    return [...all].filter((value) => own.some((set) => set === undefined || hasValue(set, value))).sort()
  }

  private domainsOf(key: string): ReadonlySet<string> | undefined {
    if (!this.domains.has(key)) this.domains.set(key, this.find(key))
    return this.domains.get(key)
  }

  private find(key: string): ReadonlySet<string> | undefined {
    const out = new Set<string>()
    for (const { labels } of this.nodes) if (labels[key] !== undefined) out.add(labels[key])
    for (const pool of this.pools) {
      const own = pool.requirements.get(key)
      for (let t = 0; t < pool.catalogue.types.length; t++) {
        if (!hasBit(pool.types, t)) continue
        const type = pool.catalogue.requirements[t]!.get(key)
        const set = own === undefined ? type : type === undefined ? own : intersection(own, type)
        if (set === undefined) continue
        if (set.complement) return undefined
        for (const value of set.values) out.add(value)
      }
    }
    return out
  }
}

const exclusionsOf = (nodes: ReadonlyArray<NodeModel>, bound: ReadonlyArray<ExistingNode>): ReadonlyArray<Exclusion> => {
  const out = new Map<string, Exclusion>()
  bound.forEach((node, n) => {
    for (const pod of node.pods) {
      for (const term of pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
        const key = normalizeLabelKey(term.topologyKey)
        const value = nodes[n]!.labels[key]
        if (isHostname(key) || value === undefined) continue
        const peers = peersOf(term, namespaceOf(pod), pod.metadata.labels) ?? { namespaces: "all", selector: term.labelSelector }
        const identity = JSON.stringify([key, peers.namespaces, peers.selector ?? null])
        const known = out.get(identity)
        if (known === undefined) out.set(identity, { peers, key, values: new Set([value]) })
        else known.values.add(value)
      }
    }
  })
  return [...out.values()]
}
