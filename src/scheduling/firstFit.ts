/**
 * One pass in Karpenter's way: pods largest first; each goes to the first existing node that takes it, else to the node to be
 * bought that has the fewest pods and takes it, else to a new node of the heaviest NodePool that can have one.
 *
 * A node to be bought grows while any type left holds its pods, and its type is chosen at the end. That fills large types, which
 * is dear where small ones cost less by the unit, so a pass may have a price ceiling: a node then only grows up to the types that
 * cost no more, or no more than the pod that opened it needs.
 */
import { Allowance } from "./allowance.ts"
import { Crowd } from "./crowd.ts"
import { DomainChoice } from "./domainChoice.ts"
import { ExistingNodes } from "./existingNodes.ts"
import { Fleet } from "./fleet.ts"
import type { Rank, Scan } from "./fleet.ts"
import type { HostPort } from "./hostPorts.ts"
import { portConflict } from "./hostPorts.ts"
import { relaxMinimums, shortfalls } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import type { PackedNode } from "./packing.ts"
import { Reserving } from "./reserving.ts"
import { SharedVolumes } from "./sharedVolumes.ts"
import type { State } from "./states.ts"
import type { Step } from "./steps.ts"

export class FirstFit {
  readonly fleet: Fleet
  readonly existing: ExistingNodes
  readonly allowance: Allowance
  readonly crowd: Crowd
  readonly choice: DomainChoice
  /** The pods that found no place, by run. */
  left: ReadonlyArray<{ readonly run: Run; readonly pods: ReadonlyArray<number> }> = []
  /** How many steps down their ladders the placed pods had to go, all together. */
  givenUp = 0
  /** By pod: the step of its class' ladder at which it was placed. */
  readonly stepOf: Uint8Array
  /** Runs of which pods wait for reserved capacity that other nodes of this plan hold. */
  readonly deferred: Set<number> = new Set()
  private readonly model: Model
  private readonly reserving: Reserving
  private readonly volumes: SharedVolumes
  private readonly ceiling: number
  private readonly D: number
  /** Counts the turns of runs, so that nothing has to be cleared between them. */
  private turn = 0
  private cursors: Int32Array = new Int32Array(8)
  /** Of the node last found among those to buy: the state it will have. */
  private found: State | undefined = undefined

  constructor(model: Model, ceiling: number) {
    this.model = model
    this.ceiling = ceiling
    this.D = model.dimensions.size
    this.fleet = new Fleet(this.D, model.problem.pods.length, model.counts.host.length)
    this.crowd = new Crowd(model, this.fleet)
    this.choice = new DomainChoice(model.topologyKeys.all, this.crowd.domain, model.states)
    this.existing = new ExistingNodes(model, this.crowd)
    this.allowance = new Allowance(model)
    this.reserving = new Reserving(model)
    this.volumes = new SharedVolumes(model.dimensions, () => undefined)
    this.stepOf = new Uint8Array(model.problem.pods.length)
  }

  /** Pods left over are tried again while that helps: whom they want to be near may have come after them. */
  run(): this {
    let left = this.place(this.model.runs)
    for (let before = Infinity; count(left) > 0 && count(left) < before;) {
      before = count(left)
      left = this.place(left.map(({ run, pods }) => ({ ...run, pods })))
    }
    const byRun = new Map(left.map(({ run, pods }) => [this.model.runOf[pods[0]!]!, { run, pods }]))
    this.left = [...byRun.values()]
    return this
  }

  private place(runs: ReadonlyArray<Run>): ReadonlyArray<{ readonly run: Run; readonly pods: ReadonlyArray<number> }> {
    const left: Array<{ readonly run: Run; readonly pods: ReadonlyArray<number> }> = []
    for (const run of runs) {
      const from = run.podClass.refusal === undefined ? this.placeRun(run) : 0
      if (from < run.pods.length) left.push({ run, pods: from === 0 ? run.pods : run.pods.slice(from) })
    }
    return left
  }

  /** By existing node: its pods of this pass. */
  get placed(): ReadonlyMap<number, ReadonlyArray<number>> {
    return this.existing.placed
  }

  /** By pool: what its limits still allow, by dimension, and how many nodes. */
  get remaining(): ReadonlyArray<Float64Array | undefined> {
    return this.allowance.remaining
  }

  get nodesLeft(): ReadonlyArray<number> {
    return this.allowance.nodesLeft
  }

  /** How many pods found no place. */
  get unplaced(): number {
    return count(this.left)
  }

  /** How many pods are on nodes of NodePools of at least this weight. */
  podsByWeight(weight: number): number {
    let sum = 0
    for (let node = 0; node < this.fleet.size; node++) {
      if (this.model.states.all[this.fleet.state[node]!]!.pool.weight >= weight) sum += this.fleet.count[node]!
    }
    return sum
  }

  /** What the nodes cost by the hour, each bought as the cheapest type that holds it, in US dollars. */
  get hourlyPrice(): number {
    let sum = 0
    for (let node = 0; node < this.fleet.size; node++) {
      const state = this.model.states.all[this.fleet.state[node]!]!
      sum += state.offerings[state.cheapest(this.fleet.used, node * this.D, this.D)]!.price
    }
    return sum
  }

  /** Places the pods of a run one by one, each with all its wishes first; the position of the first that finds no place. */
  private placeRun(run: Run): number {
    const { steps } = run.podClass
    this.turn++
    if (this.cursors.length < steps.length) this.cursors = new Int32Array(steps.length)
    this.cursors.fill(0)
    for (let next = 0; next < run.pods.length; next++) {
      const pod = run.pods[next]!
      let at = 0
      while (at < steps.length && !this.placeOne(pod, run, steps[at]!, at)) {
        // Who waits for a reservation gives up no wish instead.
        if (this.deferred.has(this.model.runOf[pod]!)) return next
        at++
      }
      if (at === steps.length) return next
      this.givenUp += at
      this.stepOf[pod] = at
    }
    return run.pods.length
  }

  /** Tries one step of the ladder, at this position of it. */
  private placeOne(pod: number, run: Run, step: Step, at: number): boolean {
    if (step.keys.length > 0) this.choice.consider(step.keys)
    const n = this.existing.find(run, step, this.choice, this.cursors, at)
    if (n >= 0) {
      this.existing.put(pod, n, run)
      return true
    }
    const node = this.amongOpen(run, step, at)
    if (node >= 0) {
      this.put(pod, node, this.found!, run)
      return true
    }
    const state = this.onNew(pod, run, step)
    if (state === undefined) return false
    this.put(pod, this.fleet.open(), state, run)
    return true
  }

  /** The node to buy with the fewest pods that takes the pod, -1 if none does. */
  private amongOpen(run: Run, step: Step, at: number): number {
    const { ranks, mostPods } = this.fleet
    let low = Infinity
    for (let r = 0; r < ranks.length; r++) {
      const scan = this.look(ranks[r]!, step, at)
      if (scan.target !== null && scan.low < low) low = scan.low
    }
    if (low === Infinity) return -1
    const homes = step.company.length === 0 ? undefined : this.crowd.homesOf(step.company)
    if (homes !== undefined) return this.amongHomes(homes, run, step, at)
    for (let count = low; count <= mostPods; count++) {
      for (let r = 0; r < ranks.length; r++) {
        const rank = ranks[r]!
        const scan = rank.scan(at)
        if (scan.target === null || count < scan.low) continue
        const node = this.firstIn(rank, count, scan, run, step)
        if (node >= 0) {
          this.found = scan.target
          return node
        }
        if (count === scan.low) scan.low = count + 1
      }
    }
    return -1
  }

  /** What becomes of the nodes of a rank with the pod. */
  private look(rank: Rank, step: Step, at: number): Scan {
    const scan = rank.scan(at)
    if (scan.run !== this.turn) {
      scan.run = this.turn
      scan.base = step.pools[this.model.pools.indexOf(rank.state.pool)]! ? this.after(rank.state, step) ?? null : null
      scan.target = scan.base
      scan.restart()
    }
    if (step.keys.length > 0 && scan.base !== null) {
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
    if (step.alternatives.length === 1) return states.after(state, step.demand)
    for (const demand of step.alternatives) {
      const after = states.after(state, demand)
      if (after !== undefined) return after
    }
    return undefined
  }

  /** The first node of the bucket that is still there and takes the pod. Who can't take it now can't take an equal one later. */
  private firstIn(rank: Rank, count: number, scan: Scan, run: Run, step: Step): number {
    const length = rank.lengths[count] ?? 0
    if (length === 0) return -1
    const { fleet, D } = this
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
      if (this.takes(node, scan.target!, run)) {
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
      if (best >= 0 && fleet.count[node]! >= fleet.count[best]!) continue
      const { target } = fleet.rank(this.model.states.all[fleet.state[node]!]!).scan(at)
      if (target === null || this.crowd.closesNew(step.limits, node) || !this.crowd.hasCompanyOnNew(step.company, node)) continue
      if (!this.takes(node, target, run)) continue
      best = node
      this.found = target
    }
    return best
  }

  /** Whether the node has room for the pod, in the state that it would have with it. */
  private takes(node: number, after: State, run: Run): boolean {
    const request = this.requestOn(node, run)
    return after.admits(this.fleet.used, node * this.D, request, this.D) && this.portsFree(node, run.podClass.ports) &&
      this.varied(node, after, request) &&
      (this.reserving.idle || this.reserving.holding(node, after, this.with(node, request)) !== "deferred")
  }

  /** What a pod of the run takes of the node. */
  private requestOn(node: number, { podClass: { shared }, request }: Run): Float64Array {
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
    return after.minimums.length === 0 || shortfalls(after, this.with(node, request), this.D).size === 0
  }

  /** The state of a new node for the pod, charged to the limits of its pool. */
  private onNew(pod: number, run: Run, step: Step): State | undefined {
    if (step.limits.some(({ atMost }) => atMost < 0) || !step.company.every((term) => this.crowd.isFirst(term))) return undefined
    const { pools } = this.model
    const fresh = this.fleet.size
    const request = this.requestOn(fresh, run)
    for (let i = 0; i < pools.length; i++) {
      if (!step.pools[i]!) continue
      const empty = this.allowance.empty(i)
      const state = empty === undefined ? undefined : this.opened(empty, request, step)
      if (state === undefined) continue
      if (!this.reserving.idle && this.reserving.holding(fresh, state, request) === "deferred") {
        this.deferred.add(this.model.runOf[pod]!)
        return undefined
      }
      this.allowance.charge(i, state, request)
      return state
    }
    return undefined
  }

  /** What the empty node becomes with the pod: in the best domain of those in which there is a type that holds it. */
  private opened(empty: State, request: Float64Array, step: Step): State | undefined {
    const { states } = this.model
    for (const demand of step.alternatives) {
      const after = states.after(empty, demand)
      if (after === undefined) continue
      if (step.keys.length === 0) {
        const open = this.openAs(after, request)
        if (open !== undefined) return open
        continue
      }
      const settled = this.choice.settle(after)
      const open = settled === undefined ? undefined : this.openAs(settled, request)
      if (open !== undefined) return open
      for (const other of this.choice.settlements(after)) {
        const found = this.openAs(other, request)
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  private openAs(wanted: State, request: Float64Array): State | undefined {
    const { states } = this.model
    const after = this.reserving.opening(wanted)
    const first = after.cheapest(request, 0, this.D)
    if (first < 0) return undefined
    if (after.minimums.length > 0) {
      const short = shortfalls(after, request, this.D)
      if (short.size === 0) return after
      if (this.model.problem.options?.minValuesPolicy !== "BestEffort") return undefined
      return states.intern(after.pool, relaxMinimums(after.requirements, short), after.allowed)
    }
    if (this.ceiling === Infinity) return after
    return states.upTo(after, Math.max(this.ceiling, after.offerings[first]!.price))
  }

  private put(pod: number, node: number, state: State, run: Run): void {
    const { fleet, crowd } = this
    const before = fleet.state[node]!
    if (fleet.count[node]! > 0 && before !== state.id) crowd.moved(node, this.model.states.all[before]!, state)
    const request = this.requestOn(node, run)
    fleet.put(pod, node, state, request, run.podClass.ports)
    this.volumes.put(node, run.podClass.shared)
    if (!this.reserving.idle) this.reserving.commit(node, state, fleet.used.slice(node * this.D, node * this.D + this.D))
    crowd.recordNew(run.podClass.counts, node, state)
  }

  /** The nodes to buy, each with all types that hold it and were charged to its pool's limits. */
  packed(): ReadonlyArray<PackedNode> {
    const { fleet, D } = this
    const all = fleet.used.slice(0, fleet.size * D)
    const out: Array<PackedNode> = []
    for (let node = 0; node < fleet.size; node++) out.push(this.pack(node, all.subarray(node * D, node * D + D)))
    return out
  }

  private pack(node: number, used: Float64Array): PackedNode {
    const { fleet, D } = this
    const own = this.model.states.all[fleet.state[node]!]!
    const { pool } = own
    const wide = pool.limits === undefined && this.ceiling !== Infinity ? this.widened(own, node) : own
    const state = this.reserving.finished(node, wide, used)
    return { state, pods: fleet.podsOf(node), used, types: state.holding(used, 0, D) }
  }

  /** The node's state as it would be without a ceiling. */
  private widened({ pool, requirements }: State, node: number): State {
    return this.model.states.intern(pool, requirements, pool.without(pool.types, this.fleet.ports.get(node) ?? []))
  }
}

const count = (left: ReadonlyArray<{ readonly pods: ReadonlyArray<number> }>): number =>
  left.reduce((sum, { pods }) => sum + pods.length, 0)
