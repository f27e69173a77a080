/** Spread constraints that must hold. */
import type { NodePool, Pod, Problem, SpreadConstraint } from "../../../src/scheduling/index.ts"
import { attracted, hostnameKey, meets, onlyAbout, readings, stableKey, tolerated } from "./labels.ts"
import { constraintsOf, meantBySpread } from "./peers.ts"
import type { Face, Spot, World } from "./world.ts"
import { facesOf, freshSpots, isStaying, valueOf, valuesOf } from "./world.ts"

/** Which domains there are besides those of the nodes: those a pod can open now, or all that anybody could think of. */
export type Horizon = "reachable" | "thinkable"

const hard = (world: World, pod: Pod): ReadonlyArray<SpreadConstraint> =>
  constraintsOf(world.problem, pod).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === "DoNotSchedule")

const passes = (pod: Pod, constraint: SpreadConstraint, spot: Spot, face: Face): boolean => {
  const seen = constraint.nodeAffinityPolicy === "Ignore" ? onlyAbout(pod.spec, constraint.topologyKey) : pod.spec
  return attracted(seen, face.labels) && (constraint.nodeTaintsPolicy !== "Honor" || tolerated(pod.spec, spot.taints))
}

/** What a NodePool and its types say about a label, whether it is to be had or not. */
const thinkable = (problem: Problem, pool: NodePool, key: string): ReadonlyArray<string> => {
  const { requirements } = pool.spec.template.spec
  const about = requirements.filter((item) => stableKey(item.key) === stableKey(key))
  const fixed = pool.spec.template.metadata?.labels?.[key]
  const types = problem.instanceTypes[pool.metadata.name] ?? []
  const offered = types.flatMap((type) => facesOf(problem, "", {
    ...type, offerings: type.offerings.map((offering) => ({ ...offering, available: true, reservationCapacity: 1 }))
  }, [], pool.spec.template.metadata?.labels ?? {}, [])).flatMap((face) => face.labels[stableKey(key)] ?? [])
  const named = about.flatMap((item) => item.operator === "In" ? item.values ?? [] : [])
  return [...named, ...(fixed === undefined ? [] : [fixed]), ...offered]
    .filter((value) => about.every((item) => meets(item, { [stableKey(key)]: value })))
}

/** A value that a node to buy gets only because it must have some: nobody counts on it as a domain. */
const isMadeUp = ({ nodePools }: Problem, { made }: Spot, key: string): boolean => {
  if (made?.labels[key] === undefined) return false
  const pool = nodePools.find(({ metadata }) => metadata.name === made.nodePool)
  const isFixed = pool?.spec.template.metadata?.labels?.[key] !== undefined
  return !isFixed && made.requirements.every((item) => item.key !== key || item.operator !== "In")
}

interface Domains {
  /** How many pods that the constraint means a domain has, read in favour of who is asked about. */
  readonly counts: Map<string, number>
  /** The fewest, read the same way; 0 where there are fewer domains than there must be. */
  readonly least: number
}

/** Whether a pod is counted for certain: on a node to buy only if it asks the same of its node, or nothing is asked. */
const isSure = (pod: Pod, constraint: SpreadConstraint, spot: Spot, person: Pod): boolean => {
  const asks = ({ spec }: Pod): string => JSON.stringify([spec.nodeSelector, spec.affinity?.nodeAffinity])
  return spot.made === undefined || constraint.nodeAffinityPolicy === "Ignore" || asks(pod) === asks(person) ||
    (pod.spec.nodeSelector === undefined && pod.spec.affinity?.nodeAffinity === undefined)
}

/**
 * Which pods a node to buy is going to count depends on what it turns out to be. For a pod that is placed the doubtful ones count
 * where there are fewest, and not where it is; for a pod that is left out it is the other way round.
 */
const domainsFor = (world: World, pod: Pod, constraint: SpreadConstraint, horizon: Horizon): Domains => {
  const { topologyKey: key, minDomains = 1 } = constraint
  const means = meantBySpread(pod, constraint)
  const sure = new Map<string, number>()
  const perhaps = new Map<string, number>()
  for (const spot of world.spots) {
    const value = valueOf(spot, key)
    const passing = spot.faces.filter((face) => passes(pod, constraint, spot, face)).length
    if (value === undefined || isMadeUp(world.problem, spot, key) || passing === 0) continue
    const people = [...spot.running.filter(isStaying), ...spot.placed].filter(means)
    perhaps.set(value, (perhaps.get(value) ?? 0) + people.length)
    const certain = passing < spot.faces.length ? [] : people.filter((person) => isSure(pod, constraint, spot, person))
    sure.set(value, (sure.get(value) ?? 0) + certain.length)
  }
  const about = onlyAbout(pod.spec, key)
  for (const pool of world.problem.nodePools) {
    const open = horizon === "thinkable"
      ? thinkable(world.problem, pool, key).filter((value) => attracted(about, { [stableKey(key)]: value }))
      : freshSpots(world.problem, pool)
        .filter((spot) => attracted(pod.spec, spot.faces[0]!.labels) && tolerated(pod.spec, spot.taints))
        .flatMap((spot) => valueOf(spot, key) ?? [])
    for (const value of open) {
      perhaps.set(value, perhaps.get(value) ?? 0)
      sure.set(value, sure.get(value) ?? 0)
    }
  }
  const [counts, others] = horizon === "thinkable" ? [perhaps, sure] : [sure, perhaps]
  const isHost = stableKey(key) === hostnameKey
  return { counts, least: isHost || others.size < minDomains ? 0 : Math.min(...others.values()) }
}

/** Why a pod may not be the last that came to its node; the domains' counts have it in them already. */
const objections = (
  world: World, spot: Spot, pod: Pod, horizon: Horizon, gone: ReadonlySet<Pod>, memo: Map<string, Domains>
): ReadonlyArray<string> => hard(world, pod).flatMap((constraint, i) => {
  const key = `${pod.metadata.namespace}/${pod.metadata.name} ${i} ${JSON.stringify(pod.spec.affinity?.nodeAffinity ?? {})}`
  const { counts, least } = memo.get(key) ?? domainsFor(world, pod, constraint, horizon)
  memo.set(key, { counts, least })
  const means = meantBySpread(pod, constraint)
  return [...valuesOf(spot, constraint.topologyKey)].flatMap((value) => {
    const name = `${spot.name}: ${pod.metadata.name} by ${constraint.topologyKey}`
    if (value === undefined) return [`${name} has no such label`]
    // Of those that went away again only the ones that counted.
    const left = world.spots.filter((other) => valueOf(other, constraint.topologyKey) === value).flatMap((other) => (
      other.placed.filter((person) => gone.has(person) && means(person) && isSure(pod, constraint, other, person))
    )).length
    const isCounted = valueOf(spot, constraint.topologyKey) === value
    const count = Math.max(0, (counts.get(value) ?? 0) - left) + (means(pod) && !isCounted ? 1 : 0)
    if (count - least <= constraint.maxSkew) return []
    return [`${name}: ${count} in ${value}, ${least} elsewhere, skew ${constraint.maxSkew}`]
  })
})

const best = (lists: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> =>
  lists.reduce((a, b) => b.length < a.length ? b : a)

/**
 * The pods for which there is no order of coming in which each keeps its constraints. Counts only grow, so whoever can have come
 * last is taken away, again and again, against the counts that the others have at the end.
 */
export const spreadViolations = (world: World): ReadonlyArray<string> => {
  const gone = new Set<Pod>()
  const memo = new Map<string, Domains>()
  const said = (spot: Spot, pod: Pod): ReadonlyArray<string> =>
    best(readings(pod.spec).map((spec) => objections(world, spot, { ...pod, spec }, "reachable", gone, memo)))
  let left = world.spots.flatMap((spot) => spot.placed.map((pod) => ({ spot, pod })))
  for (;;) {
    const last = left.filter(({ spot, pod }) => said(spot, pod).length === 0)
    if (last.length === 0) return left.flatMap(({ spot, pod }) => said(spot, pod))
    for (const { pod } of last) gone.add(pod)
    left = left.filter(({ pod }) => !gone.has(pod))
  }
}

/** Why a pod may not come to a node after all the others. `world` has it there. */
export const spreadObjections = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> =>
  readings(pod.spec).flatMap((spec) => objections(world, spot, { ...pod, spec }, "thinkable", new Set(), new Map()))
