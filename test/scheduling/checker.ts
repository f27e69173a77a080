/**
 * Judges a plan by Kubernetes' rules alone: it knows what a node and a pod are, not how a scheduler packs. Everything here is
 * written anew, from the documentation, so that it shares no mistake with what it checks. A node to buy must be right whatever it
 * turns out to be: in each of its types, zones and capacity types.
 */
import type { Plan, Problem } from "../../src/scheduling/index.ts"
import { affinityViolations } from "./checker/affinity.ts"
import { antiAffinityObjections } from "./checker/antiAffinity.ts"
import { fitObjections } from "./checker/fit.ts"
import { leftOutViolations } from "./checker/leftOut.ts"
import { newNodeViolations } from "./checker/newNodes.ts"
import { orderViolations } from "./checker/order.ts"
import { spreadViolations } from "./checker/spread.ts"
import { volumeObjections } from "./checker/volumes.ts"
import type { World } from "./checker/world.ts"
import { keyOf, worldOf } from "./checker/world.ts"

/** Every pod of the problem is in one place, and nobody else is anywhere. */
const placeViolations = (problem: Problem, plan: Plan): ReadonlyArray<string> => {
  const places = new Map<string, number>()
  const refs = [
    ...plan.newNodes.flatMap(({ pods }) => pods), ...plan.existingNodes.flatMap(({ pods }) => pods),
    ...plan.unschedulable.map(({ pod }) => pod)
  ]
  for (const ref of refs) places.set(keyOf(ref), (places.get(keyOf(ref)) ?? 0) + 1)
  const keys = problem.pods.map(({ metadata }) => keyOf(metadata))
  const known = new Set(keys)
  const nodes = new Set(problem.nodes.map(({ name }) => name))
  return [
    ...keys.filter((key) => places.get(key) !== 1).map((key) => `${key} is in ${places.get(key) ?? 0} places`),
    ...[...places.keys()].filter((key) => !known.has(key)).map((key) => `${key} is a pod that the problem has not`),
    ...plan.existingNodes.filter(({ name }) => !nodes.has(name)).map(({ name }) => `${name} is a node that the problem has not`)
  ]
}

const placementViolations = (world: World): ReadonlyArray<string> => world.spots.flatMap((spot) => [
  ...fitObjections(spot), ...volumeObjections(world.problem, spot),
  ...spot.placed.flatMap((pod) => antiAffinityObjections(world, spot, pod))
])

/** Everything that is wrong with the plan, in sentences. */
export const violations = (problem: Problem, plan: Plan): ReadonlyArray<string> => {
  const world = worldOf(problem, plan)
  return [
    ...placeViolations(problem, plan), ...newNodeViolations(world, plan), ...placementViolations(world),
    ...affinityViolations(world), ...spreadViolations(world), ...leftOutViolations(world, plan), ...orderViolations(world)
  ]
}
