/** The program dies at its n-th request, for every n: with the request carried out and its answer lost, or never sent. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { everyDeath, immortal, livesOf, storyOf } from "./deaths.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./lkeWorld.ts"

const lifeUntil = livesOf(world.program)

const names = world.numbered("claim", 3)

describe("a program that dies at any of its requests", () => {
  it.effect("has bought one node per claim when its successor is done", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const story = storyOf(death)
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
    const story = storyOf(death)
    assert.deepStrictEqual((yield* world.alive).map(({ node }) => node), [kept], story)
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)
})

describe("a program that is told to stop at any of its requests", () => {
  it.effect("leaves no purchase in doubt: its successor is done within a minute", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    const stopped = yield* Clock.currentTimeMillis
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const story = storyOf(death)
    assert.isBelow((yield* Clock.currentTimeMillis) - stopped, 60_000, story)
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    return finished
  }).pipe(Effect.provide(world.outside())), ["told to stop"]), 120_000)

  it.effect("leaves no refused purchase in doubt either", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const { cloud: linode } = yield* LinodeSimulator
    const claims = yield* world.addClaims(names, { types: ["g6-standard-2", "g6-standard-4"] })
    linode.soldOut("g6-standard-2", world.region)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    const stopped = yield* Clock.currentTimeMillis
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    assert.isBelow((yield* Clock.currentTimeMillis) - stopped, 60_000, storyOf(death))
    assert.strictEqual((yield* world.everBought).length, names.length, storyOf(death))
    return finished
  }).pipe(Effect.provide(world.outside())), ["told to stop"]), 120_000)
})
