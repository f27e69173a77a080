import { uncovered } from "../minValues.ts"
import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"

const reserved = "reserved"

/**
 * False for nodes that stay as the first plan has them: those with a pod that must not be moved, those of reserved capacity, of which
 * there is only so much, and those whose minValues had to be lowered or cannot be covered by as many types as a node may name.
 */
export const isMovable = (model: Model, { state, pods, types }: PackedNode): boolean => {
  const { pool, requirements, minimums } = state
  if (types.some((t) => pool.catalogue.offering(t, requirements)!.capacityType === reserved)) return false
  if (pool.hasMinValues) {
    for (const [key, set] of requirements) if (set.minValues !== pool.requirements.get(key)?.minValues) return false
    if (minimums.length > 0 && uncovered(state, types.slice(0, model.problem.options?.maxInstanceTypes)).size > 0) return false
  }
  return pods.every((pod) => model.runs[model.runOf[pod]!]!.podClass.movable)
}
