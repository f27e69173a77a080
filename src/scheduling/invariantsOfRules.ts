/** What must hold between the pods of a plan, whatever way it was found. A violation is a defect of the scheduler. */
import { portConflict } from "./hostPorts.ts"
import type { Model, PodClass } from "./model.ts"
import type { PackedNode } from "./packing.ts"

/** A node of the plan with the pods that the plan puts there. */
interface Place {
  readonly name: string
  readonly pods: ReadonlyArray<number>
  /** How many pods of a group by hostname were there before. */
  readonly before: (group: number) => number
}

export const assertRules = (
  model: Model, nodes: ReadonlyArray<PackedNode>, placed: ReadonlyMap<number, ReadonlyArray<number>>
): void => {
  const fail = (message: string): never => {
    throw new Error(`scheduling invariant broken: ${message}`)
  }
  const places: ReadonlyArray<Place> = [
    ...nodes.map(({ pods }, i) => ({ name: `new node ${i + 1}`, pods, before: () => 0 })),
    ...[...placed].map(([n, pods]) => ({
      name: model.nodes[n]!.name, pods, before: (group: number) => model.counts.host[group]![n]!
    }))
  ]
  for (const { name, pods, before } of places) {
    const classes = pods.map((pod) => model.runs[model.runOf[pod]!]!.podClass)
    classes.forEach((one, i) => {
      classes.slice(i + 1).forEach((other) => {
        if (portConflict(one.ports, other.ports) !== undefined) fail(`two pods on ${name} have one host port`)
      })
    })
    model.groups.host.forEach(({ owners }, group) => {
      if (!owners) return
      const kept = classes.filter((one) => isKeptOut(one, group)).length
      const own = classes.filter((one) => one.counts.host.includes(group)).length
      const both = classes.filter((one) => isKeptOut(one, group) && one.counts.host.includes(group)).length
      if (kept > 0 && before(group) > 0) fail(`a pod on ${name} is kept out by one that runs there`)
      if (kept > 0 && own > 0 && !(kept === 1 && own === 1 && both === 1)) fail(`pods on ${name} keep one another out`)
    })
  }
  for (const { state, pods } of nodes) {
    for (const pod of pods) {
      const { steps } = model.runs[model.runOf[pod]!]!.podClass
      if (!steps.some(({ pools }) => pools[model.pools.indexOf(state.pool)]!)) {
        fail(`a pod tolerates no taint of NodePool ${state.pool.name} at any step of its ladder`)
      }
    }
  }
}

/** Whether pods of the group want none of the class on their node. */
const isKeptOut = ({ steps }: PodClass, group: number): boolean =>
  steps[steps.length - 1]?.limits.some((limit) => limit.group === group) ?? false
