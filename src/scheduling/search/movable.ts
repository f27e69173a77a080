import type { Model } from "../model.ts"
import type { PackedNode } from "../packing.ts"

/**
 * False for nodes that stay as the first plan has them: those with a pod that must not be moved, and those whose
 * minValues had to be lowered.
 */
export const isMovable = (model: Model, { state, pods }: PackedNode): boolean => {
  const { pool, requirements } = state
  if (pool.hasMinValues) {
    for (const [key, set] of requirements) if (set.minValues !== pool.requirements.get(key)?.minValues) return false
  }
  return pods.every((pod) => model.runs[model.runOf[pod]!]!.podClass.movable)
}
