/** First-fit in several ways, and the best of what comes of them. */
import { ceilings } from "./ceilings.ts"
import { CPU, MEMORY } from "./dimensions.ts"
import type { Variation } from "./firstFit.ts"
import { FirstFit } from "./firstFit.ts"
import type { Model } from "./model.ts"
import type { PackedNode } from "./packing.ts"
import type { Budget } from "./problem.ts"
import type { Run } from "./runs.ts"
import { compareRoom, oneByOne } from "./runs.ts"
import { isMovable } from "./search/movable.ts"
import { negligible } from "./search/packing.ts"
import { Random } from "./search/random.ts"
import { nodePriceOf } from "./search/task.ts"

/** So many are placed again in no time, in whatever order. */
const fewPods = 2000

/** So few are placed again several times, as different outcomes of chance have it: two times by rule, then by chance. */
const luckyPods = 400

/** The fewer pods there are, the oftener they are placed again: so many pods altogether, so many times at most. */
const luckyWork = 4000
const luckyTries = 30

/**
 * Plain first-fit, or first-fit done otherwise where that is better. Other ways are tried where the search cannot help: where pods are
 * left out, where nodes that are there take pods, where nodes have to stay as they are, and where pods have to stay in their domains;
 * and where there are so few pods that it takes no time. Nobody may be left out instead of somebody smaller, but where every pod comes
 * in Karpenter's turn and less is left out altogether.
 */
export const bestPass = function*(
  model: Model, plain: FirstFit, nodes: ReadonlyArray<PackedNode>, budget: Budget
): Generator<void, FirstFit> {
  const isStuck = plain.unplaced > 0 || nodes.some((node) => !isMovable(model, plain, node))
  const nodePrice = nodePriceOf(model.problem)
  const inTurn = [plain]
  let best = plain
  for (const { variation, ceiling = Infinity, isInTurn = false } of otherWays(model, plain, isStuck)) {
    const other = yield* new FirstFit(model, ceiling, variation).running()
    if (isInTurn && isLess(other, plain)) inTurn.push(other)
    if (isBetter(other, best, nodePrice) && inTurn.some((pass) => isFair(other, pass)) &&
      (leavesLess(other, plain) > 0 || isNoWorse(model, other, plain))) best = other
    if (budget.isSpent?.() === true) break
  }
  return best
}

/** Another way to place the same pods. */
interface Way {
  readonly variation?: Variation
  readonly ceiling?: number
  /** True when it is one in which Karpenter could have placed them. */
  readonly isInTurn?: boolean
}

const otherWays = function*(model: Model, plain: FirstFit, isStuck: boolean): Generator<Way> {
  const { problem: { pods }, runs, topologyKeys } = model
  // Whoever found others in the place that it needed may find it when its turn comes before theirs.
  if (plain.unplaced > 0) {
    const waiting = new Set(plain.left.map(({ run }) => run))
    yield { variation: { runs: [...waiting, ...runs.filter((run) => !waiting.has(run))] } }
  }
  const tries = topologyKeys.all.length > 0 && pods.length <= luckyPods ? Math.min(luckyTries, Math.floor(luckyWork / pods.length))
    : pods.length <= (isStuck || plain.placed.size > 0 ? fewPods : luckyPods) ? 2 : 0
  const queue = tries > 0 ? oneByOne(pods, runs, model.runOf) : runs
  for (let n = 0; n < tries; n++) {
    const chance = n < 2 ? undefined : new Random(n * 0x9e3779b1)
    const thrifty = n % 2 === 1
    yield { variation: { runs: queue, exact: true, thrifty, chance }, isInTurn: !thrifty }
  }
  // Pods that care little about domains may make them uneven for those that care more, who so come first.
  const skews = new Map(queue.map((run) => [run, skewOf(run)]))
  if (tries > 0 && new Set(skews.values()).size > 1) {
    const strictest = [...queue].sort((a, b) => skews.get(a)! - skews.get(b)!)
    for (const thrifty of [false, true]) yield { variation: { runs: strictest, exact: true, thrifty } }
  }
  if (isStuck) for (const ceiling of ceilings(model)) yield { ceiling }
}

/** How uneven the pods of the run may make domains at most, at the first step of their ladder. */
const skewOf = ({ podClass: { steps } }: Run): number => {
  const rules = steps[0]?.keys.flatMap((key) => key.rules) ?? []
  return rules.reduce((least, { kind, maxSkew }) => kind === "spread" ? Math.min(least, maxSkew) : least, Number.MAX_SAFE_INTEGER)
}

const isBetter = (a: FirstFit, b: FirstFit, nodePrice: number): boolean => {
  const less = leavesLess(a, b)
  if (less !== 0) return less > 0
  const saved = b.hourlyPrice - a.hourlyPrice + (b.fleet.size - a.fleet.size) * nodePrice
  return Math.abs(saved) > negligible ? saved > 0 : a.fleet.size < b.fleet.size
}

/** Above 0 when the first leaves fewer pods out than the second, or as many and smaller ones; below 0 when it is the other way round. */
const leavesLess = (a: FirstFit, b: FirstFit): number => {
  if (a.unplaced !== b.unplaced) return b.unplaced - a.unplaced
  const others = leftOf(b)
  return leftOf(a).map((request, i) => compareRoom(request, others[i]!)).find((order) => order !== 0) ?? 0
}

/** Whoever is left out gives way to another that the second leaves out, as big or bigger. */
const isFair = (a: FirstFit, b: FirstFit): boolean => {
  const others = leftOf(b)
  return leftOf(a).every((request, i) => others[i] !== undefined && compareRoom(request, others[i]) >= 0)
}

/** Neither more CPU nor more memory is asked for in vain. */
const isLess = (a: FirstFit, b: FirstFit): boolean => {
  const sum = (pass: FirstFit, d: number): number => leftOf(pass).reduce((all, request) => all + request[d]!, 0)
  return [CPU, MEMORY].every((d) => sum(a, d) <= sum(b, d))
}

/** The requests of the pods left out, the biggest first. */
const leftOf = ({ left }: FirstFit): ReadonlyArray<Float64Array> =>
  left.flatMap(({ run, pods }) => pods.map(() => run.request)).sort(compareRoom)

/** It costs no more by the hour, gives up no more wishes and moves no pods to lighter NodePools. */
const isNoWorse = (model: Model, a: FirstFit, plain: FirstFit): boolean =>
  a.hourlyPrice <= plain.hourlyPrice + negligible && a.givenUp <= plain.givenUp &&
  model.pools.every(({ weight }) => a.podsBelow(weight) <= plain.podsBelow(weight))
