/** Required anti-affinity, of the pods that were placed and against them. */
import type { Pod } from "../../../src/scheduling/index.ts"
import { meantByTerm } from "./peers.ts"
import type { Spot, World } from "./world.ts"
import { peopleOf, valuesOf } from "./world.ts"

const termsOf = (pod: Pod) => pod.spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []

/** True where two nodes may turn out to be in one domain. */
const mayMeet = (a: Spot, b: Spot, key: string): boolean => {
  const values = valuesOf(a, key)
  return [...valuesOf(b, key)].some((value) => value !== undefined && values.has(value))
}

/**
 * Karpenter's rule beyond Kubernetes': a rule about a label keeps a pod off nodes without that label too. A plan may keep it, so
 * nobody is left out for nothing by it.
 */
export const labelObjections = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> => {
  const own = termsOf(pod).map(({ topologyKey }) => topologyKey)
  const others = world.spots.flatMap(peopleOf).filter((person) => person !== pod).flatMap((person) =>
    termsOf(person).filter((term) => meantByTerm(world.problem, person, term)(pod)).map(({ topologyKey }) => topologyKey))
  return [...new Set([...own, ...others])].filter((key) => valuesOf(spot, key).has(undefined))
    .map((key) => `${spot.name}: ${pod.metadata.name} goes by ${key}, which it lacks`)
}

/** Whom a pod on this node may meet against its own rules or theirs. */
export const antiAffinityObjections = (world: World, spot: Spot, pod: Pod): ReadonlyArray<string> => {
  const out: Array<string> = []
  for (const other of world.spots) {
    for (const person of peopleOf(other)) {
      if (person === pod) continue
      for (const [from, to] of [[pod, person], [person, pod]] as const) {
        for (const term of termsOf(from)) {
          if (meantByTerm(world.problem, from, term)(to) && mayMeet(spot, other, term.topologyKey)) out.push(
            `${spot.name}: ${pod.metadata.name} may meet ${person.metadata.name} on ${other.name} by ${term.topologyKey}`
          )
        }
      }
    }
  }
  return out
}
