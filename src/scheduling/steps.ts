/** Steps of the pods' ladders, interned: classes share them, and what is found out about one holds for all who share it. */
import type { Bits } from "./bits.ts"
import { addBits, allBits, intersectBits, noBits, setBit } from "./bits.ts"
import type { DomainRule, KeyRules } from "./domainChoice.ts"
import type { DomainTerm, HostCompany, HostLimit, Term } from "./groups.ts"
import type { HostPort } from "./hostPorts.ts"
import type { NodeModel } from "./nodes.ts"
import type { Rung } from "./podClass.ts"
import type { Pool } from "./pools.ts"
import type { Toleration } from "./problem.ts"
import type { Requirements } from "./requirements.ts"
import { both, identityOfRequirements, matchesLabels } from "./requirements.ts"
import type { Demand } from "./states.ts"
import { untolerated } from "./taints.ts"
import { partsOf } from "./volumeAlternatives.ts"

/** Where labels and taints let a pod in, whatever the room: found out once for all steps that ask for the same. */
class Access {
  readonly tolerations: ReadonlyArray<Toleration>
  /** By pool: whether its taints are tolerated. */
  readonly pools: ReadonlyArray<boolean>
  private readonly alternatives: ReadonlyArray<Demand>
  private readonly models: ReadonlyArray<NodeModel>
  private found: Int32Array | undefined = undefined

  constructor(
    alternatives: ReadonlyArray<Demand>, tolerations: ReadonlyArray<Toleration>, pools: ReadonlyArray<boolean>,
    models: ReadonlyArray<NodeModel>
  ) {
    this.alternatives = alternatives
    this.tolerations = tolerations
    this.pools = pools
    this.models = models
  }

  /** Positions of the existing nodes that take the pod if they have room, in the order in which they are filled. */
  get nodes(): Int32Array {
    this.found ??= Int32Array.from(this.models.flatMap((node, n) => this.allows(node) ? [n] : []))
    return this.found
  }

  private allows({ labels, taints }: NodeModel): boolean {
    return this.alternatives.some(({ requirements }) => matchesLabels(requirements, labels)) &&
      untolerated(taints, this.tolerations).length === 0
  }
}

export class Step {
  readonly id: number
  /** What it asks of a node's labels and ports. */
  readonly demand: Demand
  /** The same with each of the places where its volumes can be; one of them must hold. Nearly always just the demand. */
  readonly alternatives: ReadonlyArray<Demand>
  /** Where these leave several values of a label: the same with each value by itself. */
  readonly parts: ReadonlyArray<Demand>
  /** The rules about who shares its node: of one group at most one. */
  readonly limits: ReadonlyArray<HostLimit>
  /** Steps with equal limits have the same number. */
  readonly limitsId: number
  readonly company: ReadonlyArray<HostCompany>
  /** The rules about domains, by key. */
  readonly keys: ReadonlyArray<KeyRules>
  private readonly access: Access

  constructor(
    id: number, alternatives: ReadonlyArray<Demand>, parts: ReadonlyArray<Demand>, access: Access, limits: ReadonlyArray<HostLimit>,
    limitsId: number, company: ReadonlyArray<HostCompany>, keys: ReadonlyArray<KeyRules>
  ) {
    this.id = id
    this.demand = alternatives[0]!
    this.alternatives = alternatives
    this.parts = parts
    this.access = access
    this.limits = limits
    this.limitsId = limitsId
    this.company = company
    this.keys = keys
  }

  get tolerations(): ReadonlyArray<Toleration> {
    return this.access.tolerations
  }

  /** By pool: whether its taints are tolerated. */
  get pools(): ReadonlyArray<boolean> {
    return this.access.pools
  }

  /** Existing nodes whose labels and taints let the pod in, in the order in which they are filled. */
  get nodes(): Int32Array {
    return this.access.nodes
  }
}

export class Steps {
  private readonly pools: ReadonlyArray<Pool>
  private readonly nodes: ReadonlyArray<NodeModel>
  private readonly demands: Map<string, Demand> = new Map()
  private readonly accesses: Map<string, Access> = new Map()
  private readonly limits: Map<string, number> = new Map()
  private readonly steps: Map<string, Step> = new Map()

  constructor(pools: ReadonlyArray<Pool>, nodes: ReadonlyArray<NodeModel>) {
    this.pools = pools
    this.nodes = nodes
  }

  private demand(requirements: Requirements, ports: ReadonlyArray<HostPort>): Demand {
    const key = `${identityOfRequirements(requirements)}\n${ports.length === 0 ? "" : JSON.stringify(ports)}`
    let demand = this.demands.get(key)
    if (demand === undefined) {
      demand = { id: this.demands.size, requirements, ports }
      this.demands.set(key, demand)
    }
    return demand
  }

  /** `places` are the alternatives that the pod's volumes leave. */
  of(rung: Rung, places: ReadonlyArray<Requirements>, ports: ReadonlyArray<HostPort>): Step {
    const alternatives = places.length === 0
      ? [this.demand(rung.requirements, ports)]
      : places.map((place) => this.demand(both(rung.requirements, place), ports))
    const parts = partsOf(places).map((place) => this.demand(both(rung.requirements, place), ports))
    const accessKey = `${alternatives.map(({ id }) => id).join(",")} ${JSON.stringify(rung.tolerations)}`
    const limits = limitsOf(rung.terms)
    const company = companyOf(rung.terms)
    const keys = this.keysOf(rung)
    const said = keys.flatMap(({ key, rules, open }) => rules.map((rule) =>
      [key.id, open, rule.kind, rule.group, rule.self, rule.maxSkew, rule.minDomains, rule.wish, rule.eligible.join(".")].join(" ")))
    const limitsKey = limits.map(({ group, atMost }) => `${group}:${atMost}`).join(",")
    const identity = [accessKey, parts.map(({ id }) => id).join(","), limitsKey, company.map(({ group, self }) => `${group}:${self}`).join(","), ...said].join("\n")
    let step = this.steps.get(identity)
    if (step === undefined) {
      const limitsId = this.limits.get(limitsKey) ?? this.limits.size
      this.limits.set(limitsKey, limitsId)
      const access = this.access(accessKey, alternatives, rung.tolerations)
      step = new Step(this.steps.size, alternatives, parts, access, limits, limitsId, company, keys)
      this.steps.set(identity, step)
    }
    return step
  }

  private access(key: string, alternatives: ReadonlyArray<Demand>, tolerations: ReadonlyArray<Toleration>): Access {
    let access = this.accesses.get(key)
    if (access === undefined) {
      const pools = this.pools.map((pool) => untolerated(pool.taints, tolerations).length === 0)
      access = new Access(alternatives, tolerations, pools, this.nodes)
      this.accesses.set(key, access)
    }
    return access
  }

  private keysOf({ terms, strict }: Rung): ReadonlyArray<KeyRules> {
    const byKey = new Map<number, { readonly key: DomainTerm["key"]; readonly rules: Array<DomainRule>; wishes: number }>()
    for (const term of terms) {
      if (term.on !== "domain") continue
      const { key, kind, group, self, maxSkew, minDomains, wish } = term
      const eligible = key.allowedBy(strict.get(key.label))
      intersectBits(eligible, this.counted(term))
      const known = byKey.get(key.id) ?? { key, rules: [], wishes: 0 }
      known.rules.push({ kind, group, self, maxSkew, minDomains, wish, eligible })
      if (wish && kind === "anti") known.wishes++
      byKey.set(key.id, known)
    }
    // By name: ids are given as keys are met, and deciding one label can narrow another.
    return [...byKey.values()].sort((a, b) => a.key.label < b.key.label ? -1 : 1)
      .map(({ key, rules, wishes }) => ({
        key,
        rules,
        apart: rules.every(({ kind }) => kind === "anti"),
        near: rules.every(({ kind }) => kind !== "spread") && rules.filter(({ kind }) => kind === "anti").length === wishes,
        open: wishes === rules.length
      }))
  }

  /** The domains that have, or can have, a node that counts. */
  private counted({ key, filter }: DomainTerm): Bits {
    if (filter === undefined) return allBits(key.values.length)
    const out = noBits(key.values.length)
    this.pools.forEach((pool, i) => {
      if (filter.toleratesPool(pool)) addBits(out, key.ofPool[i]!)
    })
    this.nodes.forEach((node, n) => {
      const domain = key.ofNode[n]!
      if (domain >= 0 && filter.acceptsNode(node)) setBit(out, domain)
    })
    return out
  }
}

const limitsOf = (terms: ReadonlyArray<Term>): ReadonlyArray<HostLimit> => {
  const atMost = new Map<number, number>()
  for (const term of terms) {
    if (term.on === "host" && term.kind === "limit") {
      atMost.set(term.group, Math.min(term.atMost, atMost.get(term.group) ?? Infinity))
    }
  }
  return [...atMost].sort(([a], [b]) => a - b).map(([group, count]) => ({ on: "host", kind: "limit", group, atMost: count }))
}

const companyOf = (terms: ReadonlyArray<Term>): ReadonlyArray<HostCompany> => {
  const out = new Map<number, HostCompany>()
  for (const term of terms) if (term.on === "host" && term.kind === "company") out.set(term.group, term)
  return [...out.values()].sort((a, b) => a.group - b.group)
}
