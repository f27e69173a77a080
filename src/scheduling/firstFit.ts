/**
 * One pass in Karpenter's way: pods largest first; each goes to the first existing node that takes it, else to the node to be
 * bought that has the fewest pods and takes it, else to a new node of the heaviest NodePool that can have one.
 *
 * A node to be bought grows while any type left holds its pods, and its type is chosen at the end. That fills large types, which
 * is dear where small ones cost less by the unit, so a pass may have a price ceiling: a node then only grows up to the types that
 * cost no more, or no more than the pod that opened it needs.
 */
import { Fleet } from "./fleet.ts"
import type { HostPort } from "./hostPorts.ts"
import { portConflict } from "./hostPorts.ts"
import { relaxMinimums, shortfalls } from "./minValues.ts"
import type { Model, PodClass, Run, Step } from "./model.ts"
import type { PackedNode } from "./packing.ts"
import type { Pool } from "./pools.ts"
import type { State } from "./states.ts"
import { holds } from "./states.ts"

/** What is known, during one run, about the nodes to be bought: entries before a cursor are of no use to the run. */
interface Scan {
  /** By rank: the state its nodes get with the pod, null where they can't take it. */
  readonly after: Array<State | null>
  /** By rank: the lowest bucket with a chance. */
  readonly low: Array<number>
  /** By rank and number of pods. */
  readonly cursors: Array<Array<number>>
  /** The first existing node with a chance. */
  node: number
}

export class FirstFit {
  readonly fleet: Fleet
  /** By existing node: its pods of this pass. */
  readonly placed: Map<number, Array<number>> = new Map()
  readonly left: Array<{ readonly run: Run; readonly from: number }> = []
  /** How many steps down their ladders the placed pods had to go, all together. */
  givenUp = 0
  /** By pod: the step of its class' ladder at which it was placed. */
  readonly stepOf: Uint8Array
  /** By pool: what its limits still allow, by dimension, and how many nodes. */
  readonly remaining: ReadonlyArray<Float64Array | undefined>
  readonly nodesLeft: Array<number>
  private readonly model: Model
  private readonly ceiling: number
  private readonly D: number
  private readonly used: Float64Array
  private readonly hostCounts: ReadonlyArray<Int32Array>
  private readonly nodePorts: Map<number, ReadonlyArray<HostPort>> = new Map()
  private readonly bases: ReadonlyArray<State>

  constructor(model: Model, ceiling: number) {
    this.model = model
    this.ceiling = ceiling
    this.D = model.dimensions.size
    this.fleet = new Fleet(this.D, model.problem.pods.length, model.hostCounts.length)
    this.hostCounts = model.hostCounts.map((counts) => counts.slice())
    this.used = new Float64Array(model.nodes.length * this.D)
    this.stepOf = new Uint8Array(model.problem.pods.length)
    this.remaining = model.pools.map((pool) => pool.limits?.slice())
    this.nodesLeft = model.pools.map((pool) => pool.nodeLimit)
    this.bases = model.pools.map((pool) => model.states.intern(pool, pool.requirements, pool.types))
  }

  run(): this {
    for (const run of this.model.runs) {
      const from = run.podClass.refusal === undefined ? this.place(run) : 0
      if (from < run.pods.length) this.left.push({ run, from })
    }
    return this
  }

  /** How many pods found no place. */
  get unplaced(): number {
    return this.left.reduce((sum, { run, from }) => sum + run.pods.length - from, 0)
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
  private place(run: Run): number {
    const { podClass: { steps } } = run
    const scans: Array<Scan> = steps.map(() => ({ after: [], low: [], cursors: [], node: 0 }))
    let next = 0
    while (next < run.pods.length) {
      const pod = run.pods[next]!
      const step = steps.findIndex((step, i) => this.placeOne(pod, run, step, scans[i]!, scans))
      if (step < 0) break
      this.givenUp += step
      this.stepOf[pod] = step
      next++
    }
    return next
  }

  private placeOne(pod: number, run: Run, step: Step, scan: Scan, scans: ReadonlyArray<Scan>): boolean {
    if (this.onExisting(pod, run, step, scan)) return true
    const node = this.amongOpen(run, step, scan)
    if (node >= 0) {
      this.put(pod, node, this.found!, run, scans)
      return true
    }
    const state = this.onNew(run, step)
    if (state === undefined) return false
    this.put(pod, this.fleet.open(), state, run, scans)
    return true
  }

  private onExisting(pod: number, run: Run, step: Step, scan: Scan): boolean {
    const { nodes } = this.model
    for (; scan.node < nodes.length; scan.node++) {
      const i = scan.node
      const node = nodes[i]!
      if (!step.allowsNode(i, node) || !this.hasRoom(i, node.room, run.request) || isClosed(run.podClass, this.hostCounts, i) ||
        this.clashes(i, run.podClass)) continue
      for (let d = 0; d < this.D; d++) this.used[i * this.D + d]! += run.request[d]!
      const pods = this.placed.get(i)
      if (pods === undefined) this.placed.set(i, [pod])
      else pods.push(pod)
      for (const group of run.podClass.hosts.counts) this.hostCounts[group]![i]!++
      const { ports } = run.podClass
      if (ports.length > 0) this.nodePorts.set(i, [...(this.nodePorts.get(i) ?? []), ...ports])
      return true
    }
    return false
  }

  private hasRoom(i: number, room: Float64Array, request: Float64Array): boolean {
    const at = i * this.D
    for (let d = 0; d < this.D; d++) if (room[d]! < 0 || this.used[at + d]! + request[d]! > room[d]!) return false
    return true
  }

  private clashes(i: number, podClass: PodClass): boolean {
    return podClass.ports.length > 0 && (portConflict(podClass.ports, this.model.nodes[i]!.ports) !== undefined ||
      portConflict(podClass.ports, this.nodePorts.get(i) ?? []) !== undefined)
  }

  /** The state that the node last returned by `amongOpen` will have. */
  private found: State | undefined = undefined

  private amongOpen(run: Run, step: Step, scan: Scan): number {
    const { ranks, mostPods } = this.fleet
    let low = Infinity
    for (let r = 0; r < ranks.length; r++) {
      if (scan.after.length <= r) this.meet(step, scan, ranks[r]!.state)
      if (scan.after[r] !== null && scan.low[r]! < low) low = scan.low[r]!
    }
    for (let count = low; count <= mostPods; count++) {
      for (let r = 0; r < ranks.length; r++) {
        const after = scan.after[r]!
        if (after === null || count < scan.low[r]!) continue
        const node = this.firstIn(r, count, after, run, scan)
        if (node >= 0) {
          this.found = after
          return node
        }
        if (count === scan.low[r]) scan.low[r] = count + 1
      }
    }
    return -1
  }

  private meet(step: Step, scan: Scan, state: State): void {
    const tolerated = step.pools[this.model.pools.indexOf(state.pool)]!
    scan.after.push(tolerated ? this.model.states.after(state, step.demand) ?? null : null)
    scan.low.push(1)
    scan.cursors.push([])
  }

  /** The first node of the bucket that is still there and takes the pod. Who can't take it now can't take an equal one later. */
  private firstIn(r: number, count: number, after: State, run: Run, scan: Scan): number {
    const { fleet, D } = this
    const rank = fleet.ranks[r]!
    const length = rank.lengths[count] ?? 0
    if (length === 0) return -1
    const cursors = scan.cursors[r]!
    while (cursors.length <= count) cursors.push(0)
    const bucket = rank.buckets[count]!
    for (let i = cursors[count]!; i < length; i++) {
      const node = bucket[i]!
      const isThere = fleet.count[node] === count && fleet.state[node] === rank.state.id
      if (isThere && !isClosed(run.podClass, fleet.hostCounts, node) && after.admits(fleet.used, node * D, run.request, D) &&
        this.portsFree(node, run.podClass) && this.varied(node, after, run)) {
        cursors[count] = i
        return node
      }
    }
    cursors[count] = length
    return -1
  }

  private portsFree(node: number, podClass: PodClass): boolean {
    return podClass.ports.length === 0 || portConflict(podClass.ports, this.fleet.ports.get(node) ?? []) === undefined
  }

  /** The types that hold the node with the pod still cover its minValues. */
  private varied(node: number, after: State, run: Run): boolean {
    if (after.minimums.length === 0) return true
    const { D } = this
    const need = this.fleet.used.slice(node * D, node * D + D)
    for (let d = 0; d < D; d++) need[d]! += run.request[d]!
    return shortfalls(after, need, D).size === 0
  }

  private onNew(run: Run, step: Step): State | undefined {
    for (let i = 0; i < this.model.pools.length; i++) {
      if (!step.pools[i]! || this.nodesLeft[i]! < 1) continue
      const base = this.withinLimits(i)
      const state = base === undefined ? undefined : this.opened(base, run, step)
      if (state === undefined) continue
      this.charge(i, state, run.request)
      return state
    }
    return undefined
  }

  /** The state of an empty node of the pool, without the types that its limits no longer allow. */
  private withinLimits(i: number): State | undefined {
    const base = this.bases[i]!
    const remaining = this.remaining[i]
    if (remaining === undefined) return base
    const { capacity } = base.pool.catalogue
    let allowed = base.allowed
    for (const t of base.order) {
      if (holds(remaining, 0, capacity, t * this.D, this.D)) continue
      if (allowed === base.allowed) allowed = base.allowed.slice()
      allowed[t >>> 5]! &= ~(1 << (t & 31))
    }
    if (allowed === base.allowed) return base
    const cut = this.model.states.intern(base.pool, base.requirements, allowed)
    return cut.order.length === 0 ? undefined : cut
  }

  private opened(base: State, run: Run, step: Step): State | undefined {
    const { states } = this.model
    const after = states.after(base, step.demand)
    if (after === undefined) return undefined
    const first = after.cheapest(run.request, 0, this.D)
    if (first < 0) return undefined
    if (after.minimums.length > 0) {
      const short = shortfalls(after, run.request, this.D)
      if (short.size === 0) return after
      if (this.model.problem.options?.minValuesPolicy !== "BestEffort") return undefined
      return states.intern(after.pool, relaxMinimums(after.requirements, short), after.allowed)
    }
    if (this.ceiling === Infinity) return after
    return states.upTo(after, Math.max(this.ceiling, after.offerings[first]!.price))
  }

  /** Takes from the limits the most that any type the node may become would take. */
  private charge(i: number, state: State, request: Float64Array): void {
    this.nodesLeft[i]!--
    const remaining = this.remaining[i]
    if (remaining === undefined) return
    const { D } = this
    const { room, catalogue: { capacity } } = state.pool
    const most = new Float64Array(D)
    for (const t of state.order) {
      if (!holds(room, t * D, request, 0, D)) continue
      for (let d = 0; d < D; d++) most[d] = Math.max(most[d]!, capacity[t * D + d]!)
    }
    for (let d = 0; d < D; d++) remaining[d]! -= most[d]!
  }

  private put(pod: number, node: number, state: State, run: Run, scans: ReadonlyArray<Scan>): void {
    const { fleet } = this
    fleet.put(pod, node, state, run.request, run.podClass.ports)
    for (const group of run.podClass.hosts.counts) fleet.hostCounts[group]![node]!++
    // The node has entered a bucket that the run may have left behind.
    const rank = fleet.ranks.findIndex((other) => other.state === state)
    const count = fleet.count[node]!
    for (const scan of scans) if (rank < scan.low.length && count < scan.low[rank]!) scan.low[rank] = count
  }

  /** The nodes to buy, each with all types that hold it and were charged to its pool's limits. */
  packed(): ReadonlyArray<PackedNode> {
    return Array.from({ length: this.fleet.size }, (_, node) => this.pack(node))
  }

  private pack(node: number): PackedNode {
    const { fleet, D } = this
    const own = this.model.states.all[fleet.state[node]!]!
    const { pool } = own
    const state = pool.limits === undefined && this.ceiling !== Infinity ? this.widened(own, node) : own
    const used = fleet.used.slice(node * D, node * D + D)
    return { state, pods: fleet.podsOf(node), used, types: state.order.filter((t) => holds(pool.room, t * D, used, 0, D)) }
  }

  /** The node's state as it would be without a ceiling. */
  private widened(state: State, node: number): State {
    const pool: Pool = state.pool
    return this.model.states.intern(pool, state.requirements, pool.without(pool.types, this.fleet.ports.get(node) ?? []))
  }
}

/** True when the node has too many of those that the class' rules speak of. Counts never fall, so it stays closed. */
const isClosed = (podClass: PodClass, counts: ReadonlyArray<Int32Array>, node: number): boolean => {
  const { rules } = podClass.hosts
  for (let i = 0; i < rules.length; i++) if (counts[rules[i]!.group]![node]! > rules[i]!.atMost) return true
  return false
}
