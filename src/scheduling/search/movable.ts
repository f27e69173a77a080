import type { FirstFit } from "../firstFit.ts"
import type { Model, PodClass } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { State } from "../states.ts"
import type { Step } from "../steps.ts"

/**
 * False for nodes that stay as the first plan has them: those with a pod that must not be moved, that a spread might count on one
 * node and not on another, or that rules count by a label which is open on its node; and those whose minValues had to be lowered.
 */
export const isMovable = (model: Model, pass: FirstFit, { state, pods }: PackedNode): boolean => {
  const { pool, requirements } = state
  if (pool.hasMinValues) {
    for (const [key, set] of requirements) if (set.minValues !== pool.requirements.get(key)?.minValues) return false
  }
  return sharesFairly(model, pass, pods) && pods.every((pod) => {
    const { podClass } = model.runs[model.runOf[pod]!]!
    return podClass.movable && isDecided(model, podClass, state) &&
      countsAlike(model, podClass, podClass.steps[pass.stepOf[pod]!]!, state)
  })
}

/** True when nobody on the node has more company than it allows, whether or not its spread counted all of them. */
const sharesFairly = ({ groups, runOf, runs }: Model, pass: FirstFit, pods: ReadonlyArray<number>): boolean => {
  if (groups.host.every(({ filter }) => filter === undefined)) return true
  const classes = pods.map((pod) => runs[runOf[pod]!]!.podClass)
  const counts = groups.host.map(({ filter }, group) =>
    filter === undefined ? 0 : classes.filter(({ counts: { host } }) => host.includes(group)).length)
  return classes.every(({ counts: { host }, steps }, i) =>
    steps[pass.stepOf[pods[i]!]!]!.limits.every(({ atMost, group }) => counts[group]! <= atMost + (host.includes(group) ? 1 : 0)))
}

/** Whoever else comes to an open node may decide its domain, and the pod would be counted where it was not. */
const isDecided = ({ topologyKeys }: Model, { decided }: PodClass, state: State): boolean =>
  decided.every((label) => {
    const { sole, unlabelled } = state.reach(topologyKeys.of(label))
    return sole >= 0 || unlabelled
  })

/**
 * True when spreads that do not count all nodes count the pod on this node exactly if they would on a node of its own in any
 * pool.
 */
const countsAlike = ({ groups, pools, states }: Model, { counts }: PodClass, step: Step, state: State): boolean =>
  counts.domain.every((group) => {
    const { filter } = groups.domain[group]!
    return filter === undefined || pools.every((pool, p) => {
      if (!step.pools[p]!) return true
      const alone = states.after(states.empty(pool), step.demand)
      return alone === undefined || filter.accepts(alone) === filter.accepts(state)
    })
  })
