import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeWorkQueue } from "../../src/runtime/workQueue.ts"
import type { WorkQueue } from "../../src/runtime/workQueue.ts"

/** Whether somebody who asked for a key has it by now. */
const takenNow = Effect.fnUntraced(function*(queue: WorkQueue) {
  const fiber = yield* Effect.forkChild(queue.take)
  yield* TestClock.adjust(0)
  const exit = fiber.pollUnsafe()
  if (exit === undefined) yield* Fiber.interrupt(fiber)
  return exit?._tag === "Success" ? exit.value : undefined
})

describe("the work queue", () => {
  it.effect("hands keys out in the order in which they came", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    for (const key of ["a", "b", "c"]) queue.add(key)
    assert.deepStrictEqual([yield* queue.take, yield* queue.take, yield* queue.take], ["a", "b", "c"])
  }))

  it.effect("makes one piece of work of several triggers for a waiting key", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    queue.add("a")
    queue.add("a")
    assert.strictEqual(queue.depth(), 1)
    assert.strictEqual(yield* queue.take, "a")
    yield* queue.done("a", "ok")
    assert.isUndefined(yield* takenNow(queue))
  }))

  it.effect("never gives a key to two workers, and gives it once more when it was triggered meanwhile", () =>
    Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    queue.add("a")
    yield* queue.take
    queue.add("a")
    queue.add("a")
    assert.isUndefined(yield* takenNow(queue))
    yield* queue.done("a", "ok")
    assert.strictEqual(yield* takenNow(queue), "a")
    yield* queue.done("a", "ok")
    assert.isUndefined(yield* takenNow(queue))
  }))

  it.effect("of several delays for a key the earliest wins", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    yield* queue.addAfter("a", 10_000)
    yield* queue.addAfter("a", 3_000)
    yield* queue.addAfter("a", 20_000)
    yield* TestClock.adjust(2_999)
    assert.isUndefined(yield* takenNow(queue))
    yield* TestClock.adjust(1)
    assert.strictEqual(yield* takenNow(queue), "a")
    yield* queue.done("a", "ok")
    yield* TestClock.adjust(60_000)
    assert.isUndefined(yield* takenNow(queue))
  }))

  it.effect("a delay that ends during a run makes it run once more", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    yield* queue.addAfter("a", 1_000)
    queue.add("a")
    yield* queue.take
    yield* TestClock.adjust(1_000)
    assert.isUndefined(yield* takenNow(queue))
    yield* queue.done("a", "ok")
    assert.strictEqual(yield* takenNow(queue), "a")
  }))

  it.effect("counts failures in a row and forgets them after a success", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    for (const failures of [1, 2]) {
      queue.add("a")
      yield* queue.take
      yield* queue.done("a", "failed")
      assert.strictEqual(queue.failures("a"), failures)
    }
    queue.add("a")
    yield* queue.take
    yield* queue.done("a", "ok")
    assert.strictEqual(queue.failures("a"), 0)
  }))

  it.effect("a delay of a month is kept", () => Effect.gen(function*() {
    const queue = yield* makeWorkQueue
    const month = 30 * 24 * 3_600_000
    yield* queue.addAfter("a", month)
    yield* TestClock.adjust(month - 1)
    assert.isUndefined(yield* takenNow(queue))
    yield* TestClock.adjust(1)
    assert.strictEqual(yield* takenNow(queue), "a")
  }))
})
