/**
 * Rules about who shares a node with whom. A group is a set of pods that is counted by node; a rule keeps a pod from every node
 * that has more than so many of a group. A required anti-affinity is two groups: those it is against, and those who have it.
 */
import type { ExistingNode, Pod, PodSpec } from "./problem.ts"
import type { Peers } from "./selector.ts"
import { isAmong, peersOf, withLabelKeys } from "./selector.ts"
import { Trie } from "./trie.ts"
import { HostnameLabel, normalizeLabelKey } from "./wellKnown.ts"

/** A node is closed while it has more than `atMost` pods of the group. */
export interface HostRule {
  readonly group: number
  readonly atMost: number
}

export interface HostMembership {
  readonly rules: ReadonlyArray<HostRule>
  /** The groups that a pod adds to on its node. */
  readonly counts: ReadonlyArray<number>
}

const nothing: HostMembership = { rules: [], counts: [] }

/** True when the pod says something about other pods that binds. */
const speaksOfPods = (spec: PodSpec): boolean =>
  spec.topologySpreadConstraints !== undefined ||
  (spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.length ?? 0) > 0

/** When no pod does, labels and namespaces make no difference to anybody. */
export const labelsMatter = (pods: ReadonlyArray<Pod>, nodes: ReadonlyArray<ExistingNode>): boolean =>
  pods.some((pod) => speaksOfPods(pod.spec)) || nodes.some((node) => node.pods.some((pod) => speaksOfPods(pod.spec)))

export const isHostname = (key: string): boolean => normalizeLabelKey(key) === HostnameLabel

export const namespaceOf = (pod: Pod): string => pod.metadata.namespace ?? "default"

export class HostGroups {
  private readonly ids: Map<string, number> = new Map()
  /** By group: who is counted by what they are. Undefined where owners of a term are counted. */
  private readonly members: Array<Peers | undefined> = []
  /** By group of owners: who may not be where they are. */
  private readonly against: Array<Peers | undefined> = []
  /** Pods that speak alike are read once. */
  private readonly speakers: Trie = new Trie()
  private readonly learnt: Array<HostMembership> = []

  get size(): number {
    return this.members.length
  }

  private group(kind: "members" | "owners", peers: Peers): number {
    const key = `${kind} ${JSON.stringify([peers.namespaces, peers.selector ?? null])}`
    let id = this.ids.get(key)
    if (id === undefined) {
      id = this.ids.size
      this.ids.set(key, id)
      this.members.push(kind === "members" ? peers : undefined)
      this.against.push(kind === "owners" ? peers : undefined)
    }
    return id
  }

  /** The pod's own rules by hostname; makes the groups that they need. */
  learn(pod: Pod): HostMembership {
    if (!speaksOfPods(pod.spec)) return nothing
    const { affinity, topologySpreadConstraints } = pod.spec
    const speaker = this.speakers.step(namespaceOf(pod)).walk(pod.metadata.labels)
    const at = speaker.walk(affinity?.podAntiAffinity).walk(topologySpreadConstraints)
    if (at.id < 0) {
      at.id = this.learnt.length
      this.learnt.push(this.read(pod))
    }
    return this.learnt[at.id]!
  }

  private read(pod: Pod): HostMembership {
    const namespace = namespaceOf(pod)
    const { labels } = pod.metadata
    const rules: Array<HostRule> = []
    const counts: Array<number> = []
    for (const term of pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []) {
      if (!isHostname(term.topologyKey)) continue
      // Who they are in other namespaces is not known: rather too many than too few.
      const peers = peersOf(term, namespace, labels) ?? { namespaces: "all", selector: term.labelSelector }
      rules.push({ group: this.group("members", peers), atMost: 0 })
      counts.push(this.group("owners", peers))
    }
    for (const spread of pod.spec.topologySpreadConstraints ?? []) {
      if (!isHostname(spread.topologyKey) || spread.whenUnsatisfiable === "ScheduleAnyway") continue
      const peers = { namespaces: [namespace], selector: withLabelKeys(spread.labelSelector, labels, spread.matchLabelKeys) }
      const self = isAmong(peers, namespace, labels) ? 1 : 0
      rules.push({ group: this.group("members", peers), atMost: spread.maxSkew - self })
    }
    return { rules, counts }
  }

  /** Adds what follows from all groups to a pod's own rules. Call when every pod has been learnt. */
  complete(pod: Pod, own: HostMembership): HostMembership {
    if (this.size === 0) return nothing
    const namespace = namespaceOf(pod)
    const atMost = new Map<number, number>()
    const rule = ({ group, atMost: count }: HostRule): void => {
      atMost.set(group, Math.min(count, atMost.get(group) ?? Infinity))
    }
    own.rules.forEach(rule)
    const counts = new Set(own.counts)
    for (let group = 0; group < this.size; group++) {
      const members = this.members[group]
      const against = this.against[group]
      if (members !== undefined && isAmong(members, namespace, pod.metadata.labels)) counts.add(group)
      if (against !== undefined && isAmong(against, namespace, pod.metadata.labels)) rule({ group, atMost: 0 })
    }
    const rules = [...atMost].sort(([a], [b]) => a - b).map(([group, count]) => ({ group, atMost: count }))
    return { rules, counts: [...counts].sort((a, b) => a - b) }
  }

  /** By group and node: how many pods of the group are there now. Call when every pod has been learnt. */
  countBound(nodes: ReadonlyArray<ReadonlyArray<Pod>>): ReadonlyArray<Int32Array> {
    const out = Array.from({ length: this.size }, () => new Int32Array(nodes.length))
    if (this.size === 0) return out
    const alike = new Trie()
    const known: Array<ReadonlyArray<number>> = []
    nodes.forEach((pods, n) => {
      for (const pod of pods) {
        let at = alike.step(namespaceOf(pod)).walk(pod.metadata.labels)
        if (speaksOfPods(pod.spec)) at = at.walk(pod.spec.affinity?.podAntiAffinity)
        if (at.id < 0) {
          at.id = known.length
          known.push(this.complete(pod, this.learn(pod)).counts)
        }
        for (const group of known[at.id]!) out[group]![n]!++
      }
    })
    return out
  }
}
