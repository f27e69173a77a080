import type { FirstFit } from "./firstFit.ts"
import type { Model, Run } from "./model.ts"
import type { Refusal } from "./plan.ts"
import { refusalOf } from "./refusal.ts"

/** Why no NodePool can have a node for the pods of a run: one refusal for each, heaviest first. Judged by what the pods can't give up. */
export const explain = (model: Model, pass: FirstFit, run: Run): ReadonlyArray<Refusal> => {
  const { refusal, steps } = run.podClass
  if (refusal !== undefined) return [{ nodePool: "", ...refusal }]
  if (model.pools.length === 0) {
    return [{ nodePool: "", reason: "NoNodePools", message: "there is no NodePool to buy a node from" }]
  }
  const step = steps.at(-1)!
  return model.pools.map((_, i) => refusalOf(model, pass, run, step, i))
}
