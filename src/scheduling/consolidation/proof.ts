/**
 * A command is found on models that are derived from one another. Before it is given, the scheduler is asked about the cluster as it
 * will be, from nothing: the nodes are gone, their pods wait with all others, and each of them must have a place.
 */
import { keyOfPod } from "../otherPods.ts"
import type { PodRef } from "../plan.ts"
import { solving } from "../schedule.ts"
import type { Disruption } from "./contract.ts"
import type { Decision } from "./decide.ts"

const keyOfRef = ({ name, namespace }: PodRef): string => `${namespace}/${name}`

/** Nodes that had better stay, each with a pod that would have no place. Empty where all have one. */
export function* withoutPlace(
  { attempts, homeless, world, worth }: Decision, { moves, remove }: Disruption
): Generator<void, ReadonlyMap<string, string>> {
  const { model, problem } = world
  const moving = new Map(moves.map(({ from, pod }) => [keyOfRef(pod), from]))
  const isAlone = model.groups.none && model.reservations.size === 0 && model.limits.every(({ limits, nodeLimit }) =>
    limits === undefined && nodeLimit === Infinity) && model.pools.every((pool) => model.states.empty(pool).minimums.length === 0)
  // Where nobody asks who else is there, and nothing runs out, each pod can have a node of its own.
  if (isAlone && attempts.every(({ pods }) => pods.every((pod) => worth.ofPod(pod) < Infinity))) return new Map()
  const gone = new Set(remove)
  const nodes = problem.nodes.filter(({ name }) => !gone.has(name))
  const pods = [...problem.pods, ...problem.nodes.flatMap(({ name, pods: own }) =>
    gone.has(name) ? own.filter((pod) => moving.has(keyOfPod(pod))) : [])]
  const solution = yield* solving({ ...problem, nodes, pods })
  const left = solution.first.unschedulable.length === 0 ? [] : (yield* solution.improving({ steps: 1 })).unschedulable
  const out = new Map<string, string>()
  for (const { pod } of left) {
    const key = keyOfRef(pod)
    const from = moving.get(key)
    if (from !== undefined) out.set(from, key)
    // Whoever waits and would have had a place: the last nodes that were chosen are in the way.
    else if (!homeless.has(key)) for (const n of attempts.at(-1)!.gone) out.set(world.sites[n]!.node.name, key)
  }
  return out
}
