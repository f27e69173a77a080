/** Takes a set of nodes away in thought: the packer says where their pods go and what has to be bought for them. */
import { FirstFit } from "../firstFit.ts"
import { lowerBound } from "../lowerBound.ts"
import type { Model } from "../model.ts"
import { negligible } from "../search/packing.ts"
import { searching } from "../search/search.ts"
import type { PackedNode } from "../packing.ts"
import { holds } from "../states.ts"
import type { Launch } from "./launch.ts"
import { launchOf } from "./launch.ts"
import type { Scene } from "./scene.ts"
import { nowhere } from "./scene.ts"
import type { Subproblems } from "./subproblem.ts"

/** Every pod has a place, and every replacement a launch. */
export interface Attempt {
  /** Positions of the nodes that go. */
  readonly gone: ReadonlyArray<number>
  /** By position in the model: pods of the world. */
  readonly pods: ReadonlyArray<number>
  readonly model: Model
  /** By pod, like `pods`: the node it leaves. */
  readonly from: Int32Array
  /** By pod, like `pods`: the node that is there; `nowhere` for those on new ones. */
  readonly to: Int32Array
  readonly launches: ReadonlyArray<Launch>
  /** In US dollars an hour: of the replacements, at worst. */
  readonly cost: number
}

/** The nodes of which some pod has no place. */
export interface Stuck {
  readonly stuck: ReadonlyArray<number>
  readonly model: Model
  readonly pass: FirstFit
}

export interface Effort {
  /** Steps of the search for cheaper nodes. */
  readonly steps: number
  /** In US dollars an hour: one replacement is of use if it costs less. */
  readonly ceiling: number
  /** The same of several. */
  readonly ceilingOfMany: number
  /** Nodes that pods had better not go to. */
  readonly shunned: ReadonlySet<number>
}

/** Steps where nothing cheap enough can be: enough to tell how close it comes. */
const hopeless = 1

/** `done` are the attempts that count as carried out. Leaves the scene as it was; nobody may change it meanwhile. */
export function* attempt(
  scene: Scene, subproblems: Subproblems, nodes: ReadonlyArray<number>, done: ReadonlyArray<Attempt>, effort: Effort
): Generator<void, Attempt | Stuck> {
  const mark = scene.mark()
  const from = new Map<number, number>()
  for (const n of nodes) {
    scene.close(n)
    for (const pod of scene.podsOn(n)) from.set(pod, n)
  }
  for (const pod of from.keys()) scene.move(pod, nowhere)
  const found = yield* solving(subproblems, nodes, from, done, effort)
  scene.undo(mark)
  return found
}

/** Pods that are packed without others having their turn in between. */
const podsAtOnce = 50

function* solving(
  subproblems: Subproblems, nodes: ReadonlyArray<number>, from: ReadonlyMap<number, number>, done: ReadonlyArray<Attempt>,
  { ceiling, ceilingOfMany, shunned, steps }: Effort
): Generator<void, Attempt | Stuck> {
  const ordered = subproblems.inOrder([...from.keys()])
  const gone = [...done.flatMap((one) => one.gone), ...nodes]
  const bought = done.flatMap(({ launches }) => launches)
  const isLong = ordered.length > podsAtOnce
  const nodesOf = (pods: ReadonlyArray<number>): ReadonlyArray<number> => [...new Set(pods.map((i) => from.get(ordered[i]!)!))]
  let model = subproblems.of(ordered, shunned, gone, bought)
  let pass = yield* new FirstFit(model, Infinity).running()
  if (pass.unplaced > 0 && shunned.size > 0) {
    model = subproblems.of(ordered, new Set(), gone, bought)
    pass = yield* new FirstFit(model, Infinity).running()
  }
  if (isLong) yield
  if (pass.unplaced > 0 || model.runOf.includes(-1)) {
    const left = [...pass.left.flatMap(({ pods: own }) => own), ...ordered.map((_, i) => i).filter((i) => model.runOf[i] === -1)]
    return { stuck: nodesOf(left), model, pass }
  }
  const first = pass.packed()
  const bound = lowerBound(model, first)
  if (isLong) yield
  const isUseful = bound < ceilingOfMany - negligible || isHeldBelow(model, first, ceiling - negligible)
  const packed = yield* searching(model, pass, first, { steps: isUseful ? steps : Math.min(steps, hopeless) }, bound)
  if (isLong) yield
  const launches: Array<Launch> = []
  for (const node of packed) {
    const launch = launchOf(model, node)
    if (launch === undefined) {
      return { stuck: nodesOf(node.pods), model, pass }
    }
    launches.push(launch)
  }
  const to = new Int32Array(ordered.length).fill(nowhere)
  for (const [n, own] of pass.placed) for (const i of own) to[i] = n
  const left = Int32Array.from(ordered, (pod) => from.get(pod)!)
  return { gone: nodes, pods: ordered, model, from: left, to, launches, cost: launches.reduce((sum, { price }) => sum + price, 0) }
}

/** Whether a type that costs less has room for all pods of these nodes. */
const isHeldBelow = ({ dimensions: { size: D }, pools, states }: Model, nodes: ReadonlyArray<PackedNode>, ceiling: number): boolean => {
  const sum = new Float64Array(D)
  for (const { used } of nodes) for (let d = 0; d < D; d++) sum[d]! += used[d]!
  return pools.some((pool) => {
    const { offerings, order } = states.empty(pool)
    return order.some((type, at) => offerings[at]!.price < ceiling && holds(pool.room, type * D, sum, 0, D))
  })
}
