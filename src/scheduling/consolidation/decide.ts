/** One decision: the world as it is, the prices of pods in it, and which nodes go. */
import { FirstFit } from "../firstFit.ts"
import { keyOfPod } from "../otherPods.ts"
import type { Budget } from "../problem.ts"
import type { Attempt, Stuck } from "./attempt.ts"
import { Rules } from "./rules.ts"
import { Scene } from "./scene.ts"
import { Search } from "./search.ts"
import { Subproblems } from "./subproblem.ts"
import type { World } from "./world.ts"
import { Worth } from "./worth.ts"

export interface Decision {
  readonly world: World
  readonly worth: Worth
  readonly scene: Scene
  readonly subproblems: Subproblems
  readonly rules: Rules
  readonly attempts: ReadonlyArray<Attempt>
  /** Nodes that no new pods come to but those that wait: they cannot go now. */
  readonly awaited: ReadonlySet<number>
  /** `namespace/name` of pods that wait and have no place, whatever is done. */
  readonly homeless: ReadonlySet<string>
  /** By node that may not go after all: the pod that would have no place. */
  readonly refused: ReadonlyMap<string, string>
  /** Nodes that seem wasteful, in the order in which they should go. */
  readonly choice: ReadonlyArray<number>
  /** By node: what came of taking it away alone, where that was tried and nothing was done since. */
  readonly singles: ReadonlyMap<number, Attempt | Stuck>
  /** Nodes that some attempt took away. */
  readonly tried: ReadonlySet<number>
  /** True when the budget ended the search. */
  readonly isCut: boolean
}

export function* decide(world: World, budget: Budget, refused: ReadonlyMap<string, string>): Generator<void, Decision> {
  const scene = new Scene(world)
  const { awaited, homeless, subproblems } = yield* placePending(world, scene)
  yield
  const worth = yield* Worth.of(world)
  yield
  const rules = new Rules(world, worth)
  const search = new Search(world, scene, subproblems, worth, rules, budget)
  const candidates = world.sites.flatMap(({ candidate }, n) => candidate === undefined || awaited.has(n) || refused.has(candidate.node) ? [] : [n])
  const choice = yield* search.run(candidates)
  const { accepted: attempts, isCut, singles, tried } = search
  return { world, worth, scene, subproblems, rules, attempts, awaited, homeless, refused, choice, singles, tried, isCut }
}

/** Pods that wait go where they would go anyway; the nodes that they go to stay. */
function* placePending(
  world: World, scene: Scene
): Generator<void, Pick<Decision, "awaited" | "homeless" | "subproblems">> {
  const awaited = new Set<number>()
  if (world.pending === 0) return { awaited, homeless: new Set(), subproblems: new Subproblems(scene) }
  const pods = Array.from({ length: world.pending }, (_, pod) => pod)
  const before = new Subproblems(scene)
  // Who waits may go to nodes that take nobody else.
  const { closed } = scene
  const was = closed.slice()
  closed.fill(0)
  const model = before.of(pods, new Set(), [], [])
  const pass = yield* new FirstFit(model, Infinity).running()
  closed.set(was)
  const ordered = before.inOrder(pods)
  for (const [n, own] of pass.placed) {
    awaited.add(n)
    for (const i of own) scene.move(ordered[i]!, n)
  }
  const limits = world.model.limits.map((_, p) => ({ limits: pass.remaining[p], nodeLimit: pass.nodesLeft[p]! }))
  const left = pass.left.flatMap(({ pods: own }) => own.map((i) => world.model.problem.pods[ordered[i]!]!))
  const homeless = new Set([...left, ...world.model.invalid.map(({ pod }) => world.model.problem.pods[pod]!)].map(keyOfPod))
  return { awaited, homeless, subproblems: new Subproblems(scene, limits) }
}
