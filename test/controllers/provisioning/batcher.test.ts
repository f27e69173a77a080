import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { makeBatcher } from "../../../src/controllers/provisioning/batcher.ts"

/** When the window ends, in milliseconds, and how many elements it had. */
const watched = Effect.gen(function*() {
  const batcher = yield* makeBatcher({ idle: "1 second", max: "10 seconds" })
  const ended: Array<readonly [at: number, size: number]> = []
  yield* batcher.wait.pipe(
    Effect.flatMap((size) => Effect.map(Clock.currentTimeMillis, (at) => ended.push([at, size]))),
    Effect.forever,
    Effect.forkScoped
  )
  return { batcher, ended }
})

describe("the batching window", () => {
  it.effect("ends one idle time after the first element when nothing follows", () => Effect.gen(function*() {
    const { batcher, ended } = yield* watched
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(ended, [])
    yield* batcher.trigger("a")
    yield* TestClock.adjust("999 millis")
    assert.deepStrictEqual(ended, [])
    yield* TestClock.adjust("1 millis")
    assert.deepStrictEqual(ended, [[61_000, 1]])
  }))

  it.effect("is prolonged by each new element", () => Effect.gen(function*() {
    const { batcher, ended } = yield* watched
    for (const element of ["a", "b", "c"]) {
      yield* batcher.trigger(element)
      yield* TestClock.adjust("900 millis")
    }
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(ended, [[2_800, 3]])
  }))

  it.effect("is not prolonged by an element seen in it before", () => Effect.gen(function*() {
    const { batcher, ended } = yield* watched
    yield* batcher.trigger("a")
    yield* TestClock.adjust("900 millis")
    yield* batcher.trigger("a")
    yield* TestClock.adjust("1 minute")
    assert.deepStrictEqual(ended, [[1_000, 1]])
  }))

  it.effect("never lasts longer than the maximum", () => Effect.gen(function*() {
    const { batcher, ended } = yield* watched
    for (let i = 0; i < 30; i++) {
      yield* batcher.trigger(`pod-${i}`)
      yield* TestClock.adjust("500 millis")
    }
    assert.deepStrictEqual(ended, [[10_000, 20]])
  }))

  it.effect("begins anew with what comes after it, the same element included", () => Effect.gen(function*() {
    const { batcher, ended } = yield* watched
    yield* batcher.trigger("a")
    yield* TestClock.adjust("5 seconds")
    yield* batcher.trigger("a")
    yield* TestClock.adjust("5 seconds")
    assert.deepStrictEqual(ended, [[1_000, 1], [6_000, 1]])
  }))

  it.effect("is as long as it is, though the wall's clock is set back meanwhile", () => Effect.gen(function*() {
    const clock = yield* Clock.Clock
    let back = 0
    const setBack = Effect.sync(() => clock.currentTimeMillisUnsafe() - back)
    const wall: Clock.Clock = Object.create(clock, { currentTimeMillis: { value: setBack } })
    const batcher = yield* makeBatcher({ idle: "1 second", max: "10 seconds" })
    yield* batcher.trigger("a").pipe(Effect.provideService(Clock.Clock, wall))
    const waiting = yield* Effect.forkChild(batcher.wait.pipe(Effect.provideService(Clock.Clock, wall)))
    yield* TestClock.adjust("500 millis")
    back = 3_600_000
    yield* TestClock.adjust("500 millis")
    assert.isDefined(waiting.pollUnsafe(), "it would wait for an hour")
  }))

  it.effect("is over at once for elements that waited long enough while nobody listened", () => Effect.gen(function*() {
    const batcher = yield* makeBatcher({ idle: "1 second", max: "10 seconds" })
    yield* batcher.trigger("a")
    yield* TestClock.adjust("3 seconds")
    const waiting = yield* Effect.forkChild(batcher.wait)
    yield* TestClock.adjust("0 millis")
    assert.strictEqual(yield* Fiber.join(waiting), 1)
  }))
})
