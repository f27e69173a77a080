/** Looks for nodes to take away: a few of the most wasteful at a time are packed in earnest, and what really saves is kept. */
import type { Budget } from "../problem.ts"
import { negligible } from "../search/packing.ts"
import { InstanceTypeLabel } from "../wellKnown.ts"
import type { Attempt, Stuck } from "./attempt.ts"
import { attempt } from "./attempt.ts"
import { byBargain, byWaste, choose } from "./choose.ts"
import { partsOf, repeated } from "./parts.ts"
import type { Rules } from "./rules.ts"
import type { Scene } from "./scene.ts"
import { nowhere } from "./scene.ts"
import type { Subproblems } from "./subproblem.ts"
import type { World } from "./world.ts"
import type { Worth } from "./worth.ts"

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

/** How often a set is made smaller before it is halved. */
const mostRounds = 3

const without = (nodes: ReadonlyArray<number>, others: ReadonlyArray<number>): ReadonlyArray<number> =>
  nodes.filter((n) => !others.includes(n))

export class Search {
  readonly accepted: Array<Attempt> = []
  readonly singles: Map<number, Attempt | Stuck> = new Map()
  /** Nodes that some attempt took away. */
  readonly tried: Set<number> = new Set()
  private readonly world: World
  private readonly scene: Scene
  private readonly subproblems: Subproblems
  private readonly worth: Worth
  private readonly rules: Rules
  private readonly budget: Budget
  private readonly gone: Array<number> = []
  private steps = 0
  private failures = 0
  /** True when nothing can be added to what has been accepted. */
  private isDone = false
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
    return this.isDone || this.isCut
  }

  /** True when the budget ended the search. */
  get isCut(): boolean {
    return this.steps >= this.budget.steps || this.budget.isSpent?.() === true
  }

  *run(candidates: ReadonlyArray<number>): Generator<void, ReadonlyArray<number>> {
    const { scene, worth } = this
    yield* this.takeEmpty(candidates)
    if (this.isDone) return []
    scene.fillInOrder(byBargain(scene, worth))
    const choice = yield* this.chosen(candidates)
    this.shunned = new Set(choice)
    yield* this.take(choice)
    if (this.accepted.length === 0) yield* this.takeFew(candidates)
    return choice
  }

  /** Who has no pods to move waits for nobody else. */
  private *takeEmpty(candidates: ReadonlyArray<number>): Generator<void> {
    const empty = this.rules.allowed(candidates.filter((n) => this.scene.podsOn(n).length === 0))
    const found = empty.length === 0 ? undefined : yield* this.try(empty)
    if (found === undefined || "stuck" in found) return
    this.accept(found)
    this.isDone = true
  }

  private *chosen(candidates: ReadonlyArray<number>): Generator<void, ReadonlyArray<number>> {
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
  private *takeSet(set: ReadonlyArray<number>): Generator<void> {
    let nodes = set
    for (let round = 0; round < mostRounds && nodes.length > 0; round++) {
      if (this.isOver) return
      const found = yield* this.try(nodes)
      yield
      if ("stuck" in found) {
        nodes = without(nodes, found.stuck)
        continue
      }
      const better = yield* this.trimmed(found)
      if (this.offer(better)) return
      if (better === found) break
      nodes = better.gone
    }
    this.failures++
    if (nodes.length < 2 || this.failures >= patience) return
    const half = Math.ceil(nodes.length / 2)
    yield* this.takeSet(nodes.slice(0, half))
    yield* this.takeSet(nodes.slice(half))
  }

  /** The attempt without nodes that had better stay: that do not pay, or that are only bought again. */
  private *trimmed(found: Attempt): Generator<void, Attempt> {
    let best = found
    for (let round = 0; round < mostRounds && !this.isOver; round++) {
      const paying = this.paying(best)
      const again = paying.length < best.gone.length ? [] : repeated(best, (n) => this.typeOf(n))
      const less = again.length > 0 ? without(best.gone, [again[0]!]) : paying
      if (less.length === 0 || less.length === best.gone.length) break
      const stays = without(best.gone, less)
      const { shunned } = this
      this.shunned = new Set([...shunned].filter((n) => !stays.includes(n)))
      const other = yield* this.try(less)
      yield
      if ("stuck" in other || this.rules.value(other) < this.rules.value(best) - negligible) {
        this.shunned = shunned
        break
      }
      best = other
    }
    return best
  }

  private typeOf(n: number): string {
    const { labels, nodePool = "" } = this.world.sites[n]!.node
    return `${nodePool}/${labels[InstanceTypeLabel] ?? ""}`
  }

  /** `isFinal`: what does not pay as it is is of no use. */
  private *try(nodes: ReadonlyArray<number>, most = stepsAtOnce, isFinal = false): Generator<void, Attempt | Stuck> {
    this.steps++
    for (const n of nodes) this.tried.add(n)
    const pods = nodes.flatMap((n) => this.scene.podsOn(n))
    const ceiling = this.rules.priceOf(nodes)
    return this.rules.settled(yield* attempt(this.scene, this.subproblems, nodes, this.accepted, {
      steps: Math.min(most, stepsAtOnce, 10 + pods.length), ceiling,
      ceilingOfMany: isFinal ? ceiling - this.rules.priceOfMoving(pods) : ceiling, shunned: this.shunned
    }))
  }

  /** The nodes that pay: together with those they share replacements with, and by themselves at what packing came to. */
  private paying(found: Attempt): ReadonlyArray<number> {
    const { rules, worth, world: { sites } } = this
    const rehoused = new Map<number, number>()
    found.pods.forEach((pod, i) => {
      if (found.to[i] === nowhere) rehoused.set(found.from[i]!, (rehoused.get(found.from[i]!) ?? 0) + worth.ofPod(pod))
    })
    const paying = new Set(partsOf(found).flatMap(({ cost, nodes, pods }) => {
      if (rules.priceOf(nodes) - cost - rules.leastPriceOfMoving(pods) <= negligible) return []
      const overhead = cost / nodes.reduce((sum, n) => sum + (rehoused.get(n) ?? 0), 0)
      const good = nodes.filter((n) => !rehoused.has(n) ||
        sites[n]!.candidate!.hourlyPrice - rules.priceOfMoving(sites[n]!.moving) > overhead * rehoused.get(n)!)
      return good.length === 0 ? nodes : good
    }))
    return found.gone.filter((n) => paying.has(n))
  }

  /** True where further attempts would have to know more of the new nodes than is told to them. */
  private leavesOpen({ launches, model, pods, to }: Attempt): boolean {
    if (launches.length === 0) return false
    return model.reservations.size > 0 || pods.some((_, i) => to[i] === nowhere &&
      model.runs[model.runOf[i]!]!.podClass.steps.some(({ company }) => company.length > 0))
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
    for (const { node } of found.launches) for (const i of node.pods) this.scene.countOnNew(found.pods[i]!, node.state)
    this.isDone = this.leavesOpen(found)
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
    const hopes = hopeful.filter((n) => rules.allows([n]))
    const first = new Set(hopes)
    const others = byWaste(scene, worth, candidates, 1).filter((n) => !first.has(n) && rules.allows([n]))
    let best = yield* this.best([...hopes, ...others].map((n) => [n]), enough, (n) => first.has(n) ? Infinity : few)
    for (let size = 2; best === undefined && size <= hopes.length && size <= nodesAtOnce; size *= 2) {
      const sets: Array<ReadonlyArray<number>> = []
      for (let from = 0; from + size <= hopes.length && sets.length < patience; from += size >> 1) {
        sets.push(hopes.slice(from, from + size))
      }
      best = yield* this.best(sets.filter((set) => rules.allows(set)), Infinity, () => Infinity)
    }
    if (best === undefined) return
    const better = yield* this.trimmed(best)
    this.singles.clear()
    this.accept(rules.accepts(better) ? better : best)
  }

  /** The best of the sets; looks no further once so many are good. */
  private *best(
    sets: ReadonlyArray<ReadonlyArray<number>>, most: number, steps: (n: number) => number
  ): Generator<void, Attempt | undefined> {
    const { rules } = this
    let best: Attempt | undefined
    let good = 0
    for (const set of sets) {
      if (this.isOver || good >= most) break
      const found = yield* this.try(set, steps(set[0]!), true)
      if (set.length === 1) this.singles.set(set[0]!, found)
      yield
      if ("stuck" in found || !rules.accepts(found)) continue
      good++
      if (best === undefined || rules.value(found) > rules.value(best) + negligible) best = found
    }
    return best
  }
}
