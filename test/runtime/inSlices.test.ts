import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { inSlices } from "../../src/runtime/inSlices.ts"

/** Work of ten parts. */
function* ten(): Generator<void, string> {
  for (let part = 1; part < 10; part++) yield
  return "done"
}

/** How often somebody who is always ready has a turn meanwhile, where each look at the clock finds it so much later. */
const turns = Effect.fnUntraced(function*(millis: number) {
  const clock = yield* Clock.Clock
  let now = 0n
  const other: Clock.Clock = Object.create(clock, { monotonicTimeNanosUnsafe: { value: () => now += BigInt(millis) * 1_000_000n } })
  let count = 0
  const ready = Effect.sync(() => {
    count++
  }).pipe(Effect.andThen(Effect.yieldNow), Effect.forever)
  assert.strictEqual(yield* Effect.raceFirst(Effect.provideService(inSlices(ten()), Clock.Clock, other), ready), "done")
  return count
})

describe("work in slices", () => {
  it.effect("goes on while its time is not up, and lets others in when it is", () => Effect.gen(function*() {
    const none = yield* turns(0)
    const some = yield* turns(10)
    const each = yield* turns(20)
    assert.isAbove(some, none)
    assert.isAbove(each, some)
  }))
})
