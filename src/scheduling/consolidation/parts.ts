/** The parts of an attempt that have nothing to do with each other: what does not pay by itself had better stay. */
import type { Attempt } from "./attempt.ts"
import { nowhere } from "./scene.ts"

/** A part: nodes that go, and the replacements that only their pods are on. */
export interface Part {
  readonly nodes: ReadonlyArray<number>
  /** In US dollars an hour: of its replacements. */
  readonly cost: number
  /** Of the world. */
  readonly pods: ReadonlyArray<number>
}

/** Nodes belong together when pods of both come to one replacement. */
export const partsOf = (found: Attempt): ReadonlyArray<Part> => {
  const leader = new Map(found.gone.map((n) => [n, n]))
  const find = (n: number): number => {
    const up = leader.get(n)!
    return up === n ? n : find(up)
  }
  const { from, launches, pods } = found
  for (const { node } of launches) {
    for (const i of node.pods) leader.set(find(from[i]!), find(from[node.pods[0]!]!))
  }
  const parts = new Map<number, { readonly nodes: Array<number>; readonly pods: Array<number>; cost: number }>()
  for (const n of found.gone) {
    const at = find(n)
    const part = parts.get(at)
    if (part === undefined) parts.set(at, { nodes: [n], pods: [], cost: 0 })
    else part.nodes.push(n)
  }
  for (const { node, price } of launches) parts.get(find(from[node.pods[0]!]!))!.cost += price
  pods.forEach((pod, i) => parts.get(find(from[i]!))!.pods.push(pod))
  return [...parts.values()]
}

/** Of the nodes that go those of which the very type is bought again for as much, by number of pods, most first. */
export const repeated = (found: Attempt, typeOf: (n: number) => string): ReadonlyArray<number> => {
  const bought = new Set(found.launches.map(({ node: { state: { pool }, types } }) =>
    `${pool.name}/${pool.catalogue.types[types[0]!]!.name}`))
  const rehoused = new Map<number, number>()
  found.to.forEach((to, i) => {
    if (to === nowhere) rehoused.set(found.from[i]!, (rehoused.get(found.from[i]!) ?? 0) + 1)
  })
  return found.gone.filter((n) => rehoused.has(n) && bought.has(typeOf(n))).sort((a, b) => rehoused.get(b)! - rehoused.get(a)! || a - b)
}
