/** The program dies at its n-th request, for every n: with the request carried out and its answer lost, or never sent. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { CloudProvider } from "../../src/cloud/cloudProvider.ts"
import { Caches } from "../../src/kube/caches.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Linode } from "../../src/linode/linode.ts"
import * as world from "./lkeWorld.ts"

interface Death {
  /** Which request is the last. */
  readonly at: number
  readonly carriedOut: boolean
  requests: number
}

/** Every request of a service goes through here; the one that kills never returns, and none is sent after it. */
const mortal = <S extends object>(service: S, death: Death): S => {
  const through = (request: Effect.Effect<unknown, unknown>) => Effect.suspend(() => {
    death.requests++
    if (death.requests < death.at) return request
    return death.requests === death.at && death.carriedOut ? Effect.andThen(Effect.exit(request), Effect.never) : Effect.never
  })
  return Object.fromEntries(Object.entries(service).map(([name, member]: [string, unknown]) => {
    if (name === "watch") return [name, member]
    if (Effect.isEffect(member)) return [name, through(member as Effect.Effect<unknown, unknown>)]
    return [name, (...args: ReadonlyArray<unknown>) => through((member as (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown, unknown>)(...args))]
  })) as S
}

const mortalServices = (death: Death) => Layer.effectContext(Effect.gen(function*() {
  const kube = yield* Kube
  const linode = yield* Linode
  return Context.make(Kube, mortal(kube, death)).pipe(Context.add(Linode, mortal(linode, death)))
}))

/** Runs the work in a program that may die, and drops everything that the program had when it is over or dead. */
const lifeUntil = <A, E>(death: Death, work: (cloud: world.Provider) => Effect.Effect<A, E, Kube>) => Effect.gen(function*() {
  const whole = Effect.scoped(Effect.gen(function*() {
    const context = yield* Layer.build(world.program.pipe(Layer.provideMerge(mortalServices(death))))
    yield* Context.get(context, Caches).synced
    return yield* work(Context.get(context, CloudProvider))
  }))
  const fiber = yield* Effect.forkChild(whole)
  yield* world.play(Effect.gen(function*() {
    while (fiber.pollUnsafe() === undefined && death.requests < death.at) yield* Effect.sleep("20 millis")
  }), "20 minutes")
  const finished = fiber.pollUnsafe() !== undefined
  yield* Fiber.interrupt(fiber)
  return finished
})

const immortal = (): Death => ({ at: Infinity, carriedOut: false, requests: 0 })

const everyDeath = <E, R>(oneLife: (death: Death) => Effect.Effect<boolean, E, R>) => Effect.gen(function*() {
  for (const carriedOut of [true, false]) {
    let lives = 0
    for (let at = 1; ; at++) {
      lives++
      if (yield* oneLife({ at, carriedOut, requests: 0 })) break
    }
    assert.isAbove(lives, 10)
  }
})

const names = world.numbered("claim", 3)

describe("a program that dies at any of its requests", () => {
  it.effect("has bought one node per claim when its successor is done", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const story = `died at request ${death.at}, carried out: ${death.carriedOut}`
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    const bound = Object.values(yield* world.bindings)
    assert.deepStrictEqual(bound.toSorted(), (yield* world.alive).map(({ node }) => node).toSorted(), story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)

  it.effect("leaves nothing behind of deleted claims when its successor is done", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const kept = (yield* world.bindings)[names[2]!]
    const doomed = names.slice(0, 2)
    const finished = yield* lifeUntil(death, (cloud) => world.deleteAll(cloud, doomed))
    yield* lifeUntil(immortal(), (cloud) => world.deleteAll(cloud, doomed).pipe(Effect.andThen(cloud.collectGarbage)))
    yield* TestClock.adjust("1 minute")
    const story = `died at request ${death.at}, carried out: ${death.carriedOut}`
    assert.deepStrictEqual((yield* world.alive).map(({ node }) => node), [kept], story)
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)
})
