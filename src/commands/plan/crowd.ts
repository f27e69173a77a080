/** Many pods in few words: `default/web ×12`. Pure. */
import type { Pod } from "../../scheduling/problem.ts"
import type { PodRef } from "../../scheduling/plan.ts"
import { workloadOf } from "./workloads.ts"

/** What pods are counted as, by `namespace/name`. */
export type Crowd = ReadonlyMap<string, string>

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? "default"}/${name}`

/** The name without the number that tells it from its like. */
const stemOf = (name: string): string => name.replace(/[-.]?\d+$/, "")

/** Pods count as their workload; those of none as the name that they share but for a number at its end. */
export const crowdOf = (pods: ReadonlyArray<Pod>): Crowd => {
  const alike = new Map<string, number>()
  for (const { metadata: { name, namespace } } of pods) {
    const stem = keyOf(namespace, stemOf(name))
    alike.set(stem, (alike.get(stem) ?? 0) + 1)
  }
  return new Map(pods.map((pod) => {
    const { name, namespace } = pod.metadata
    const self = keyOf(namespace, name)
    const workload = workloadOf(pod.metadata)
    if (workload !== undefined) return [self, keyOf(namespace, workload.name)]
    const stem = keyOf(namespace, stemOf(name))
    return [self, stemOf(name) !== "" && (alike.get(stem) ?? 0) > 1 ? stem : self]
  }))
}

/** The largest groups first; beyond `most` groups only how many pods are left. */
export const crowdText = (crowd: Crowd, pods: ReadonlyArray<Pick<PodRef, "name" | "namespace">>, most = 6): string => {
  const counts = new Map<string, number>()
  for (const { name, namespace } of pods) {
    const group = crowd.get(keyOf(namespace, name)) ?? keyOf(namespace, name)
    counts.set(group, (counts.get(group) ?? 0) + 1)
  }
  const groups = [...counts].toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const named = groups.slice(0, groups.length > most ? most - 1 : most)
  const rest = groups.slice(named.length).reduce((sum, [, count]) => sum + count, 0)
  const words = named.map(([group, count]) => count === 1 ? group : `${group} ×${count}`)
  return (rest === 0 ? words : [...words, `${rest} more`]).join(", ")
}
