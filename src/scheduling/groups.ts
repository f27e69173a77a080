/**
 * The sets of pods that rules about other pods speak of. Each is counted: by node where the rule is about sharing a node, else by
 * domain of a label. A required anti-affinity makes two: those it is against, and those who have it (`owners`), who keep out
 * whoever it is against.
 */
import type { Namespaces } from "./namespaces.ts"
import type { NodeFilter } from "./nodeFilter.ts"
import { NodeFilters } from "./nodeFilter.ts"
import type { NodeModel } from "./nodes.ts"
import {
  namespaceOf, preferredAffinity, preferredAntiAffinity, requiredAffinity, requiredAntiAffinity
} from "./otherPods.ts"
import { requiredTerms } from "./podClass.ts"
import type { ExistingNode, Pod, PodAffinityTerm, SpreadConstraint } from "./problem.ts"
import type { Peers } from "./selector.ts"
import { isAmong, peersOf, withLabelKeys } from "./selector.ts"
import type { TopologyKey, TopologyKeys } from "./domains.ts"
import { Trie } from "./trie.ts"
import { HostnameLabel, normalizeLabelKey } from "./wellKnown.ts"

/** A node is closed while it has more than `atMost` pods of the group. */
export interface HostLimit {
  readonly on: "host"
  readonly kind: "limit"
  readonly group: number
  readonly atMost: number
}

/** A node must have a pod of the group, or, where there is none anywhere, the pod must be one itself. */
export interface HostCompany {
  readonly on: "host"
  readonly kind: "company"
  readonly group: number
  readonly self: boolean
}

export interface DomainTerm {
  readonly on: "domain"
  readonly kind: "spread" | "affinity" | "anti"
  readonly key: TopologyKey
  readonly group: number
  /** Whether the pod is one of those counted. */
  readonly self: boolean
  readonly maxSkew: number
  readonly minDomains: number
  /** True for a spread or anti-affinity that may be broken. */
  readonly wish: boolean
  /** Of a spread: the nodes that count. */
  readonly filter: NodeFilter | undefined
}

export type Term = HostLimit | HostCompany | DomainTerm

/** A spread by the position of the required term of node affinity that is in force; one where none is required. */
export interface Spread {
  readonly terms: ReadonlyArray<Term>
  readonly preferred: boolean
}

/** What a pod says about others, in groups. Preferred terms come heaviest first. */
export interface Spoken {
  readonly affinity: ReadonlyArray<Term>
  readonly preferredAffinity: ReadonlyArray<Term>
  readonly antiAffinity: ReadonlyArray<Term>
  readonly preferredAntiAffinity: ReadonlyArray<Term>
  readonly spreads: ReadonlyArray<Spread>
  /** The groups of those who have a required anti-affinity of the pod's own. */
  readonly owns: Membership
}

/** The groups in which a pod counts. */
export interface Membership {
  readonly host: ReadonlyArray<number>
  readonly domain: ReadonlyArray<number>
}

export const noMembership: Membership = { host: [], domain: [] }

/** A pod's part in the groups of others. */
export interface Standing extends Membership {
  /** What those who want no such pod near them make of it. */
  readonly keptOut: ReadonlyArray<Term>
}

export interface DomainGroup {
  readonly key: TopologyKey
  readonly kind: "spread" | "affinity" | "anti"
  readonly peers: Peers
  /** Its members are those who have a term against the peers, not the peers. */
  readonly owners: boolean
  /** Those that somebody would rather not have near: they count only where their node's requirements name the domains. */
  readonly wish: boolean
  readonly filter: NodeFilter | undefined
}

interface HostGroup {
  readonly peers: Peers
  readonly owners: boolean
  /** Of a spread: the nodes that count. */
  readonly filter: NodeFilter | undefined
}

/** Pods after which others may have their turn. */
const podsAtOnce = 4096

const isHostname = (label: string): boolean => normalizeLabelKey(label) === HostnameLabel

export class Groups {
  readonly domain: Array<DomainGroup> = []
  readonly host: Array<HostGroup> = []
  /** Groups by domain that some pod must have near it. */
  readonly company: Set<number> = new Set()
  /** Groups by domain that rules speak of, and not wishes alone. */
  readonly ruled: Set<number> = new Set()
  private readonly ids: Map<string, number> = new Map()
  private readonly keys: TopologyKeys
  private readonly filters: NodeFilters = new NodeFilters()
  private readonly namespaces: Namespaces

  constructor(keys: TopologyKeys, namespaces: Namespaces) {
    this.keys = keys
    this.namespaces = namespaces
  }

  get none(): boolean {
    return this.host.length === 0 && this.domain.length === 0
  }

  private intern(identity: string, list: Array<unknown>, group: unknown): number {
    let id = this.ids.get(identity)
    if (id === undefined) {
      id = list.length
      this.ids.set(identity, id)
      list.push(group)
    }
    return id
  }

  private hostGroup(peers: Peers, owners: boolean, filter?: NodeFilter): number {
    return this.intern(
      `host ${owners} ${filter?.id ?? ""} ${identityOf(peers)}`, this.host, { peers, owners, filter } satisfies HostGroup
    )
  }

  private domainGroup(group: DomainGroup): number {
    const { key, kind, owners, wish, filter, peers } = group
    return this.intern(`${key.label} ${kind} ${owners} ${wish} ${filter?.id ?? ""} ${identityOf(peers)}`, this.domain, group)
  }

  /** Reads what the pods of an example say about others, wishes only where they are heeded; makes the groups that it needs. */
  read(pod: Pod, spreads: ReadonlyArray<SpreadConstraint>, wishes: boolean): Spoken {
    const { spec } = pod
    const owns: { readonly host: Array<number>; readonly domain: Array<number> } = { host: [], domain: [] }
    const affinity = (term: PodAffinityTerm): Term => this.affinity(pod, term)
    const against = (wish: boolean) => (term: PodAffinityTerm): Term =>
      this.keepOut(term.topologyKey, this.peersOf(pod, term), false, wish)
    for (const term of requiredAntiAffinity(spec)) this.own(pod, term, owns)
    const required = requiredAffinity(spec).map(affinity)
    for (const { on, group } of required) if (on === "domain") this.company.add(group)
    const hard = requiredAntiAffinity(spec).map(against(false))
    const heeded = wishes ? spreads : spreads.filter(({ whenUnsatisfiable }) => whenUnsatisfiable !== "ScheduleAnyway")
    const spoken = heeded.map((spread) => ({
      terms: (requiredTerms(spec) ?? [undefined]).map((_, from) => this.spread(pod, spread, from)),
      preferred: spread.whenUnsatisfiable === "ScheduleAnyway"
    }))
    for (const { on, group } of [...required, ...hard, ...spoken.flatMap(({ terms, preferred }) => preferred ? [] : terms)]) {
      if (on === "domain") this.ruled.add(group)
    }
    for (const group of owns.domain) this.ruled.add(group)
    return {
      affinity: required,
      preferredAffinity: wishes ? preferredAffinity(spec).map(affinity) : [],
      antiAffinity: hard,
      preferredAntiAffinity: wishes ? preferredAntiAffinity(spec).map(against(true)) : [],
      spreads: spoken,
      owns
    }
  }

  private peersOf(pod: Pod, term: PodAffinityTerm): Peers {
    return peersOf(term, namespaceOf(pod), pod.metadata.labels, this.namespaces)
  }

  private affinity(pod: Pod, term: PodAffinityTerm): Term {
    const peers = this.peersOf(pod, term)
    const self = isAmong(peers, namespaceOf(pod), pod.metadata.labels)
    if (isHostname(term.topologyKey)) return { on: "host", kind: "company", group: this.hostGroup(peers, false), self }
    const key = this.keys.of(normalizeLabelKey(term.topologyKey))
    const group = this.domainGroup({ key, kind: "affinity", peers, owners: false, wish: false, filter: undefined })
    return { on: "domain", kind: "affinity", key, group, self, maxSkew: 0, minDomains: 0, wish: false, filter: undefined }
  }

  private keepOut(label: string, peers: Peers, owners: boolean, wish = false): Term {
    if (isHostname(label)) return { on: "host", kind: "limit", group: this.hostGroup(peers, owners), atMost: 0 }
    const key = this.keys.of(normalizeLabelKey(label))
    const group = this.domainGroup({ key, kind: "anti", peers, owners, wish, filter: undefined })
    return { on: "domain", kind: "anti", key, group, self: false, maxSkew: 0, minDomains: 0, wish, filter: undefined }
  }

  private own(pod: Pod, term: PodAffinityTerm, into: { readonly host: Array<number>; readonly domain: Array<number> }): void {
    const { on, group } = this.keepOut(term.topologyKey, this.peersOf(pod, term), true)
    if (!into[on].includes(group)) into[on].push(group)
  }

  private spread(pod: Pod, spread: SpreadConstraint, from: number): Term {
    const namespace = namespaceOf(pod)
    const { labels } = pod.metadata
    const peers: Peers = { namespaces: [namespace], selector: withLabelKeys(spread.labelSelector, labels, spread.matchLabelKeys) }
    const self = isAmong(peers, namespace, labels)
    const filter = this.filters.of(pod.spec, spread, from)
    if (isHostname(spread.topologyKey)) {
      const group = this.hostGroup(peers, false, filter)
      return { on: "host", kind: "limit", group, atMost: spread.maxSkew - (self ? 1 : 0) }
    }
    const key = this.keys.of(normalizeLabelKey(spread.topologyKey))
    const group = this.domainGroup({ key, kind: "spread", peers, owners: false, wish: false, filter })
    const { maxSkew, minDomains = 0 } = spread
    const wish = spread.whenUnsatisfiable === "ScheduleAnyway"
    return { on: "domain", kind: "spread", key, group, self, maxSkew, minDomains, wish, filter }
  }

  /** What a pod is to the groups of others. Call when every pod has been read. */
  standing(pod: Pod, owns: Membership): Standing {
    if (this.none) return { ...noMembership, keptOut: [] }
    const namespace = namespaceOf(pod)
    const { labels } = pod.metadata
    const host: Array<number> = [...owns.host]
    const domain: Array<number> = [...owns.domain]
    const keptOut: Array<Term> = []
    this.host.forEach(({ peers, owners }, id) => {
      if (!isAmong(peers, namespace, labels)) return
      if (owners) keptOut.push(this.keepOut(HostnameLabel, peers, true))
      else host.push(id)
    })
    this.domain.forEach(({ peers, owners, key }, id) => {
      if (!isAmong(peers, namespace, labels)) return
      if (owners) keptOut.push(this.keepOut(key.label, peers, true))
      else domain.push(id)
    })
    return { host: host.sort((a, b) => a - b), domain: domain.sort((a, b) => a - b), keptOut }
  }

  /** Reads the required anti-affinity of pods that run: it keeps others out. */
  *readBound(pods: ReadonlyArray<Pod>): Generator<void> {
    const seen = new Trie()
    let turn = 0
    for (const pod of pods) {
      if (++turn % podsAtOnce === 0) yield
      const terms = requiredAntiAffinity(pod.spec)
      if (terms.length === 0 || isLeaving(pod)) continue
      const at = seen.step(namespaceOf(pod)).walk(pod.metadata.labels).walk(terms)
      if (at.id < 0) this.ownedBy(pod)
      at.id = 0
    }
  }

  private ownedBy(pod: Pod): Membership {
    const owns = { host: [] as Array<number>, domain: [] as Array<number> }
    for (const term of requiredAntiAffinity(pod.spec)) this.own(pod, term, owns)
    for (const group of owns.domain) this.ruled.add(group)
    return owns
  }

  /** How many pods of each group run now. `nodes` and `models` are the same in the same order. Call when every pod has been read. */
  *countBound(nodes: ReadonlyArray<ExistingNode>, models: ReadonlyArray<NodeModel>): Generator<void, Counts> {
    const host = this.host.map(() => new Int32Array(nodes.length))
    const domain = this.domain.map(({ key }) => new Int32Array(key.values.length))
    if (this.none) return { host, domain }
    const alike = new Trie()
    const known: Array<Membership> = []
    let turn = 0
    for (let n = 0; n < nodes.length; n++) {
      for (const pod of nodes[n]!.pods) {
        if (++turn % podsAtOnce === 0) yield
        if (isLeaving(pod)) continue
        const at = alike.step(namespaceOf(pod)).walk(pod.metadata.labels).walk(requiredAntiAffinity(pod.spec))
        if (at.id < 0) {
          at.id = known.length
          known.push(this.standing(pod, this.ownedBy(pod)))
        }
        const { host: onHost, domain: inDomain } = known[at.id]!
        for (const group of onHost) if (this.host[group]!.filter?.acceptsNode(models[n]!) !== false) host[group]![n]!++
        for (const group of inDomain) {
          const { key, filter } = this.domain[group]!
          const at = key.ofNode[n]!
          if (at >= 0 && (filter === undefined || filter.acceptsNode(models[n]!))) domain[group]![at]!++
        }
      }
    }
    return { host, domain }
  }
}

/** Whoever is on the way out counts for nobody. */
const isLeaving = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined

/** How many pods of each group there are, by node and by domain. */
export interface Counts {
  readonly host: ReadonlyArray<Int32Array>
  readonly domain: ReadonlyArray<Int32Array>
}

const identityOf = ({ namespaces, selector }: Peers): string => JSON.stringify([namespaces, selector ?? null])
