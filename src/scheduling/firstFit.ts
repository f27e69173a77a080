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
import { drained } from "./drained.ts"
import { ExistingNodes } from "./existingNodes.ts"
import { Fleet } from "./fleet.ts"
import { makeRoom } from "./makeRoom.ts"
import { relaxMinimums, shortfalls } from "./minValues.ts"
import type { Model } from "./model.ts"
import type { Run } from "./runs.ts"
import { OpenNodes } from "./openNodes.ts"
import type { PackedNode } from "./packing.ts"
import { Reserving } from "./reserving.ts"
import type { Random } from "./search/random.ts"
import type { Demand, State } from "./states.ts"
import type { Step } from "./steps.ts"

/** Another way to go about it. */
export interface Variation {
  /** The runs in another order. */
  readonly runs?: ReadonlyArray<Run>
  /**
   * Of nodes to buy with equally many pods the one is asked first that Karpenter asks first, domains are left open where Karpenter
   * leaves them so, and the places of a pod's volumes are tried one by one. Slow with many nodes.
   */
  readonly exact?: boolean
  /** A pod goes to the node to buy that becomes the least dearer for it, or to one of its own. Slow with many nodes. */
  readonly thrifty?: boolean
  /** Among domains that are equally empty any one is taken, as Karpenter does. */
  readonly chance?: Random | undefined
}

/** Pods after which others may have their turn. */
const podsAtOnce = 200

/** A node that could be opened. */
interface Fresh {
  readonly state: State
  readonly pool: number
  /** What the pod takes of it. */
  readonly request: Float64Array
  readonly price: number
}

/** The pods of a run that found no place. */
export interface Left {
  readonly run: Run
  readonly pods: ReadonlyArray<number>
}

export class FirstFit {
  readonly fleet: Fleet
  readonly existing: ExistingNodes
  readonly allowance: Allowance
  readonly crowd: Crowd
  readonly choice: DomainChoice
  left: ReadonlyArray<Left> = []
  /** How many steps down their ladders the placed pods had to go, all together. */
  givenUp = 0
  /** By pod: the step of its class' ladder at which it was placed. */
  readonly stepOf: Uint8Array
  /** Runs of which pods wait for reserved capacity that other nodes of this plan hold. */
  readonly deferred: Set<number> = new Set()
  private readonly model: Model
  private readonly reserving: Reserving
  private readonly open: OpenNodes
  private readonly ceiling: number
  private readonly apart: boolean
  private readonly runs: ReadonlyArray<Run>
  private readonly D: number
  private cursors: Int32Array = new Int32Array(8)

  constructor(model: Model, ceiling: number, { runs = model.runs, exact = false, thrifty = false, chance }: Variation = {}) {
    this.model = model
    this.runs = runs
    this.ceiling = ceiling
    this.apart = exact
    this.D = model.dimensions.size
    this.fleet = new Fleet(this.D, model.problem.pods.length, model.counts.host.length)
    this.crowd = new Crowd(model, this.fleet)
    this.choice = new DomainChoice(model.topologyKeys.all, this.crowd.domain, model.states, exact, chance)
    this.existing = new ExistingNodes(model, this.crowd)
    this.allowance = new Allowance(model)
    this.reserving = new Reserving(model)
    this.open = new OpenNodes(model, this.fleet, this.crowd, this.choice, this.reserving, { exact, thrifty })
    this.stepOf = new Uint8Array(model.problem.pods.length)
  }

  /**
   * Pods left over are tried again while that helps: whom they want to be near may have come after them, or there is room within
   * limits once nodes give up their largest types.
   */
  run(): this {
    return drained(this.running(Infinity))
  }

  /** As `run`, so many pods at a time. */
  *running(atOnce: number = podsAtOnce): Generator<void, this> {
    let left = yield* this.place(this.runs, atOnce)
    for (let before = Infinity; count(left) > 0 && (count(left) < before || this.makesRoom(left));) {
      before = count(left)
      left = yield* this.place(left.map(({ run, pods }) => ({ ...run, pods })), atOnce)
    }
    const byRun = new Map<number, Array<number>>()
    for (const { pods } of left) {
      const run = this.model.runOf[pods[0]!]!
      byRun.set(run, [...byRun.get(run) ?? [], ...pods])
    }
    this.left = [...byRun].map(([run, pods]) => ({ run: this.model.runs[run]!, pods }))
    return this
  }

  private makesRoom(left: ReadonlyArray<Left>): boolean {
    return makeRoom(this.model, this.fleet, this.allowance, left.map(({ run }) => run))
  }

  private *place(runs: ReadonlyArray<Run>, atOnce: number): Generator<void, ReadonlyArray<Left>> {
    const left: Array<Left> = []
    let since = 0
    for (const run of runs) {
      let from = 0
      for (let to = 0; run.podClass.refusal === undefined && from === to && to < run.pods.length;) {
        if (since >= atOnce) {
          since = 0
          yield
        }
        to = Math.min(run.pods.length, from + atOnce - since)
        const part = to - from === run.pods.length ? run : { ...run, pods: run.pods.slice(from, to) }
        since += to - from
        from += this.placeRun(part)
      }
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

  /** How many pods are on nodes to buy of NodePools of less than this weight. */
  podsBelow(weight: number): number {
    let sum = 0
    for (let node = 0; node < this.fleet.size; node++) {
      if (this.model.states.all[this.fleet.state[node]!]!.pool.weight < weight) sum += this.fleet.count[node]!
    }
    return sum
  }

  /** What the nodes cost by the hour, each bought as the cheapest type that holds it, in US dollars. */
  get hourlyPrice(): number {
    const { fleet: { used, size }, reserving, D } = this
    let sum = 0
    for (let node = 0; node < size; node++) {
      const own = this.model.states.all[this.fleet.state[node]!]!
      const need = used.subarray(node * D, node * D + D)
      const state = reserving.idle ? own : reserving.finished(node, own, need)
      sum += state.offerings[state.cheapest(need, 0, D)]!.price
    }
    return sum
  }

  /** Places the pods of a run one by one, each with all its wishes first; the position of the first that finds no place. */
  private placeRun(run: Run): number {
    const { steps } = run.podClass
    this.open.next(steps.length)
    this.deferred.delete(this.model.runOf[run.pods[0]!]!)
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
    const node = this.open.find(run, step, at)
    const isCheap = node >= 0 && (this.open.rise <= 0 || !this.reserving.idle)
    const fresh = isCheap ? undefined : this.onNew(pod, run, step)
    if (node >= 0 && (fresh === undefined || fresh.price >= this.open.rise)) {
      this.open.put(pod, node, this.open.found!, run)
      return true
    }
    if (fresh === undefined) return false
    const { state, pool, request } = fresh
    const opened = this.fleet.open()
    this.allowance.charge(pool, state, request, opened)
    this.open.put(pod, opened, state, run)
    return true
  }

  /** A new node for the pod, of the heaviest pool that can have one. */
  private onNew(pod: number, run: Run, step: Step): Fresh | undefined {
    if (step.limits.some(({ atMost }) => atMost < 0) || !step.company.every((term) => this.crowd.isFirst(term))) return undefined
    const { pools } = this.model
    const request = this.open.requestOn(this.fleet.size, run)
    for (let i = 0; i < pools.length; i++) {
      if (!step.pools[i]!) continue
      const empty = this.allowance.empty(i)
      const state = empty === undefined ? undefined : this.opened(empty, request, step)
      if (state === undefined) continue
      if (state === "deferred") {
        this.deferred.add(this.model.runOf[pod]!)
        return undefined
      }
      return { state, pool: i, request, price: state.offerings[state.cheapest(request, 0, this.D)]!.price }
    }
    return undefined
  }

  /**
   * What the empty node becomes with the pod: in the best domain of those in which there is a type that holds it. Deferred if each
   * of its places and domains would draw from reservations that others hold.
   */
  private opened(empty: State, request: Float64Array, step: Step): State | "deferred" | undefined {
    const { states } = this.model
    let deferred: "deferred" | undefined
    for (const demand of this.placesOf(step)) {
      const after = states.after(empty, demand)
      if (after === undefined) continue
      const wanted = step.keys.length === 0 ? after : this.choice.settle(after)
      const open = wanted === undefined ? undefined : this.openAs(wanted, request)
      if (open !== undefined && open !== "deferred") return open
      deferred ??= open
      if (step.keys.length === 0) continue
      for (const other of this.choice.settlements(after)) {
        const found = this.openAs(other, request)
        if (found !== undefined && found !== "deferred") return found
        deferred ??= found
      }
    }
    return deferred
  }

  /** One part of what the pod's volumes leave may be to be had where all together would have to wait. */
  private placesOf({ alternatives, parts }: Step): ReadonlyArray<Demand> {
    if (parts.length === 0) return alternatives
    return this.apart ? [...parts, ...alternatives] : this.reserving.idle ? alternatives : [...alternatives, ...parts]
  }

  private openAs(wanted: State, request: Float64Array): State | "deferred" | undefined {
    const state = this.holding(wanted, request)
    return state !== undefined && !this.reserving.idle && this.reserving.holding(this.fleet.size, state, request) === "deferred"
      ? "deferred"
      : state
  }

  private holding(wanted: State, request: Float64Array): State | undefined {
    const { states } = this.model
    const after = this.reserving.opening(wanted, request)
    const first = after.cheapest(request, 0, this.D)
    if (first < 0) return undefined
    if (after.minimums.length > 0) {
      const short = shortfalls(after, request)
      if (short.size === 0) return after
      if (this.model.problem.options?.minValuesPolicy !== "BestEffort") return undefined
      return states.intern(after.pool, relaxMinimums(after.requirements, short), after.allowed)
    }
    if (this.ceiling === Infinity) return after
    return states.upTo(after, Math.max(this.ceiling, after.offerings[first]!.price))
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
    const { fleet } = this
    const own = this.model.states.all[fleet.state[node]!]!
    const { pool } = own
    const isCut = this.ceiling !== Infinity && pool.limits === undefined && this.reserving.idle
    const wide = isCut ? this.widened(own, node) : own
    const state = this.reserving.finished(node, wide, used)
    return { state, pods: fleet.podsOf(node), used, types: state.holding(used, 0) }
  }

  /** The node's state as it would be without a ceiling. */
  private widened({ pool, requirements }: State, node: number): State {
    return this.model.states.intern(pool, requirements, pool.without(pool.types, this.fleet.ports.get(node) ?? []))
  }
}

const count = (left: ReadonlyArray<{ readonly pods: ReadonlyArray<number> }>): number =>
  left.reduce((sum, { pods }) => sum + pods.length, 0)
