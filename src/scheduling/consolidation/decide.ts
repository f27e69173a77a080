/** One decision: chooses nodes that seem wasteful, packs their pods a few nodes at a time, and keeps what really saves. */
import { FirstFit } from "../firstFit.ts"
import type { Budget } from "../problem.ts"
import type { Attempt, Stuck } from "./attempt.ts"
import { attempt } from "./attempt.ts"
import type { Choice } from "./choose.ts"
import { byBargain, byWaste, choose } from "./choose.ts"
import { negligible } from "../search/packing.ts"
import { Rules } from "./rules.ts"
import { nowhere, Scene } from "./scene.ts"
import { Subproblems } from "./subproblem.ts"
import type { World } from "./world.ts"
import { Worth } from "./worth.ts"

/** As Karpenter: more nodes are not taken away at once. */
const mostNodes = 100

/** What is packed at once, so that it takes milliseconds. */
const nodesAtOnce = 24
const podsAtOnce = 400

/** Steps of the search for cheaper nodes: for many pods, and for a node that seems to be worth its price. */
const stepsAtOnce = 200
const few = 4

/** What packing costs beyond pouring before any was done, and the least that it can be. */
const firstOverhead = 1.04
const leastOverhead = 1.01

/** Of so many single nodes that pay the best is taken. */
const enough = 8

/** How many attempts may fail before the search gives up. */
const patience = 40

export interface Decision {
  readonly world: World
  readonly worth: Worth
  readonly scene: Scene
  readonly subproblems: Subproblems
  readonly rules: Rules
  readonly attempts: ReadonlyArray<Attempt>
  /** Nodes that no new pods come to but those that wait: they cannot go now. */
  readonly awaited: ReadonlySet<number>
  readonly choice: Choice
  /** By node: what came of taking it away alone, where that was tried and nothing was done since. */
  readonly singles: ReadonlyMap<number, Attempt | Stuck>
  /** True when the budget ended the search. */
  readonly isCut: boolean
}

export function* decide(world: World, budget: Budget): Generator<void, Decision> {
  const scene = new Scene(world)
  const { awaited, subproblems } = placePending(world, scene)
  yield
  const worth = new Worth(world)
  yield
  const rules = new Rules(world, worth)
  const search = new Search(world, scene, subproblems, worth, rules, budget)
  const candidates = world.sites.flatMap(({ candidate }, n) => candidate === undefined || awaited.has(n) ? [] : [n])
  const choice = yield* search.run(candidates)
  return { world, worth, scene, subproblems, rules, attempts: search.accepted, awaited, choice, singles: search.singles, isCut: search.isOver }
}

/** Pods that wait go where they would go anyway; the nodes that they go to stay. */
const placePending = (world: World, scene: Scene): { readonly awaited: ReadonlySet<number>; readonly subproblems: Subproblems } => {
  const awaited = new Set<number>()
  if (world.pending === 0) return { awaited, subproblems: new Subproblems(scene) }
  const pods = Array.from({ length: world.pending }, (_, pod) => pod)
  const before = new Subproblems(scene)
  // Who waits may go to nodes that take nobody else.
  const { closed } = scene
  const was = closed.slice()
  closed.fill(0)
  const model = before.of(pods, () => true, [])
  const pass = new FirstFit(model, Infinity).run()
  closed.set(was)
  const ordered = before.inOrder(pods)
  for (const [n, own] of pass.placed) {
    awaited.add(n)
    for (const i of own) scene.move(ordered[i]!, n)
  }
  const limits = world.model.limits.map((_, p) => ({ limits: pass.remaining[p], nodeLimit: pass.nodesLeft[p]! }))
  return { awaited, subproblems: new Subproblems(scene, limits) }
}

class Search {
  readonly accepted: Array<Attempt> = []
  readonly singles: Map<number, Attempt | Stuck> = new Map()
  private readonly world: World
  private readonly scene: Scene
  private readonly subproblems: Subproblems
  private readonly worth: Worth
  private readonly rules: Rules
  private readonly budget: Budget
  private readonly gone: Array<number> = []
  private steps = 0
  private failures = 0
  private overhead = firstOverhead
  /** Nodes that seem wasteful: better not filled. */
  private shunned: ReadonlySet<number> = new Set()

  constructor(world: World, scene: Scene, subproblems: Subproblems, worth: Worth, rules: Rules, budget: Budget) {
    this.world = world
    this.scene = scene
    this.subproblems = subproblems
    this.worth = worth
    this.rules = rules
    this.budget = budget
  }

  get isOver(): boolean {
    return this.steps >= this.budget.steps || this.budget.isSpent?.() === true
  }

  *run(candidates: ReadonlyArray<number>): Generator<void, Choice> {
    const { scene, worth } = this
    scene.fillInOrder(byBargain(scene, worth))
    const choice = yield* this.chosen(candidates)
    this.shunned = new Set(choice.nodes)
    yield* this.take(choice.nodes)
    if (this.accepted.length === 0) yield* this.takeFew(candidates)
    return choice
  }

  private *chosen(candidates: ReadonlyArray<number>): Generator<void, Choice> {
    const { overhead, rules, scene, worth } = this
    const mark = scene.mark()
    const choice = yield* choose(scene, worth, byWaste(scene, worth, candidates, overhead), {
      overhead, priceOfMoving: (pods) => rules.priceOfMoving(pods), deletesOnly: (n) => rules.deletesOnly(n)
    })
    scene.undo(mark)
    return choice
  }

  /** In order, a few nodes at a time, as far as budgets go. */
  private *take(nodes: ReadonlyArray<number>): Generator<void> {
    const waiting = [...nodes]
    while (waiting.length > 0 && this.gone.length < mostNodes && !this.isOver && this.failures < patience) {
      const set: Array<number> = []
      const later: Array<number> = []
      let pods = 0
      while (waiting.length > 0 && set.length < nodesAtOnce && pods < podsAtOnce && this.gone.length + set.length < mostNodes) {
        const n = waiting.shift()!
        if (!this.rules.allows([...this.gone, ...set, n])) continue
        set.push(n)
        pods += this.world.sites[n]!.moving.length
      }
      waiting.unshift(...later)
      if (set.length > 0) yield* this.takeSet(set)
    }
  }

  /** Takes the set, or what of it pays; halves it where nothing does. */
  private *takeSet(set: ReadonlyArray<number>): Generator<void, boolean> {
    let nodes = set
    for (let round = 0; round < 3 && nodes.length > 0; round++) {
      if (this.isOver) return false
      const found = this.try(nodes)
      yield
      if ("stuck" in found) {
        const stuck = new Set(found.stuck)
        nodes = nodes.filter((n) => !stuck.has(n))
        continue
      }
      const paying = this.paying(found)
      if (paying.length === nodes.length || paying.length === 0) {
        if (this.offer(found)) return true
        break
      }
      const less = this.try(paying)
      yield
      const best = "stuck" in less || this.rules.value(less) < this.rules.value(found) ? found : less
      if (this.offer(best)) return true
      nodes = paying
    }
    this.failures++
    if (nodes.length < 2 || this.failures >= patience) return false
    const half = Math.ceil(nodes.length / 2)
    const first = yield* this.takeSet(nodes.slice(0, half))
    const second = yield* this.takeSet(nodes.slice(half))
    return first || second
  }

  private try(nodes: ReadonlyArray<number>, most = stepsAtOnce): Attempt | Stuck {
    this.steps++
    const pods = nodes.reduce((sum, n) => sum + this.scene.podsOn(n).length, 0)
    return attempt(this.scene, this.subproblems, nodes, this.gone, {
      steps: Math.min(most, stepsAtOnce, 10 + pods), ceiling: this.rules.priceOf(nodes), shuns: (n) => this.shunned.has(n)
    })
  }

  /** The nodes of which the pods that had to be housed anew cost less than they do, at what packing them came to. */
  private paying(found: Attempt): ReadonlyArray<number> {
    const { world: { home, sites }, worth } = this
    const rehoused = new Map<number, number>()
    let total = 0
    found.pods.forEach((pod, i) => {
      if (found.to[i] !== nowhere) return
      const value = worth.ofPod(pod)
      total += value
      rehoused.set(home[pod]!, (rehoused.get(home[pod]!) ?? 0) + value)
    })
    if (total === 0) return found.gone
    const overhead = found.cost / total
    return found.gone.filter((n) => {
      const { candidate, moving } = sites[n]!
      return candidate!.hourlyPrice - this.rules.priceOfMoving(moving) > overhead * (rehoused.get(n) ?? 0)
    })
  }

  private offer(found: Attempt): boolean {
    if (!this.rules.accepts(found)) return false
    this.accept(found)
    return true
  }

  private accept(found: Attempt): void {
    this.accepted.push(found)
    this.gone.push(...found.gone)
    for (const n of found.gone) this.scene.close(n)
    found.pods.forEach((pod, i) => this.scene.move(pod, found.to[i]!))
    const bought = found.pods.reduce((sum, pod, i) => sum + (found.to[i] === nowhere ? this.worth.ofPod(pod) : 0), 0)
    if (bought > 0) this.overhead = Math.max(leastOverhead, found.cost / bought)
  }

  /** Where sets in order do not pay: single nodes and small sets of the most wasteful, packed in earnest. */
  private *takeFew(candidates: ReadonlyArray<number>): Generator<void> {
    const { rules, scene, worth } = this
    const mark = scene.mark()
    const hopeful = yield* choose(scene, worth, byWaste(scene, worth, candidates, 1), {
      overhead: 1, priceOfMoving: (pods) => rules.leastPriceOfMoving(pods), deletesOnly: (n) => rules.deletesOnly(n)
    })
    scene.undo(mark)
    this.shunned = new Set()
    const hopes = hopeful.nodes.filter((n) => rules.allows([n]))
    let best: Attempt | undefined
    const consider = (found: Attempt | Stuck): boolean => {
      if ("stuck" in found || !rules.accepts(found)) return false
      if (best === undefined || rules.value(found) > rules.value(best) + negligible) best = found
      return true
    }
    let good = 0
    const first = new Set(hopes)
    for (const n of [...hopes, ...byWaste(scene, worth, candidates, 1).filter((one) => !first.has(one) && rules.allows([one]))]) {
      if (this.isOver || good >= enough) break
      const found = this.try([n], first.has(n) ? Infinity : few)
      this.singles.set(n, found)
      if (consider(found)) good++
      yield
    }
    for (let size = 2; size <= hopes.length && size <= nodesAtOnce && best === undefined; size *= 2) {
      for (let from = 0, tries = 0; from + size <= hopes.length && tries < patience && !this.isOver; from += size >> 1, tries++) {
        const set = hopes.slice(from, from + size)
        if (rules.allows(set)) consider(this.try(set))
        yield
      }
    }
    if (best === undefined) return
    this.singles.clear()
    this.accept(best)
  }
}
