/** From documents to a plan, with all that a person has to know about how it came to be. */
import { Clock, Effect } from "effect"
import { ask } from "./answer.ts"
import type { Answer } from "./answer.ts"
import type { BadInput } from "./badInput.ts"
import type { Catalog } from "./catalog.ts"
import type { Document } from "./documents.ts"
import { readInventory } from "./inventory.ts"
import type { PlanOptions } from "./options.ts"
import { questionOf } from "./question.ts"
import type { Question } from "./question.ts"
import { openShop } from "./shop.ts"

export interface Made {
  readonly question: Question
  readonly answer: Answer
  /** What was assumed or left out. */
  readonly notes: ReadonlyArray<string>
  /** Kinds of the input that planning has no use for. */
  readonly ignored: ReadonlyArray<string>
}

export const makePlan = Effect.fnUntraced(function*(
  documents: ReadonlyArray<Document>, catalog: Catalog | undefined, options: PlanOptions
): Effect.fn.Return<Made, BadInput> {
  const allowed = new Set(catalog?._tag === "Given" ? catalog.wellKnownLabels : [])
  const { ignored, inventory } = yield* readInventory(documents, allowed)
  const { notes, shop } = yield* openShop(catalog, options, inventory)
  const { minValuesPolicy, nodePrice, preferencePolicy, searchMillis } = options
  const question = questionOf(inventory, shop, {
    options: { preferencePolicy, minValuesPolicy, nodePrice },
    defaultConstraints: options.defaultConstraints,
    nowMillis: yield* Clock.currentTimeMillis
  })
  return { question, answer: yield* ask(question.problem, searchMillis), notes: [...notes, ...question.notes], ignored }
})

export const everyPodHasAPlace = ({ answer, question }: Made): boolean =>
  answer.plan.unschedulable.length === 0 && question.refused.length === 0
