/** From documents to a plan, with all that a person has to know about how it came to be. */
import { Clock, Effect } from "effect"
import { ask } from "./answer.ts"
import type { Answer } from "./answer.ts"
import type { BadInput } from "./badInput.ts"
import type { Catalog } from "./catalog.ts"
import type { Document } from "./documents.ts"
import { readInventory } from "./inventory.ts"
import type { Inventory } from "./kinds.ts"
import type { PlanOptions } from "./options.ts"
import { questionOf } from "./question.ts"
import type { Question, Shop } from "./question.ts"
import { openShop } from "./shop.ts"
import { withClaims } from "./standIns.ts"

export interface Asked {
  readonly question: Question
  /** What was assumed or left out. */
  readonly notes: ReadonlyArray<string>
  /** Kinds of the input that planning has no use for. */
  readonly ignored: ReadonlyArray<string>
}

export interface Made extends Asked {
  readonly answer: Answer
}

/** The scheduler's question, and all objects that it was made of. */
export const askedBy = Effect.fnUntraced(function*(
  documents: ReadonlyArray<Document>, catalog: Catalog | undefined, options: PlanOptions
): Effect.fn.Return<Asked & { readonly inventory: Inventory; readonly shop: Shop; readonly nowMillis: number }, BadInput> {
  const allowed = new Set(catalog?._tag === "Given" ? catalog.wellKnownLabels : [])
  const { ignored, inventory: found } = yield* readInventory(documents, allowed)
  const nowMillis = yield* Clock.currentTimeMillis
  const { inventory, notes: claimNotes } = options.consolidate === undefined
    ? { inventory: found, notes: [] }
    : withClaims(found, nowMillis)
  const { notes, shop } = yield* openShop(catalog, options, inventory)
  const { minValuesPolicy, nodePrice, preferencePolicy } = options
  const question = questionOf(inventory, shop, {
    options: { preferencePolicy, minValuesPolicy, nodePrice }, defaultConstraints: options.defaultConstraints, nowMillis
  })
  return { question, inventory, shop, nowMillis, ignored, notes: [...claimNotes, ...notes, ...question.notes] }
})

export const makePlan = Effect.fnUntraced(function*(
  documents: ReadonlyArray<Document>, catalog: Catalog | undefined, options: PlanOptions
): Effect.fn.Return<Made, BadInput> {
  const { ignored, notes, question } = yield* askedBy(documents, catalog, options)
  return { question, notes, ignored, answer: yield* ask(question.problem, options.searchMillis) }
})

export const everyPodHasAPlace = ({ answer, question }: Made): boolean =>
  answer.plan.unschedulable.length === 0 && question.refused.length === 0
