/** Which pods are alike to the search: a kind is all that matters about a pod but its size. */
import type { HostPort } from "../hostPorts.ts"
import { portConflict } from "../hostPorts.ts"
import type { HostLimit } from "../groups.ts"
import type { Step } from "../steps.ts"
import type { Requirements } from "../requirements.ts"
import { identityOfRequirements } from "../requirements.ts"

/** With whom the pods of a kind may share a node, and the groups in which they count there. */
export interface HostMembership {
  readonly rules: ReadonlyArray<HostLimit>
  readonly counts: ReadonlyArray<number>
}

/** What a pod means to one counter of its node. */
export interface HostEntry {
  readonly counter: number
  /** What it adds, 0 or 1. */
  readonly adds: number
  /** The most that the counter may show with the pod on the node; Infinity where only others mind. */
  readonly cap: number
}

export interface Kind {
  readonly id: number
  /** Those of its step, and the values its pinned labels must keep to. */
  readonly requirements: Requirements
  readonly ports: ReadonlyArray<HostPort>
  /** By pool: whether its taints are tolerated. */
  readonly pools: ReadonlyArray<boolean>
  readonly hosts: HostMembership
  /** The weight of the heaviest NodePool that could have a node for a pod of this kind alone. */
  readonly homeWeight: number
}

/** Gives kinds that differ in nothing one object. */
export class Kinds {
  readonly all: Array<Kind> = []
  private readonly ids: Map<string, Kind> = new Map()

  intern(step: Step, requirements: Requirements, hosts: HostMembership, homeWeight: number): Kind {
    const { demand: { ports }, pools } = step
    const tolerated = pools.map(Number).join("")
    const key = JSON.stringify([identityOfRequirements(requirements), ports, tolerated, hosts, homeWeight])
    let kind = this.ids.get(key)
    if (kind === undefined) {
      kind = { id: this.all.length, requirements, ports, pools, hosts, homeWeight }
      this.all.push(kind)
      this.ids.set(key, kind)
    }
    return kind
  }
}

/**
 * By kind: its entries in the counters of a node. Unlike in first-fit, where a pod only minds who is there before it,
 * everybody's cap holds to the end, so that the order in which a node is filled does not matter. Host ports are counters too:
 * one for each list of ports, which lists that clash with it must find at 0.
 */
export const hostEntries = (
  kinds: ReadonlyArray<Kind>
): { readonly entries: ReadonlyArray<ReadonlyArray<HostEntry>>; readonly counters: number } => {
  const counters = new Map<number | string, number>()
  const counterOf = (group: number | string): number => {
    const counter = counters.get(group) ?? counters.size
    counters.set(group, counter)
    return counter
  }
  const ruled = new Set(kinds.flatMap(({ hosts }) => hosts.rules.map(({ group }) => group)))
  const lists = new Map(kinds.filter(({ ports }) => ports.length > 0).map(({ ports }) => [JSON.stringify(ports), ports]))
  const entries = kinds.map(({ hosts, ports }) => {
    const out: Array<HostEntry> = []
    for (const group of ruled) {
      const adds = hosts.counts.includes(group) ? 1 : 0
      const rule = hosts.rules.find((other) => other.group === group)
      if (adds > 0 || rule !== undefined) {
        out.push({ counter: counterOf(group), adds, cap: rule === undefined ? Infinity : rule.atMost + adds })
      }
    }
    if (ports.length > 0) {
      const own = JSON.stringify(ports)
      for (const [key, other] of lists) {
        if (portConflict(ports, other) === undefined) continue
        out.push({ counter: counterOf(key), adds: key === own ? 1 : 0, cap: key === own ? 1 : 0 })
      }
    }
    return out
  })
  return { entries, counters: counters.size }
}
