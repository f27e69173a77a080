/** In which domain a pod can be, as its rules about other pods have it and with the pods counted so far. */
import type { Bits } from "./bits.ts"
import { hasBit, intersectBits, noBits } from "./bits.ts"
import type { TopologyKey } from "./domains.ts"
import type { Random } from "./search/random.ts"
import type { State, States } from "./states.ts"

/** One rule about domains of a key. */
export interface DomainRule {
  readonly kind: "spread" | "affinity" | "anti"
  /** The pods it counts. */
  readonly group: number
  readonly self: boolean
  readonly maxSkew: number
  readonly minDomains: number
  /** True for a spread or anti-affinity that may be broken. */
  readonly wish: boolean
  /** The domains that matter to the pod: that its own node affinity allows, on nodes that count. */
  readonly eligible: Bits
}

/** All rules of a pod about the domains of one key. */
export interface KeyRules {
  readonly key: TopologyKey
  readonly rules: ReadonlyArray<DomainRule>
  /** True when all of them keep pods apart: a node without the label is in nobody's way. */
  readonly apart: boolean
  /** True when they only want others near, besides wishes to be apart. */
  readonly near: boolean
  /** True when all of them are wishes to be apart: as in Karpenter, a node whose domain is open stays so among those allowed. */
  readonly open: boolean
}

export class DomainChoice {
  private readonly counts: ReadonlyArray<Int32Array>
  private readonly states: States
  /** By key: the domains that all rules allow now. */
  private readonly allowed: ReadonlyArray<Bits>
  /** By key and domain: how many pods the spreads count there; the fewer the better. */
  private readonly crowds: ReadonlyArray<Int32Array>
  private current: ReadonlyArray<KeyRules> = []
  /** By key: whether the pod would be the first of its kind in whatever domain it gets. */
  private readonly starts: Array<boolean> = []
  private readonly chance: Random | undefined
  /** As Karpenter does, who only wants others near leaves its node open among the domains that have them. */
  private readonly loose: boolean

  constructor(keys: ReadonlyArray<TopologyKey>, counts: ReadonlyArray<Int32Array>, states: States, loose: boolean, chance?: Random) {
    this.counts = counts
    this.chance = chance
    this.loose = loose
    this.states = states
    this.allowed = keys.map((key) => noBits(key.values.length))
    this.crowds = keys.map((key) => new Int32Array(key.values.length))
  }

  /** Reads the rules with the counts as they are now; what follows is about them. */
  consider(keys: ReadonlyArray<KeyRules>): void {
    this.current = keys
    for (let k = 0; k < keys.length; k++) this.read(keys[k]!)
  }

  private read({ key, rules }: KeyRules): void {
    const allowed = this.allowed[key.id]!
    const crowd = this.crowds[key.id]!
    const size = key.values.length
    allowed.fill(-1)
    crowd.fill(0)
    this.starts[key.id] = false
    for (let r = 0; r < rules.length; r++) {
      const rule = rules[r]!
      const count = this.counts[rule.group]!
      const { eligible } = rule
      if (rule.kind === "spread") {
        const most = mostOf(rule, count) - (rule.self ? 1 : 0)
        for (let d = 0; d < size; d++) {
          crowd[d]! += count[d]!
          if (!hasBit(eligible, d) || count[d]! > most) allowed[d >>> 5]! &= ~(1 << (d & 31))
        }
      } else if (rule.kind === "anti") {
        for (let d = 0; d < size; d++) if (!hasBit(eligible, d) || count[d]! > 0) allowed[d >>> 5]! &= ~(1 << (d & 31))
      } else {
        let company = false
        for (let d = 0; d < size && !company; d++) company = hasBit(eligible, d) && count[d]! > 0
        // The first of its kind may start anywhere.
        const first = !company && rule.self
        if (first) this.starts[key.id] = true
        for (let d = 0; d < size; d++) {
          if (!hasBit(eligible, d) || (!first && count[d] === 0)) allowed[d >>> 5]! &= ~(1 << (d & 31))
        }
      }
    }
  }

  /** Whether a spread allows so many more in the domain, besides the pod itself. */
  allowsMore(rule: DomainRule, domain: number, more: number): boolean {
    const count = this.counts[rule.group]!
    return domain >= 0 && count[domain]! + more <= mostOf(rule, count) - (rule.self ? 1 : 0)
  }

  /** Whether the node, by position among the existing, is in a domain that the rules allow. */
  allowsNode(n: number): boolean {
    for (let k = 0; k < this.current.length; k++) {
      const { key, apart } = this.current[k]!
      const domain = key.ofNode[n]!
      if (domain < 0 ? !apart : !hasBit(this.allowed[key.id]!, domain)) return false
    }
    return true
  }

  /** The state of a node to come once the pod is in the domain it likes best of those the node can be in. */
  settle(state: State): State | undefined {
    let out = state
    for (let k = 0; k < this.current.length; k++) {
      const { key, apart, open, near } = this.current[k]!
      const reach = out.reach(key)
      if (apart && reach.unlabelled) continue
      if (reach.sole < 0 && (open || (this.loose && near && !this.starts[key.id]!))) {
        const next = this.states.among(out, key, this.allowedOf(key, reach.bits))
        if (next === undefined) return undefined
        out = next
        continue
      }
      const domain = reach.sole >= 0 ? hasBit(this.allowed[key.id]!, reach.sole) ? reach.sole : -1 : this.best(key, out)
      if (domain < 0) return undefined
      if (reach.sole >= 0 && reach.said) continue
      const next = this.states.within(out, key, domain)
      if (next === undefined) return undefined
      out = next
    }
    return out
  }

  /** All states that a node to come could have with the pod, the one that `settle` gives first. */
  settlements(state: State): ReadonlyArray<State> {
    let out: ReadonlyArray<State> = [state]
    for (const { key, apart } of this.current) {
      out = out.flatMap((from) => apart && from.reach(key).unlabelled ? [from] : this.ranked(key, from).flatMap((domain) => this.states.within(from, key, domain) ?? []))
    }
    return out
  }

  private allowedOf(key: TopologyKey, bits: Bits): Bits {
    const out = bits.slice()
    intersectBits(out, this.allowed[key.id]!)
    return out
  }

  /** The emptiest domain of those allowed; of equally empty ones the cheapest, or any where that is left to chance. */
  private best(key: TopologyKey, state: State): number {
    const allowed = this.allowed[key.id]!
    const crowd = this.crowds[key.id]!
    const byPrice = this.states.byPrice(state, key)
    let best = -1
    let equal = 0
    for (let i = 0; i < byPrice.length; i++) {
      const d = byPrice[i]!
      if (!hasBit(allowed, d) || (best >= 0 && crowd[d]! > crowd[best]!)) continue
      if (best < 0 || crowd[d]! < crowd[best]!) {
        best = d
        equal = 1
      } else if (this.chance !== undefined && this.chance.below(++equal) === 0) best = d
    }
    return best
  }

  private ranked(key: TopologyKey, state: State): ReadonlyArray<number> {
    const crowd = this.crowds[key.id]!
    const allowed = this.allowed[key.id]!
    return this.states.byPrice(state, key).filter((d) => hasBit(allowed, d)).sort((a, b) => crowd[a]! - crowd[b]!)
  }

  /** The first key of which the rules, as read, leave a node in this state no domain. */
  blocked(state: State): KeyRules | undefined {
    return this.current.find(({ key, apart }) => {
      const { bits, unlabelled } = state.reach(key)
      return !(apart && unlabelled) && key.values.every((_, d) => !hasBit(bits, d) || !hasBit(this.allowed[key.id]!, d))
    })
  }
}

/** How many pods a domain may have at most after a spread. */
const mostOf = ({ eligible, maxSkew, minDomains }: DomainRule, count: Int32Array): number => {
  let least = Infinity
  let domains = 0
  for (let d = 0; d < count.length; d++) {
    if (!hasBit(eligible, d)) continue
    domains++
    if (count[d]! < least) least = count[d]!
  }
  return maxSkew + (domains < minDomains || domains === 0 ? 0 : least)
}
