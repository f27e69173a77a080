import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as budgets from "../../src/linode/budget.ts"

/** When each of `calls` got its turn, on virtual time. */
const turns = (budget: budgets.Budget, kind: budgets.RateClass, calls: number) => Effect.gen(function*() {
  const all = yield* Effect.forkChild(Effect.forEach(
    Array.from({ length: calls }), () => Effect.andThen(budget.take(kind), Clock.currentTimeMillis), { concurrency: "unbounded" }
  ))
  yield* TestClock.adjust("10 minutes")
  return yield* Fiber.join(all)
})

describe("the rate budget", () => {
  const table = [["list", 200, 60_000], ["other", 1_600, 60_000], ["images", 20, 60_000], ["creations", 20, 15_000]] as const
  for (const [kind, most, window] of table) {
    it.effect(`never lets more than ${most} ${kind} calls out in ${window / 1000} s`, () => Effect.gen(function*() {
      const at = yield* turns(yield* budgets.make, kind, most * 3)
      for (const [index, start] of at.entries()) {
        const last = at[index + most]
        if (last !== undefined) assert.isAtLeast(last - start, window)
      }
      assert.strictEqual(at[0], 0, "the first one does not wait")
      assert.strictEqual(at[most / 4 - 1], 0, "nor does a burst")
    }))
  }

  it.effect("gives out turns in the order in which they were asked for", () => Effect.gen(function*() {
    const at = yield* turns(yield* budgets.make, "list", 80)
    assert.deepStrictEqual(at, at.toSorted((a, b) => a - b))
  }))

  it.effect("waits until the server wants the next call", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("list", { retryAfter: 30 })
    assert.deepStrictEqual(yield* turns(budget, "list", 1), [30_000])
  }))

  it.effect("leaves the other classes alone", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("list", { retryAfter: 30 })
    assert.deepStrictEqual(yield* turns(budget, "other", 1), [0])
  }))

  it.effect("waits for the next window when others have used this one up", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("other", { remaining: 0, reset: 20 })
    assert.deepStrictEqual(yield* turns(budget, "other", 1), [20_000])
  }))

  it.effect("does not believe a clock that is hours ahead", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("other", { remaining: 0, reset: 7_200 })
    assert.deepStrictEqual(yield* turns(budget, "other", 1), [60_000])
  }))

  it.effect("slows down when little remains", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("list", { remaining: 2 })
    const at = yield* turns(budget, "list", 3)
    assert.deepStrictEqual(at.slice(0, 2), [0, 0])
    assert.isAbove(at[2]!, 0)
  }))

  it.effect("an interrupted wait takes no turn", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.learn("list", { retryAfter: 30 })
    const waiting = yield* Effect.forkChild(budget.take("list"))
    yield* TestClock.adjust("1 second")
    yield* Fiber.interrupt(waiting)
    assert.deepStrictEqual((yield* turns(budget, "list", 50)).filter((at) => at === 30_000).length, 50)
  }))

  it.effect("sends no more than the server has left, and goes on in its next window", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.take("list")
    yield* budget.learn("list", { limit: 200, remaining: 3, reset: 30 })
    const at = yield* turns(budget, "list", 5)
    assert.deepStrictEqual(at, [0, 0, 0, 30_000, 30_000])
  }))

  it.effect("counts what is under way against what the server has left", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* Effect.forEach(Array.from({ length: 10 }), () => budget.take("list"))
    yield* budget.learn("list", { remaining: 10, reset: 30 })
    assert.deepStrictEqual(yield* turns(budget, "list", 2), [0, 30_000], "nine may not have been counted yet")
  }))

  it.effect("goes by the least that any reply of a window said, however they come in", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* Effect.forEach(Array.from({ length: 3 }), () => budget.take("list"))
    yield* budget.learn("list", { remaining: 1, reset: 30 })
    yield* budget.learn("list", { remaining: 40, reset: 30 })
    yield* budget.learn("list", { remaining: 41, reset: 30 })
    assert.deepStrictEqual(yield* turns(budget, "list", 2), [0, 30_000])
  }))

  it.effect("slows down where the server allows less than is documented", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.take("list")
    yield* budget.learn("list", { limit: 20 })
    const at = yield* turns(budget, "list", 60)
    for (const [index, start] of at.entries()) {
      const last = at[index + 20]
      if (last !== undefined) assert.isAtLeast(last - start, 59_000)
    }
  }))

  it.effect("does not go faster where the server allows more", () => Effect.gen(function*() {
    const budget = yield* budgets.make
    yield* budget.take("list")
    yield* budget.learn("list", { limit: 1_840 })
    assert.isAtLeast((yield* turns(budget, "list", 300)).at(-1)!, 90_000)
  }))
})
