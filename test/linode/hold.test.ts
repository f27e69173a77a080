import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { makeHold } from "../../src/linode/hold.ts"
import { Auth, LinodeError } from "../../src/linode/linodeError.ts"

const refusal = new LinodeError({ route: "GET /x", status: 401, detail: "Invalid Token", reason: new Auth() })
const make = () => makeHold({ first: "5 seconds", longest: "1 minute", probe: "10 seconds" })

describe("what an account was refused", () => {
  it.effect("is not asked for again until the wait is over, and then by one", () => Effect.gen(function*() {
    const hold = make()
    assert.isUndefined(yield* hold.check)
    yield* hold.refused(refusal)
    assert.strictEqual(yield* hold.check, refusal)
    yield* TestClock.adjust("5 seconds")
    assert.isUndefined(yield* hold.check, "one may ask")
    assert.strictEqual(yield* hold.check, refusal, "the others wait for its answer")
  }))

  it.effect("is asked for less and less often, and all at once when it passes", () => Effect.gen(function*() {
    const hold = make()
    const asked: Array<number> = []
    for (let second = 0; second < 600; second++) {
      if ((yield* hold.check) === undefined) {
        asked.push(second)
        yield* hold.refused(refusal)
      }
      yield* TestClock.adjust("1 second")
    }
    assert.deepStrictEqual(asked.slice(0, 6), [0, 5, 15, 35, 75, 135])
    assert.isAtMost(asked.length, 14)
    yield* hold.passed
    assert.isUndefined(yield* hold.check)
    assert.isUndefined(yield* hold.check)
  }))

  it.effect("counts as one refusal when many asked before the first was refused", () => Effect.gen(function*() {
    const hold = make()
    for (let i = 0; i < 50; i++) yield* hold.refused(refusal)
    yield* TestClock.adjust("5 seconds")
    assert.isUndefined(yield* hold.check)
  }))

  it.effect("is let be when the one who asked never came back", () => Effect.gen(function*() {
    const hold = make()
    yield* hold.refused(refusal)
    yield* TestClock.adjust("5 seconds")
    assert.isUndefined(yield* hold.check)
    yield* TestClock.adjust("10 seconds")
    assert.isUndefined(yield* hold.check, "another may ask")
  }))

  it.effect("is forgotten when nobody was refused for long", () => Effect.gen(function*() {
    const hold = make()
    yield* hold.refused(refusal)
    yield* TestClock.adjust("2 minutes")
    assert.strictEqual(yield* hold.current, refusal)
    yield* TestClock.adjust("2 minutes")
    assert.isUndefined(yield* hold.current)
  }))
})
