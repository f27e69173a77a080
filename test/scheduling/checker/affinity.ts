/** Required affinity to other pods. */
import type { Pod, PodAffinityTerm, PodSpec } from "../../../src/scheduling/index.ts"
import { attracted, onlyAbout, readings, stableKey } from "./labels.ts"
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
const missing = (world: World, present: ReadonlyArray<Stand>, { pod, spot }: Stand): ReadonlyArray<string> =>
  termsOf(pod.spec).filter((term) => {
    const { topologyKey: key } = term
    const means = meantByTerm(world.problem, pod, term)
    const meant = present.filter((stand) => stand.pod !== pod && means(stand.pod))
    const isMet = [...valuesOf(spot, key)].every((value) => value !== undefined && meant.some((stand) => (
      stand.spot === spot || valueOf(stand.spot, key) === value
    )))
    if (isMet) return false
    const taken = meant.flatMap((stand) => valueOf(stand.spot, key) ?? [])
    const isFirst = readings(pod.spec).some((spec) => spot.faces.every((face) => attracted(spec, face.labels)) &&
      !taken.some((value) => attracted(onlyAbout(spec, key), { [stableKey(key)]: value })))
    return valuesOf(spot, key).has(undefined) || !means(pod) || !isFirst
  }).map((term) => `${spot.name}: ${pod.metadata.name} has none of its own by ${term.topologyKey}`)

/** Why a pod cannot be added to all that is there. */
export const affinityObjections = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> => {
  const present = world.spots.flatMap((other) =>
    [...other.running.filter(isStaying), ...other.placed].map((person) => ({ pod: person, spot: other })))
  return missing(world, present, { pod, spot })
}

/** The pods for which there is no order of coming in which each finds its peers or is the first of its kind. */
export const affinityViolations = (world: World): ReadonlyArray<string> => {
  const all = (people: (spot: Spot) => ReadonlyArray<Pod>): ReadonlyArray<Stand> =>
    world.spots.flatMap((spot) => people(spot).map((pod) => ({ pod, spot })))
  const present: Array<Stand> = [...all((spot) => spot.running.filter(isStaying))]
  const placed = all((spot) => spot.placed)
  let owners = placed.filter(({ pod }) => termsOf(pod.spec).length > 0)
  let free = placed.filter(({ pod }) => termsOf(pod.spec).length === 0)
  const end = [...present, ...placed]
  const isLonely = ({ pod, spot }: Stand): boolean => termsOf(pod.spec).some((term) => {
    const means = meantByTerm(world.problem, pod, term)
    return !end.some((other) => other.pod !== pod && means(other.pod) && (
      other.spot === spot || valueOf(other.spot, term.topologyKey) === valueOf(spot, term.topologyKey)
    ))
  })
  // Who has nobody at the end must have come first.
  owners = [...owners.filter(isLonely), ...owners.filter((stand) => !isLonely(stand))]
  while (owners.length > 0) {
    const next = owners.find((stand) => missing(world, present, stand).length === 0)
    if (next !== undefined) {
      present.push(next)
      owners = owners.filter((stand) => stand !== next)
    } else if (free.length > 0) {
      present.push(...free)
      free = []
    } else {
      return owners.flatMap((stand) => missing(world, present, stand))
    }
  }
  return []
}
