import type { FirstFit } from "../firstFit.ts"
import type { Model, PodClass } from "../model.ts"
import type { PackedNode } from "../packing.ts"
import type { State } from "../states.ts"
import type { Step } from "../steps.ts"

/**
 * False for nodes that stay as the first plan has them: those with a pod that must not be moved, or that a spread might count on one
 * node and not on another, and those whose minValues had to be lowered.
 */
export const isMovable = (model: Model, pass: FirstFit, { state, pods }: PackedNode): boolean => {
  const { pool, requirements } = state
  if (pool.hasMinValues) {
    for (const [key, set] of requirements) if (set.minValues !== pool.requirements.get(key)?.minValues) return false
  }
  return pods.every((pod) => {
    const { podClass } = model.runs[model.runOf[pod]!]!
    return podClass.movable && countsAlike(model, podClass, podClass.steps[pass.stepOf[pod]!]!, state)
  })
}

/** True when spreads that do not count all nodes count the pod on this node exactly if they would on a node of its own in any pool. */
const countsAlike = ({ groups, pools, states }: Model, { counts }: PodClass, step: Step, state: State): boolean =>
  counts.domain.every((group) => {
    const { filter } = groups.domain[group]!
    return filter === undefined || pools.every((pool, p) => {
      if (!step.pools[p]!) return true
      const alone = states.after(states.intern(pool, pool.requirements, pool.types), step.demand)
      return alone === undefined || filter.accepts(alone) === filter.accepts(state)
    })
  })
