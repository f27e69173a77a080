/** Required affinity to other pods. */
import type { Pod, PodAffinityTerm, PodSpec } from "../../../src/scheduling/index.ts"
import { attracted, hostnameKey, onlyAbout, readings, stableKey } from "./labels.ts"
import { meantByTerm } from "./peers.ts"
import type { Spot, World } from "./world.ts"
import { isStaying, valueOf, valuesOf } from "./world.ts"

const termsOf = (spec: PodSpec): ReadonlyArray<PodAffinityTerm> =>
  spec.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []

/** Who is where at some moment. */
interface Stand {
  readonly pod: Pod
  readonly spot: Spot
}

/**
 * What keeps a pod from a node, given who is there already: a term that means nobody in a domain the node may get. The first of
 * its kind is let in where it means itself and nobody that it could go to. (kube-scheduler lets it in only where it means nobody
 * at all. Karpenter's rule, which is the laxer one, is kept here.)
 */
const missing = (
  world: World, present: ReadonlyArray<Stand>, { pod, spot }: Stand, { mayBeFirst = true, certain = valueOf } = {}
): ReadonlyArray<string> =>
  termsOf(pod.spec).filter((term) => {
    const { topologyKey: key } = term
    const means = meantByTerm(world.problem, pod, term)
    const meant = present.filter((stand) => stand.pod !== pod && means(stand.pod))
    const isMet = [...valuesOf(spot, key)].every((value) => value !== undefined && meant.some((stand) => (
      stand.spot === spot || certain(stand.spot, key) === value
    )))
    if (isMet || !mayBeFirst) return !isMet
    const taken = meant.flatMap((stand) => saidValue(stand.spot, key) ?? [])
    const isFirst = readings(pod.spec).some((spec) => spot.faces.every((face) => attracted(spec, face.labels)) &&
      !taken.some((value) => attracted(onlyAbout(spec, key), { [stableKey(key)]: value })))
    return valuesOf(spot, key).has(undefined) || !means(pod) || !isFirst
  }).map((term) => `${spot.name}: ${pod.metadata.name} has none of its own by ${term.topologyKey}`)

/** What a node has by its requirements alone: that all types left are sold in one zone, say, a scheduler need not see. */
const saidValue = (spot: Spot, key: string): string | undefined => {
  const values = spot.made?.requirements.filter((item) => item.key === key && item.operator === "In")
    .flatMap((item) => item.values ?? [])
  return values === undefined || values.length === 1 || stableKey(key) === hostnameKey ? valueOf(spot, key) : undefined
}

/** Why a pod cannot be added to all that is there. */
export const affinityObjections = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> => {
  const present = world.spots.flatMap((other) =>
    [...other.running.filter(isStaying), ...other.placed].map((person) => ({ pod: person, spot: other })))
  return missing(world, present, { pod, spot }, { certain: saidValue })
}

interface Coming {
  readonly present: ReadonlyArray<Stand>
  /** Those that want to be near others, and those that do not. */
  readonly owners: ReadonlyArray<Stand>
  readonly free: ReadonlyArray<Stand>
}

const isAlike = (a: Stand, b: Stand): boolean =>
  a.spot === b.spot && JSON.stringify(a.pod.spec.affinity) === JSON.stringify(b.pod.spec.affinity)

/**
 * Whom no order helps: tries who may be the first of their kind, then lets those come that find their peers, at last those that
 * mind nobody. Some hundred trials; a plan that needs more is taken to be right.
 */
const stuck = (world: World, { present, owners, free }: Coming, trials: { left: number }): ReadonlyArray<string> => {
  if (owners.length === 0 || trials.left-- <= 0) return []
  const met = owners.filter((stand) => missing(world, present, stand, { mayBeFirst: false }).length === 0)
  const rest = owners.filter((stand) => !met.includes(stand))
  const able = rest.filter((stand) => missing(world, present, stand).length === 0)
  for (const first of able.filter((stand, i) => able.findIndex((other) => isAlike(stand, other)) === i)) {
    const next = { present: [...present, first], owners: owners.filter((stand) => stand !== first), free }
    if (stuck(world, next, trials).length === 0) return []
  }
  if (met.length > 0) return stuck(world, { present: [...present, ...met], owners: rest, free }, trials)
  if (free.length > 0) return stuck(world, { present: [...present, ...free], owners, free: [] }, trials)
  return owners.flatMap((stand) => missing(world, present, stand, { mayBeFirst: false }))
}

/** The pods for which there is no order of coming in which each finds its peers or is the first of its kind. */
export const affinityViolations = (world: World): ReadonlyArray<string> => {
  const all = (people: (spot: Spot) => ReadonlyArray<Pod>): ReadonlyArray<Stand> =>
    world.spots.flatMap((spot) => people(spot).map((pod) => ({ pod, spot })))
  const present = all((spot) => spot.running.filter(isStaying))
  const placed = all((spot) => spot.placed)
  const owners = placed.filter(({ pod }) => termsOf(pod.spec).length > 0)
  const free = placed.filter(({ pod }) => termsOf(pod.spec).length === 0)
  return stuck(world, { present, owners, free }, { left: 300 })
}
