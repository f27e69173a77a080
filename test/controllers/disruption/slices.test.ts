/** A large cluster does not hold up the process while it is looked at: it is done in parts, and whoever is ready has a turn in between. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { consolidationProblem } from "../../../src/controllers/disruption/consolidationProblem.ts"
import { look } from "../../../src/controllers/disruption/look.ts"
import { simulate } from "../../../src/controllers/disruption/simulate.ts"
import { scoresOf } from "../../../src/controllers/disruption/score.ts"
import { participants } from "../../../src/controllers/provisioning/nodePools.ts"
import { inSlices } from "../../../src/runtime/inSlices.ts"
import { asking, given, givenMachine, pod, Pods, settle, world } from "../../cluster/world.ts"
import { allowAll, basics } from "./support.ts"

const machines = 200

const cluster = Effect.fnUntraced(function*(disruption: NonNullable<NodePool["spec"]["disruption"]> = allowAll) {
  yield* basics(disruption)
  for (let i = 0; i < machines; i++) {
    yield* givenMachine(`m${i}`, { conditions: ["Consolidatable"] })
    yield* given(Pods, pod(`p${i}`, { nodeName: `node-m${i}`, ...asking({ cpu: "1" }) }))
  }
  yield* settle
})

/** How many parts the work has, after each of which it may be somebody else's turn: that is when it looks at the clock. */
const partsOf = Effect.fnUntraced(function*<A, E, R>(work: Effect.Effect<A, E, R>) {
  const clock = yield* Clock.Clock
  let looks = 0
  const counting: Clock.Clock = Object.create(clock, { monotonicTimeNanosUnsafe: { value: () => {
    looks++
    return 0n
  } } })
  yield* Effect.provideService(work, Clock.Clock, counting)
  return looks
})

describe("of a large cluster", () => {
  it.effect("candidates are worked out fifty at a time", () => Effect.gen(function*() {
    yield* cluster()
    assert.isAtLeast(yield* partsOf(look), machines / 50)
  }).pipe(Effect.provide(world)))

  it.effect("the question of consolidation is put together fifty nodes at a time", () => Effect.gen(function*() {
    yield* cluster({ ...allowAll, consolidationPolicy: "Balanced" })
    const view = yield* look
    const choice = yield* participants
    const parts = yield* partsOf(consolidationProblem(view, view.candidates, choice, () => false))
    // What may go, what is there, and what their NodePool costs.
    assert.isAtLeast(parts, 3 * machines / 50)
  }).pipe(Effect.provide(world)))

  it.effect("a command is weighed fifty nodes at a time", () => Effect.gen(function*() {
    yield* cluster({ ...allowAll, consolidationPolicy: "Balanced" })
    const view = yield* look
    const command = {
      reason: "Underutilized", consolidationType: "single", nodes: view.nodes.slice(0, 1), replacements: [], moves: new Map(), savings: 1
    } as const
    assert.isAtLeast(yield* partsOf(Effect.suspend(() => inSlices(scoresOf(command, view)))), machines / 50)
  }).pipe(Effect.provide(world)))

  it.effect("where the pods of a node would go is asked in parts", () => Effect.gen(function*() {
    yield* cluster()
    const view = yield* look
    const choice = yield* participants
    const parts = yield* partsOf(simulate(view, view.nodes.slice(0, 1), choice, () => false))
    // The parts of reading the problem, of the plan and of writing it.
    assert.isAtLeast(parts, 10)
  }).pipe(Effect.provide(world)))
})
