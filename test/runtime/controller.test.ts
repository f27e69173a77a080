import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Ref } from "../../src/kube/objects.ts"
import { Pods } from "../../src/kube/resources.ts"
import { done, requeueAfter, runController, runSingleton, sooner } from "../../src/runtime/controller.ts"
import type { Result, Trigger } from "../../src/runtime/controller.ts"
import { layerQuiet, Metrics } from "../../src/runtime/metrics.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const backoff = { base: "1 second", max: "8 seconds" } as const

/** Triggers by hand. */
const byHand = () => {
  let add: (ref: Ref) => void = () => {}
  const trigger: Trigger = { attach: (to) => Effect.sync(() => {
    add = to
  }) }
  return { trigger, add: (name: string, namespace?: string) => add(namespace === undefined ? { name } : { name, namespace }) }
}

const start = Effect.fnUntraced(function*(reconcile: (ref: Ref) => Effect.Effect<Result, Broken>, workers = 2) {
  const { add, trigger } = byHand()
  yield* Effect.forkScoped(runController({ name: "test", kind: Pods, workers, backoff, triggers: [trigger], reconcile }))
  yield* TestClock.adjust(0)
  return add
})

const quiet = Effect.provide([layerQuiet, Logger.layer([])])

describe("a controller", () => {
  it.effect("reconciles what was triggered, by name and namespace", () => Effect.gen(function*() {
    const seen: Array<Ref> = []
    const add = yield* start((ref) => Effect.sync(() => {
      seen.push(ref)
      return done
    }))
    add("a", "default")
    add("b")
    yield* TestClock.adjust(0)
    assert.deepStrictEqual(seen, [{ name: "a", namespace: "default" }, { name: "b" }])
  }).pipe(quiet))

  it.effect("runs again after the time that was asked for", () => Effect.gen(function*() {
    let runs = 0
    const add = yield* start(() => Effect.sync(() => {
      runs++
      return runs < 3 ? requeueAfter("10 seconds") : done
    }))
    add("a")
    yield* TestClock.adjust("9 seconds")
    assert.strictEqual(runs, 1)
    yield* TestClock.adjust("1 second")
    assert.strictEqual(runs, 2)
    yield* TestClock.adjust("60 seconds")
    assert.strictEqual(runs, 3)
  }).pipe(quiet))

  it.effect("tries again with doubling pauses up to the longest, and starts anew after a success", () => Effect.gen(function*() {
    const at: Array<number> = []
    let works = false
    const add = yield* start(() => Effect.clockWith((clock) => {
      at.push(clock.currentTimeMillisUnsafe() / 1000)
      return works ? Effect.succeed(done) : Effect.fail(new Broken())
    }))
    add("a")
    for (let i = 0; i < 32; i++) yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(at, [0, 1, 3, 7, 15, 23, 31])
    works = true
    for (let i = 0; i < 8; i++) yield* TestClock.adjust("1 second")
    works = false
    at.length = 0
    add("a")
    for (let i = 0; i < 2; i++) yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(at, [40, 41])
  }).pipe(quiet))

  it.effect("survives a defect, and tries that key again", () => Effect.gen(function*() {
    let runs = 0
    const add = yield* start(() => Effect.suspend(() => ++runs === 1 ? Effect.die(new Error("bug")) : Effect.succeed(done)))
    add("a")
    yield* TestClock.adjust("2 seconds")
    assert.strictEqual(runs, 2)
  }).pipe(quiet))

  it.effect("does not keep other keys waiting for a slow one", () => Effect.gen(function*() {
    const finished: Array<string> = []
    const add = yield* start(({ name }) => Effect.gen(function*() {
      if (name === "slow") yield* Effect.sleep("1 minute")
      finished.push(name)
      return done
    }))
    add("slow")
    add("quick")
    yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(finished, ["quick"])
  }).pipe(quiet))

  it.effect("counts its runs by result under controller-runtime's names", () => Effect.gen(function*() {
    let runs = 0
    const add = yield* start(() => Effect.suspend(() => ++runs === 1 ? Effect.fail(new Broken()) : Effect.succeed(done)))
    add("a")
    yield* TestClock.adjust("2 seconds")
    const text = yield* Metrics.use((metrics) => metrics.exposition)
    assert.include(text, "controller_runtime_reconcile_total{controller=\"test\",result=\"error\"} 1")
    assert.include(text, "controller_runtime_reconcile_total{controller=\"test\",result=\"success\"} 1")
  }).pipe(quiet))
})

describe("a singleton", () => {
  it.effect("runs again as it asks to, and with doubling pauses while it fails", () => Effect.gen(function*() {
    const at: Array<number> = []
    yield* Effect.forkScoped(runSingleton({
      name: "test",
      backoff,
      reconcile: Effect.clockWith((clock) => {
        at.push(clock.currentTimeMillisUnsafe() / 1000)
        return at.length <= 3 ? Effect.fail(new Broken()) : Effect.succeed(requeueAfter("30 seconds"))
      })
    }))
    for (let i = 0; i < 70; i++) yield* TestClock.adjust("1 second")
    assert.deepStrictEqual(at, [0, 1, 3, 7, 37, 67])
  }).pipe(quiet))
})

it("of two wishes for another run the earlier counts", () => {
  assert.deepStrictEqual(sooner(requeueAfter("2 seconds"), requeueAfter("1 second")), requeueAfter("1 second"))
  assert.deepStrictEqual(sooner(done, requeueAfter("1 second")), requeueAfter("1 second"))
  assert.deepStrictEqual(sooner(requeueAfter("1 second"), done), requeueAfter("1 second"))
})
