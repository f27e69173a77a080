/**
 * The nodes to buy, while a pass opens and fills them: of those that take a pod, one with the fewest pods gets it. Whoever can't
 * take a pod of a run can't take an equal one later, so nobody is looked at twice in the turn of a run.
 */
import type { Crowd } from "./crowd.ts"
import type { DomainChoice } from "./domainChoice.ts"
import type { Fleet, Rank, Scan } from "./fleet.ts"
import type { HostPort } from "./hostPorts.ts"
import { portConflict } from "./hostPorts.ts"
import { shortfalls } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { Reserving } from "./reserving.ts"
import type { Run } from "./runs.ts"
import { SharedVolumes } from "./sharedVolumes.ts"
import type { State } from "./states.ts"
import type { Step } from "./steps.ts"

export class OpenNodes {
  /** The state that the node last found will have. */
  found: State | undefined = undefined
  /** By how much it becomes dearer, in US dollars an hour; always 0 unless passes are to be thrifty. */
  rise = 0
  private readonly model: Model
  private readonly fleet: Fleet
  private readonly crowd: Crowd
  private readonly choice: DomainChoice
  private readonly reserving: Reserving
  private readonly volumes: SharedVolumes
  /** The nodes in Karpenter's very order, where that is asked for. */
  private readonly order: Array<number> | undefined
  /** By node: its price, where that matters. */
  private readonly prices: Array<number> | undefined
  /** Whether the places that a pod's volumes leave are tried one by one. */
  private readonly apart: boolean
  private readonly D: number
  /** Counts the turns of runs, so that nothing has to be cleared between them. */
  private turn = 0
  /** Counts the pods and steps that were asked for. */
  private asked = 0
  /** By position of the step: no node with fewer pods takes another pod of the run. */
  private lows: Int32Array = new Int32Array(8)

  constructor(
    model: Model, fleet: Fleet, crowd: Crowd, choice: DomainChoice, reserving: Reserving,
    { exact, thrifty }: { readonly exact: boolean; readonly thrifty: boolean }
  ) {
    this.order = exact || thrifty ? [] : undefined
    this.prices = thrifty ? [] : undefined
    this.apart = exact
    this.model = model
    this.fleet = fleet
    this.crowd = crowd
    this.choice = choice
    this.reserving = reserving
    this.volumes = new SharedVolumes(model.dimensions, () => undefined)
    this.D = model.dimensions.size
  }

  /** It is another run's turn. */
  next(steps: number): void {
    this.turn++
    if (this.lows.length < steps) this.lows = new Int32Array(steps)
    this.lows.fill(1)
  }

  /** The node to buy with the fewest pods that takes the pod, -1 if none does. */
  find(run: Run, step: Step, at: number): number {
    const { ranks, mostPods } = this.fleet
    this.asked++
    if (this.order !== undefined) return this.inOrder(this.order, run, step, at)
    const homes = step.company.length === 0 ? undefined : this.crowd.homesOf(step.company)
    if (homes !== undefined) return this.amongHomes(homes, run, step, at)
    // Rules about domains may let in later who was kept out before.
    const settled = step.keys.length === 0
    for (let count = settled ? this.lows[at]! : 1; count <= mostPods; count++) {
      for (let r = 0; r < ranks.length; r++) {
        const rank = ranks[r]!
        const length = rank.lengths[count] ?? 0
        if (length === 0 || rank.cursorsOf(step.limitsId, count)[count]! >= length) continue
        const scan = this.look(rank, step, at)
        if (scan.target === null || count < scan.low) continue
        const node = this.firstIn(rank, count, scan, run, step)
        if (node >= 0) {
          this.found = scan.target
          return node
        }
        if (count === scan.low) scan.low = count + 1
      }
      if (settled) this.lows[at] = count + 1
    }
    return -1
  }

  /** What becomes of the nodes of a rank with the pod; found out when the first of them is looked at. */
  private look(rank: Rank, step: Step, at: number): Scan {
    const scan = rank.scan(at)
    if (scan.run !== this.turn) {
      scan.run = this.turn
      scan.base = step.pools[this.model.pools.indexOf(rank.state.pool)]! ? this.after(rank.state, step) ?? null : null
      scan.target = scan.base
      scan.restart()
    }
    if (step.keys.length > 0 && scan.base !== null && scan.asked !== this.asked) {
      scan.asked = this.asked
      const target = this.choice.settle(scan.base) ?? null
      if (target !== scan.target) {
        scan.target = target
        scan.restart()
      }
    }
    return scan
  }

  private after(state: State, step: Step): State | undefined {
    const { states } = this.model
    if (step.alternatives.length === 1 && !(this.apart && step.parts.length > 0)) return states.after(state, step.demand)
    for (const demand of this.apart && step.parts.length > 0 ? step.parts : step.alternatives) {
      const after = states.after(state, demand)
      if (after !== undefined) return after
    }
    return undefined
  }

  /** The first node of the bucket that is still there and takes the pod. Who can't take it now can't take an equal one later. */
  private firstIn(rank: Rank, count: number, scan: Scan, run: Run, step: Step): number {
    const length = rank.lengths[count] ?? 0
    if (length === 0) return -1
    const { fleet } = this
    const shared = rank.cursorsOf(step.limitsId, count)
    const bucket = rank.buckets[count]!
    const own = scan.cursor(count)
    let i = shared[count]!
    let skipped = true
    if (own > i) {
      i = own
      skipped = false
    }
    for (; i < length; i++) {
      const node = bucket[i]!
      if (fleet.count[node] !== count || fleet.state[node] !== rank.state.id || this.crowd.closesNew(step.limits, node)) {
        if (skipped) shared[count] = i + 1
        continue
      }
      skipped = false
      if (this.takes(node, scan.target!, run, step)) {
        scan.cursors[count] = i
        return node
      }
    }
    scan.cursors[count] = length
    return -1
  }

  /** Of the nodes that have the company asked for, the one with the fewest pods that takes the pod. */
  private amongHomes(homes: ReadonlyArray<number>, run: Run, step: Step, at: number): number {
    const { fleet } = this
    let best = -1
    for (const node of homes) {
      if (best >= 0 && (fleet.count[node]! - fleet.count[best]! || node - best) > 0) continue
      const { target } = this.look(fleet.rank(this.model.states.all[fleet.state[node]!]!), step, at)
      if (target === null || this.crowd.closesNew(step.limits, node) || !this.crowd.hasCompanyOnNew(step.company, node)) continue
      if (!this.takes(node, target, run, step)) continue
      best = node
      this.found = target
    }
    return best
  }

  private inOrder(order: ReadonlyArray<number>, run: Run, step: Step, at: number): number {
    const { fleet } = this
    let best = -1
    for (const node of order) {
      if (this.crowd.closesNew(step.limits, node) || !this.crowd.hasCompanyOnNew(step.company, node)) continue
      const { target } = this.look(fleet.rank(this.model.states.all[fleet.state[node]!]!), step, at)
      if (target === null || !this.takes(node, target, run, step)) continue
      const rise = this.riseOf(node, target, run)
      if (best >= 0 && rise >= this.rise) continue
      best = node
      this.rise = rise
      this.found = target
      if (rise <= 0) break
    }
    return best
  }

  private riseOf(node: number, target: State, run: Run): number {
    if (this.prices === undefined) return 0
    return target.offerings[target.cheapest(this.with(node, this.requestOn(node, run)), 0, this.D)]!.price - this.prices[node]!
  }

  /**
   * Karpenter sorts its nodes by number of pods before each pod, and equal ones stay as they were: so a node that has one more comes
   * before those that had as many already, and a new one after those with one.
   */
  private reorder(order: Array<number>, node: number, count: number): void {
    if (count > 1) order.splice(order.indexOf(node), 1)
    const at = order.findIndex((other) => this.fleet.count[other]! > Math.max(count - 1, 1))
    order.splice(at < 0 ? order.length : at, 0, node)
  }

  /** Whether the node has room for the pod, in the state that it would have with it. */
  private takes(node: number, after: State, run: Run, step: Step): boolean {
    const request = this.requestOn(node, run)
    if (step.keys.length > 0 && !this.staysEven(node, after, step)) return false
    if (!this.keepsCompany(node, after)) return false
    return after.admits(this.fleet.used, node * this.D, request, this.D) && this.portsFree(node, run.podClass.ports) &&
      this.varied(node, after, request) &&
      (this.reserving.idle || this.reserving.holding(node, after, this.with(node, request)) !== "deferred")
  }

  /**
   * Where the pod decides the domain of a node that was open, the node's pods come to be counted in it: a spread has to allow for
   * them as well.
   */
  private staysEven(node: number, after: State, step: Step): boolean {
    const before = this.model.states.all[this.fleet.state[node]!]!
    if (before === after) return true
    return step.keys.every(({ key, rules }) => before.reach(key).sole >= 0 || rules.every((rule) => {
      if (rule.kind !== "spread" || rule.wish) return true
      const joining = this.crowd.countOn(node, rule.group)
      return joining === 0 || this.choice.allowsMore(rule, after.reach(key).sole, joining)
    }))
  }

  /**
   * Where the domain of an open node is decided, those of its pods that need others near them must come to be where whoever needs
   * them is: as long as it is open, the others know nothing of them. All other pods may be the last to come.
   */
  private keepsCompany(node: number, after: State): boolean {
    const { groups, states, topologyKeys } = this.model
    const before = states.all[this.fleet.state[node]!]!
    if (before === after || groups.company.size === 0) return true
    return topologyKeys.all.every((key) => {
      const { sole } = after.reach(key)
      return sole < 0 || before.reach(key).sole >= 0 || this.crowd.isTogether(node, key, sole)
    })
  }

  /** What a pod of the run takes of the node. */
  requestOn(node: number, { podClass: { shared }, request }: Run): Float64Array {
    return shared.length === 0 ? request : this.volumes.request(node, request, shared)
  }

  /** What the node's pods request together with one more. */
  private with(node: number, request: Float64Array): Float64Array {
    const { D } = this
    const need = this.fleet.used.slice(node * D, node * D + D)
    for (let d = 0; d < D; d++) need[d]! += request[d]!
    return need
  }

  private portsFree(node: number, ports: ReadonlyArray<HostPort>): boolean {
    return ports.length === 0 || portConflict(ports, this.fleet.ports.get(node) ?? []) === undefined
  }

  /** The types that hold the node with the pod still cover its minValues. */
  private varied(node: number, after: State, request: Float64Array): boolean {
    return after.minimums.length === 0 || shortfalls(after, this.with(node, request)).size === 0
  }

  /** Puts the pod on the node, which is in that state from now on. */
  put(pod: number, node: number, state: State, run: Run): void {
    const { fleet, crowd } = this
    const before = fleet.state[node]!
    if (fleet.count[node]! > 0 && before !== state.id) crowd.moved(node, this.model.states.all[before]!, state)
    const request = this.requestOn(node, run)
    fleet.put(pod, node, state, request, run.podClass.ports)
    const count = fleet.count[node]!
    if (this.prices !== undefined) this.prices[node] = state.offerings[state.cheapest(fleet.used, node * this.D, this.D)]!.price
    if (this.order !== undefined) this.reorder(this.order, node, count)
    for (let at = 0; at < this.lows.length; at++) if (count < this.lows[at]!) this.lows[at] = count
    this.volumes.put(node, run.podClass.shared)
    if (!this.reserving.idle) this.reserving.commit(node, state, fleet.used.slice(node * this.D, node * this.D + this.D))
    crowd.recordNew(run.podClass.counts, node, state)
  }
}
