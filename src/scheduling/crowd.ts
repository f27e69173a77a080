/** How many pods of each group are where, while a pass places more of them. */
import { hasBit } from "./bits.ts"
import type { TopologyKey } from "./domains.ts"
import type { Fleet } from "./fleet.ts"
import type { Counts, HostCompany, HostLimit, Membership } from "./groups.ts"
import type { Model } from "./model.ts"
import type { NodeFilter } from "./nodeFilter.ts"
import type { State } from "./states.ts"

export class Crowd {
  /** By group and domain. */
  readonly domain: ReadonlyArray<Int32Array>
  private readonly model: Model
  private readonly fleet: Fleet
  /** By group and existing node. */
  private readonly host: ReadonlyArray<Int32Array>
  /** By group by node: which nodes count. */
  private readonly filters: ReadonlyArray<NodeFilter | undefined>
  /** By group: on all nodes. */
  private readonly total: Int32Array
  /** By group: the nodes to buy that have one. */
  private readonly homes: Array<Array<number>>

  constructor(model: Model, fleet: Fleet) {
    const counts: Counts = model.counts
    this.model = model
    this.fleet = fleet
    this.filters = model.groups.host.map(({ filter }) => filter)
    this.host = counts.host.map((ofGroup) => ofGroup.slice())
    this.domain = counts.domain.map((ofGroup) => ofGroup.slice())
    this.total = Int32Array.from(counts.host, (ofGroup) => ofGroup.reduce((sum, n) => sum + n, 0))
    this.homes = counts.host.map(() => [])
  }

  /** Counts never fall, so a node that is closed stays closed. */
  closesExisting(limits: ReadonlyArray<HostLimit>, node: number): boolean {
    for (let i = 0; i < limits.length; i++) if (this.host[limits[i]!.group]![node]! > limits[i]!.atMost) return true
    return false
  }

  closesNew(limits: ReadonlyArray<HostLimit>, node: number): boolean {
    const { hostCounts } = this.fleet
    for (let i = 0; i < limits.length; i++) if (hostCounts[limits[i]!.group]![node]! > limits[i]!.atMost) return true
    return false
  }

  /** Whether an existing node has the company asked for. */
  hasCompany(company: ReadonlyArray<HostCompany>, node: number): boolean {
    return company.every((term) => this.host[term.group]![node]! > 0 || this.isFirst(term))
  }

  hasCompanyOnNew(company: ReadonlyArray<HostCompany>, node: number): boolean {
    return company.every((term) => this.fleet.hostCounts[term.group]![node]! > 0 || this.isFirst(term))
  }

  /** True when there is none to keep company with, and the pod is one of those asked for. */
  isFirst({ group, self }: HostCompany): boolean {
    return self && this.total[group] === 0
  }

  /** The nodes to buy among which the company must be; undefined where any node will do. */
  homesOf(company: ReadonlyArray<HostCompany>): ReadonlyArray<number> | undefined {
    const term = company.find((one) => !this.isFirst(one))
    return term === undefined ? undefined : this.homes[term.group]!
  }

  /** A pod with this membership is on the existing node. */
  recordExisting({ host, domain }: Membership, node: number): void {
    for (const group of host) {
      if (this.filters[group]?.acceptsNode(this.model.nodes[node]!) === false) continue
      this.host[group]![node]!++
      this.total[group]!++
    }
    for (const group of domain) {
      const { key, filter } = this.model.groups.domain[group]!
      const at = key.ofNode[node]!
      if (at >= 0 && (filter === undefined || filter.acceptsNode(this.model.nodes[node]!))) this.domain[group]![at]!++
    }
  }

  /** A pod with this membership is on the node to buy, which is in this state since. */
  recordNew({ host, domain }: Membership, node: number, state: State): void {
    for (let i = 0; i < host.length; i++) {
      const group = host[i]!
      if (this.filters[group]?.accepts(state) === false) continue
      if (this.fleet.hostCounts[group]![node]!++ === 0) this.homes[group]!.push(node)
      this.total[group]!++
    }
    for (let i = 0; i < domain.length; i++) this.count(domain[i]!, state)
  }

  private count(group: number, state: State): void {
    const { key, filter } = this.model.groups.domain[group]!
    const { sole, bits } = state.reach(key)
    if (sole >= 0) {
      if (filter === undefined || filter.accepts(state)) this.domain[group]![sole]!++
    } else if (this.isEverywhere(group, state)) {
      for (let d = 0; d < key.values.length; d++) if (hasBit(bits, d)) this.domain[group]![d]!++
    }
  }

  /** Whoever others keep away from counts in every domain that an open node may come to be in. */
  private isEverywhere(group: number, state: State): boolean {
    const { key, kind, wish } = this.model.groups.domain[group]!
    return kind === "anti" && (!wish || state.reach(key).listed)
  }

  /** How many pods that the group counts, by domain, the node to buy has. */
  countOn(node: number, group: number): number {
    const { groups, runOf, runs, states } = this.model
    if (groups.domain[group]!.filter?.accepts(states.all[this.fleet.state[node]!]!) === false) return 0
    let count = 0
    for (let pod = this.fleet.last[node]!; pod >= 0; pod = this.fleet.before[pod]!) {
      if (runs[runOf[pod]!]!.podClass.counts.domain.includes(group)) count++
    }
    return count
  }

  /**
   * Whether the domain has pods of each group that somebody must have near, that is anywhere at all, and that pods of the node are in
   * who must have others near themselves.
   */
  isTogether(node: number, key: TopologyKey, domain: number): boolean {
    const { groups, runOf, runs } = this.model
    for (let pod = this.fleet.last[node]!; pod >= 0; pod = this.fleet.before[pod]!) {
      const { podClass } = runs[runOf[pod]!]!
      if (!podClass.needsCompany) continue
      for (const group of podClass.counts.domain) {
        if (groups.domain[group]!.key !== key || !groups.company.has(group)) continue
        const counts = this.domain[group]!
        if (counts[domain] === 0 && counts.some((count) => count > 0)) return false
      }
    }
    return true
  }

  /**
   * The node, with the pods it has, has gone from one state to another: they are now counted where they can still be. A spread that
   * did not count the node's pods goes on so.
   */
  moved(node: number, from: State, to: State): void {
    const { groups, runOf, runs, topologyKeys } = this.model
    const narrowed = topologyKeys.all.filter((key) => {
      const [before, after] = [from.reach(key), to.reach(key)]
      return before.sole < 0 && (before.listed !== after.listed || !sameBits(before.bits, after.bits))
    })
    if (narrowed.length === 0) return
    for (let pod = this.fleet.last[node]!; pod >= 0; pod = this.fleet.before[pod]!) {
      for (const group of runs[runOf[pod]!]!.podClass.counts.domain) {
        const { filter, key } = groups.domain[group]!
        if (!narrowed.includes(key) || filter?.accepts(from) === false) continue
        if (this.isEverywhere(group, from)) {
          for (let d = 0; d < key.values.length; d++) if (hasBit(from.reach(key).bits, d)) this.domain[group]![d]!--
        }
        this.count(group, to)
      }
    }
  }
}

const sameBits = (a: Uint32Array, b: Uint32Array): boolean => a.every((word, i) => word === b[i])
