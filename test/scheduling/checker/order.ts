/** First the nodes that are there, the ready ones before those on their way, then new ones of the heaviest NodePool. */
import type { ExistingNode, Pod } from "../../../src/scheduling/index.ts"
import { untolerated } from "./labels.ts"
import { objectionsTo } from "./leftOut.ts"
import { constraintsOf } from "./peers.ts"
import type { Spot, World } from "./world.ts"
import { freshSpots } from "./world.ts"

/** Whether all that decides about the pod only ever gets harder while others come, and it has no wishes. */
const isPlain = (world: World, pod: Pod): boolean => {
  const { nodeAffinity, podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  const terms = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  return terms.length < 2 && podAffinity === undefined && constraintsOf(world.problem, pod).length === 0 &&
    (pod.spec.volumes ?? []).length === 0 &&
    (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).length === 0 &&
    (podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).length === 0
}

const comesFirst = (a: ExistingNode, b: ExistingNode): boolean =>
  a.initialized !== b.initialized ? a.initialized : a.name < b.name

const withoutPod = (world: World, spot: Spot, pod: Pod): World => {
  const rest = { ...spot, placed: spot.placed.filter((one) => one !== pod) }
  return { ...world, spots: world.spots.map((other) => other === spot ? rest : other) }
}

/** Plain pods that are on a node though one that is tried before it could take them still. */
const earlierViolations = (world: World): ReadonlyArray<string> => world.spots.flatMap((spot) => {
  const own = world.problem.nodes.find((node) => spot.made === undefined && node.name === spot.name)
  const earlier = world.problem.nodes.filter((node) => own === undefined || comesFirst(node, own))
  return spot.placed.filter((pod) => isPlain(world, pod)).flatMap((pod) => {
    const without = withoutPod(world, spot, pod)
    const free = without.spots.find((other) => other.made === undefined && earlier.some(({ name }) => name === other.name) &&
      untolerated(pod.spec, other.taints).length === 0 && objectionsTo(without, other, pod).length === 0)
    return free === undefined ? [] : [`${pod.metadata.name} is on ${spot.name}, ${free.name} comes first`]
  })
})

/** Nodes of lighter NodePools none of whose pods needs them. Not judged where a heavier one has limits or minValues. */
const weightViolations = (world: World): ReadonlyArray<string> => world.spots.flatMap((own) => {
  const { made, placed } = own
  if (made === undefined) return []
  const weightOf = (name: string): number =>
    world.problem.nodePools.find(({ metadata }) => metadata.name === name)?.spec.weight ?? 0
  const heavier = world.problem.nodePools.filter(({ metadata }) => weightOf(metadata.name) > weightOf(made.nodePool))
  const isAsked = heavier.every(({ spec }) => spec.limits === undefined &&
    spec.template.spec.requirements.every(({ minValues, operator }) => minValues === undefined && operator !== "Exists"))
  if (!isAsked || !placed.every((pod) => isPlain(world, pod))) return []
  const fresh = heavier.flatMap((pool) => freshSpots(world.problem, pool))
  const couldBeElsewhere = (pod: Pod): boolean => fresh.some((spot) =>
    untolerated(pod.spec, spot.taints).length === 0 &&
    objectionsTo(withoutPod(world, own, pod), spot, pod).length === 0)
  return placed.length > 0 && placed.every(couldBeElsewhere)
    ? [`${made.name} holds only pods that a heavier NodePool could take`] : []
})

export const orderViolations = (world: World): ReadonlyArray<string> => [...earlierViolations(world), ...weightViolations(world)]
