/**
 * Where everybody is while nodes are taken away in thought: the room left, who counts where, and a log by which all of it can be taken
 * back, so that a probe costs what it changes.
 */
import { members } from "../bits.ts"
import { DomainChoice } from "../domainChoice.ts"
import type { Membership } from "../groups.ts"
import { portConflict } from "../hostPorts.ts"
import type { Run } from "../runs.ts"
import type { State } from "../states.ts"
import type { Step } from "../steps.ts"
import { attachable } from "../volumeRoom.ts"
import type { World } from "./world.ts"

/** What has been done, to be undone. */
type Entry =
  | { readonly kind: "moved"; readonly pod: number; readonly from: number }
  | { readonly kind: "closed"; readonly node: number }
  | { readonly kind: "passed"; readonly cursors: Int32Array; readonly step: number; readonly before: number }

/** Nowhere: a pod that has been taken off its node. */
export const nowhere = -1

export class Scene {
  readonly world: World
  /** By pod: the node it is on. */
  readonly where: Int32Array
  /** By node and dimension. */
  readonly free: Float64Array
  /** By node: 1 once it takes no pod that is moved. */
  readonly closed: Uint8Array
  /** By group and node, and by group and domain: how many pods there are. */
  readonly host: ReadonlyArray<Int32Array>
  readonly domain: ReadonlyArray<Int32Array>
  /** By node: its pods, of those that can be moved. */
  private readonly on: ReadonlyArray<Array<number>>
  /** By node: changes so far, for who keeps what was worked out. */
  readonly version: Int32Array
  private readonly log: Array<Entry> = []
  private readonly choice: DomainChoice
  private readonly D: number
  /** Nodes in the order in which they are filled. */
  private order: ReadonlyArray<number>
  private lists: Map<Int32Array, Int32Array> = new Map()
  /** By run and step: how many of its nodes take no further pod of it. */
  private cursors: Map<Run, Int32Array> = new Map()

  constructor(world: World) {
    const { model, sites } = world
    this.world = world
    this.D = model.dimensions.size
    this.where = world.home.slice()
    this.free = new Float64Array(sites.length * this.D)
    model.nodes.forEach(({ room }, n) => this.free.set(room, n * this.D))
    this.closed = Uint8Array.from(sites, ({ takesMoved }) => takesMoved ? 0 : 1)
    this.host = model.counts.host.map((ofGroup) => ofGroup.slice())
    this.domain = model.counts.domain.map((ofGroup) => ofGroup.slice())
    this.on = sites.map(() => [])
    this.version = new Int32Array(sites.length)
    this.choice = new DomainChoice(model.topologyKeys.all, this.domain, model.states, false)
    this.order = sites.map((_, n) => n)
    sites.forEach(({ moving }, n) => {
      for (const pod of moving) this.enter(pod, n)
    })
  }

  podsOn(n: number): ReadonlyArray<number> {
    return this.on[n]!
  }

  /** From now on nodes are filled in this order. */
  fillInOrder(order: ReadonlyArray<number>): void {
    this.order = order
    this.lists = new Map()
    this.cursors = new Map()
  }

  /** Where the log stands. */
  mark(): number {
    return this.log.length
  }

  undo(mark: number): void {
    while (this.log.length > mark) {
      const entry = this.log.pop()!
      if (entry.kind === "closed") this.closed[entry.node] = 0
      else if (entry.kind === "passed") entry.cursors[entry.step] = entry.before
      else this.change(entry.pod, entry.from)
    }
  }

  close(node: number): void {
    if (this.closed[node] === 1) return
    this.closed[node] = 1
    this.log.push({ kind: "closed", node })
  }

  /** Puts the pod on the node, from wherever it was; `nowhere` takes it off. */
  move(pod: number, to: number): void {
    this.log.push({ kind: "moved", pod, from: this.where[pod]! })
    this.change(pod, to)
  }

  private change(pod: number, to: number): void {
    const from = this.where[pod]!
    if (from >= 0) this.leave(pod, from)
    this.where[pod] = to
    if (to >= 0) this.enter(pod, to)
  }

  private enter(pod: number, n: number): void {
    this.where[pod] = n
    this.on[n]!.push(pod)
    this.count(pod, n, 1)
  }

  private leave(pod: number, n: number): void {
    const pods = this.on[n]!
    pods.splice(pods.lastIndexOf(pod), 1)
    this.count(pod, n, -1)
  }

  private runOf(pod: number): Run | undefined {
    const { runOf, runs } = this.world.model
    return runs[runOf[pod]!]
  }

  private count(pod: number, n: number, sign: number): void {
    const run = this.runOf(pod)
    this.version[n]!++
    if (run === undefined) return
    const { D, free, world: { model: { dimensions } } } = this
    for (let d = 0; d < D; d++) free[n * D + d]! -= sign * run.request[d]!
    // A claim that others share is counted for each of them: that is never too little.
    for (const { driver } of run.podClass.shared) free[n * D + dimensions.positionOf(attachable(driver))!]! -= sign
    this.countIn(run.podClass.counts, n, sign)
  }

  private countIn({ domain, host }: Membership, n: number, sign: number): void {
    const { groups, nodes } = this.world.model
    for (const group of host) {
      if (groups.host[group]!.filter?.acceptsNode(nodes[n]!) !== false) this.host[group]![n]! += sign
    }
    for (const group of domain) {
      const { key, filter } = groups.domain[group]!
      const at = key.ofNode[n]!
      if (at >= 0 && (filter === undefined || filter.acceptsNode(nodes[n]!))) this.domain[group]![at]! += sign
    }
  }

  /** The pod is on a node to buy, in this state: rules about domains count it there. Stays so. */
  countOnNew(pod: number, state: State): void {
    const { groups } = this.world.model
    for (const group of this.runOf(pod)?.podClass.counts.domain ?? []) {
      const { filter, key, kind } = groups.domain[group]!
      const { bits, sole } = state.reach(key)
      if (filter?.accepts(state) === false) continue
      if (sole >= 0) this.domain[group]![sole]!++
      else if (kind === "anti") for (const at of members(bits)) this.domain[group]![at]!++
    }
  }

  /** The first node in order that takes the pod, with as many of its wishes as can be; `nowhere` where none does. */
  find(pod: number): number {
    const run = this.runOf(pod)
    if (run === undefined || run.podClass.refusal !== undefined) return nowhere
    const { steps } = run.podClass
    let cursors = this.cursors.get(run)
    if (cursors === undefined) this.cursors.set(run, cursors = new Int32Array(steps.length))
    for (let at = 0; at < steps.length; at++) {
      const n = this.findAt(run, steps[at]!, cursors, at)
      if (n >= 0) return n
    }
    return nowhere
  }

  private findAt(run: Run, step: Step, cursors: Int32Array, at: number): number {
    const { closed, D, free } = this
    const { request } = run
    const list = this.listOf(step.nodes)
    const from = cursors[at]!
    let past = true
    if (step.keys.length > 0) this.choice.consider(step.keys)
    for (let i = from; i < list.length; i++) {
      const n = list[i]!
      let d = closed[n] === 1 ? -1 : 0
      while (d >= 0 && d < D && request[d]! <= free[n * D + d]!) d++
      if (d < D) {
        // Room comes back by undoing alone, which takes this back too.
        if (past && i === cursors[at]) cursors[at] = i + 1
        continue
      }
      past = false
      if (this.refuses(run, step, n)) continue
      this.keepCursor(cursors, at, from)
      return n
    }
    this.keepCursor(cursors, at, from)
    return nowhere
  }

  private keepCursor(cursors: Int32Array, step: number, before: number): void {
    if (cursors[step] !== before) this.log.push({ kind: "passed", cursors, step, before })
  }

  private refuses({ podClass }: Run, step: Step, n: number): boolean {
    const { host, world: { model } } = this
    if (step.limits.some(({ atMost, group }) => host[group]![n]! > atMost)) return true
    if (step.keys.length > 0 && !this.choice.allowsNode(n)) return true
    if (step.company.some(({ group }) => host[group]![n] === 0)) return true
    if (podClass.shared.some(({ driver }) => this.free[n * this.D + model.dimensions.positionOf(attachable(driver))!]! < 1)) return true
    return podClass.ports.length > 0 && (portConflict(podClass.ports, model.nodes[n]!.ports) !== undefined ||
      this.on[n]!.some((pod) => portConflict(podClass.ports, this.runOf(pod)?.podClass.ports ?? []) !== undefined))
  }

  /** The nodes of the list in the order in which they are filled. */
  private listOf(nodes: Int32Array): Int32Array {
    let list = this.lists.get(nodes)
    if (list === undefined) {
      const allowed = new Set(nodes)
      this.lists.set(nodes, list = Int32Array.from(this.order.filter((n) => allowed.has(n))))
    }
    return list
  }
}
