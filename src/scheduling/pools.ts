/** NodePools compiled: what their nodes are like, what room each of their types leaves for pods, what they may still buy. */
import type { Bits } from "./bits.ts"
import { allBits, addBits, hasBit, intersectBits, noBits, subtractBits } from "./bits.ts"
import type { Catalogue } from "./catalogue.ts"
import type { Dimensions } from "./dimensions.ts"
import { PODS } from "./dimensions.ts"
import type { HostPort } from "./hostPorts.ts"
import { hostPortsOf, portConflict } from "./hostPorts.ts"
import { requiredTerms } from "./podClass.ts"
import { podRequests } from "./podRequests.ts"
import { toUnits } from "./quantity.ts"
import type { DaemonSet, ExistingNode, Labels, NodePool, Taint, Toleration } from "./problem.ts"
import { Rooms } from "./rooms.ts"
import type { Requirements } from "./requirements.ts"
import { both, compatible, matchesLabels, requirementsOf, requirementsOfLabels } from "./requirements.ts"
import { daemonTolerations, untolerated } from "./taints.ts"
import { valuesIn } from "./valueSet.ts"
import { HostnameLabel, InitializedLabel, NodePoolLabel, normalizeLabelKey, RegisteredLabel } from "./wellKnown.ts"

/** No node has this name: what a pod that asks for a hostname compares with on a node that is not there yet. */
const unnamedHost = "\u0000"

/** Labels of a node to come that only exist while planning. */
export const simulatedLabels: ReadonlySet<string> = new Set([HostnameLabel, RegisteredLabel, InitializedLabel])

/** A DaemonSet's pod as it will run on a node. */
export interface Daemon {
  readonly request: Float64Array
  readonly ports: ReadonlyArray<HostPort>
  readonly tolerations: ReadonlyArray<Toleration>
  /** A node must satisfy one of them. */
  readonly alternatives: ReadonlyArray<Requirements>
}

export const daemonOf = (daemonSet: DaemonSet, dimensions: Dimensions): Daemon => {
  const spec = daemonSet.spec.template.spec
  const request = dimensions.need(podRequests(spec))
  request[PODS] = 1
  const selector = requirementsOfLabels(spec.nodeSelector)
  return {
    request,
    ports: hostPortsOf(spec),
    tolerations: [...(spec.tolerations ?? []), ...daemonTolerations],
    alternatives: (requiredTerms(spec) ?? [undefined]).map((term) => both(selector, requirementsOf(term?.matchExpressions)))
  }
}

/** A preference keeps no daemon away. */
const toleratedBy = (daemon: Daemon, taints: ReadonlyArray<Taint>): boolean =>
  untolerated(taints.filter((taint) => taint.effect !== "PreferNoSchedule"), daemon.tolerations).length === 0

/** True when the DaemonSet puts a pod on a node with these labels (stable keys) and taints. */
export const daemonRunsOn = (daemon: Daemon, labels: Labels, taints: ReadonlyArray<Taint>): boolean =>
  toleratedBy(daemon, taints) && daemon.alternatives.some((requirements) => matchesLabels(requirements, labels))

/** What a NodePool may still buy. */
export interface PoolLimits {
  /** By dimension, in its unit; infinite where the pool sets none. Undefined: no limits at all. */
  readonly limits: Float64Array | undefined
  readonly nodeLimit: number
}

export class Pool implements PoolLimits {
  readonly name: string
  readonly weight: number
  readonly labels: Labels
  readonly taints: ReadonlyArray<Taint>
  readonly requirements: Requirements
  readonly catalogue: Catalogue
  /** By type and dimension: the requests of the daemons that will run on it. */
  readonly daemons: Float64Array
  readonly hasDaemons: boolean
  /** By type and dimension: what is left for pods. */
  readonly room: Float64Array
  /** The same, for who asks what holds a need. */
  readonly rooms: Rooms
  /** Types that the pool's own requirements allow and that are to be had. */
  readonly types: Bits
  readonly limits: Float64Array | undefined
  readonly nodeLimit: number
  readonly hasMinValues: boolean
  private readonly daemonPorts: ReadonlyArray<readonly [ports: ReadonlyArray<HostPort>, types: Bits]>

  constructor(
    pool: NodePool,
    catalogue: Catalogue,
    daemons: ReadonlyArray<Daemon>,
    nodes: ReadonlyArray<ExistingNode>,
    dimensions: Dimensions,
    wellKnown: ReadonlySet<string>
  ) {
    const template = pool.spec.template
    this.name = pool.metadata.name
    this.weight = pool.spec.weight ?? 0
    this.labels = { ...template.metadata?.labels, [NodePoolLabel]: this.name }
    this.taints = template.spec.taints ?? []
    this.catalogue = catalogue
    this.requirements = both(
      both(requirementsOf(template.spec.requirements), requirementsOfLabels(this.labels)),
      new Map([
        [HostnameLabel, valuesIn([unnamedHost])],
        [RegisteredLabel, valuesIn(["true"])],
        [InitializedLabel, valuesIn(["true"])]
      ])
    )
    this.hasMinValues = [...this.requirements.values()].some((set) => set.minValues !== undefined)
    this.types = availableTypes(catalogue, this.requirements, allBits(catalogue.types.length))

    const D = dimensions.size
    this.room = catalogue.allocatable.slice()
    this.daemons = new Float64Array(this.room.length)
    const ports: Array<readonly [ReadonlyArray<HostPort>, Bits]> = []
    for (const daemon of daemons) {
      const on = this.typesOf(daemon, wellKnown)
      if (daemon.ports.length > 0) ports.push([daemon.ports, on])
      for (let t = 0; t < catalogue.types.length; t++) {
        if (!hasBit(on, t)) continue
        for (let d = 0; d < D; d++) {
          this.room[t * D + d]! -= daemon.request[d]!
          this.daemons[t * D + d]! += daemon.request[d]!
        }
      }
    }
    this.daemonPorts = ports
    this.hasDaemons = this.daemons.some((amount) => amount > 0)
    // A type that its daemons overfill holds no pod at all.
    for (let t = 0; t < catalogue.types.length; t++) {
      for (let d = 0; d < D; d++) if (this.room[t * D + d]! < 0) this.types[t >>> 5]! &= ~(1 << (t & 31))
    }

    this.rooms = new Rooms(this.room, D)

    const limits = pool.spec.limits ?? {}
    const own = nodes.filter((node) => node.nodePool === this.name)
    this.nodeLimit = limits["nodes"] === undefined ? Infinity : toUnits(limits["nodes"], "down") - own.length
    const names = Object.keys(limits).filter((name) => name !== "nodes")
    this.limits = names.length === 0 ? undefined : new Float64Array(D).fill(Infinity)
    for (const name of names) {
      const d = dimensions.positionOf(name)!
      this.limits![d] = dimensions.amount(d, limits[name]!, "down")
      for (const node of own) this.limits![d]! -= dimensions.amount(d, node.capacity[name] ?? 0, "up")
    }
  }

  private typesOf(daemon: Daemon, wellKnown: ReadonlySet<string>): Bits {
    const on = noBits(this.catalogue.types.length)
    if (!toleratedBy(daemon, this.taints)) return on
    for (const requirements of daemon.alternatives) {
      if (!compatible(this.requirements, requirements, wellKnown)) continue
      addBits(on, matchingTypes(this.catalogue, both(this.requirements, requirements), allBits(this.catalogue.types.length)))
    }
    return on
  }

  /** The types on which some daemon has a host port that one of these clashes with. */
  clashing(ports: ReadonlyArray<HostPort>): Bits {
    const out = noBits(this.catalogue.types.length)
    for (const [taken, types] of this.daemonPorts) if (portConflict(ports, taken) !== undefined) addBits(out, types)
    return out
  }

  /** The given types without those that clash. */
  without(types: Bits, ports: ReadonlyArray<HostPort>): Bits {
    if (ports.length === 0 || this.daemonPorts.length === 0) return types
    const out = types.slice()
    subtractBits(out, this.clashing(ports))
    return out
  }
}

/** The types, of those given, whose own requirements agree. */
export const matchingTypes = (catalogue: Catalogue, requirements: Requirements, among: Bits): Bits => {
  const out = among.slice()
  for (const [key, set] of requirements) {
    const types = catalogue.matching(key, set)
    if (types !== undefined) intersectBits(out, types)
  }
  return out
}

/** The types, of those given, whose own requirements agree and that are to be had. */
export const availableTypes = (catalogue: Catalogue, requirements: Requirements, among: Bits): Bits => {
  const out = matchingTypes(catalogue, requirements, among)
  intersectBits(out, catalogue.market(requirements).sold)
  return out
}

/** Keys in their stable form; where a node has a label under both keys, the stable one holds. */
export const stableLabels = (labels: Labels): Labels => {
  let renamed: Record<string, string> | undefined
  for (const key in labels) {
    const stable = normalizeLabelKey(key)
    if (stable === key) continue
    renamed ??= { ...labels }
    renamed[stable] = labels[stable] ?? labels[key]!
  }
  return renamed ?? labels
}
