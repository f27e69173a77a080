/** The program dies at its n-th request, for every n: with the request carried out and its answer lost, or never sent. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { everyDeath, immortal, livesOf, storyOf } from "./deaths.ts"
import * as world from "./instanceWorld.ts"

const lifeUntil = livesOf(world.program)
const names = world.numbered("claim", 3)

const ids = Effect.map(world.alive, (instances) => instances.map(({ id }) => `linode://${id}`).toSorted())

const providerIDs = Effect.forEach(names, (name) => Effect.map(world.getClaim(name), ({ status }) => status?.providerID))

describe("a program that dies at any of its requests", () => {
  it.effect("has bought one Linode per claim when its successor is done", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const story = storyOf(death)
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    assert.deepStrictEqual((yield* providerIDs).toSorted(), yield* ids, story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)

  it.effect("leaves nothing behind of deleted claims when its successor is done", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
    const kept = (yield* providerIDs)[2]
    const doomed = names.slice(0, 2)
    const finished = yield* lifeUntil(death, (cloud) => world.deleteAll(cloud, doomed))
    yield* lifeUntil(immortal(), (cloud) => world.deleteAll(cloud, doomed).pipe(Effect.andThen(cloud.collectGarbage)))
    yield* TestClock.adjust("1 minute")
    const story = storyOf(death)
    assert.deepStrictEqual(yield* ids, [kept], story)
    assert.strictEqual((yield* world.everBought).length, names.length, story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)

  it.effect("leaves nothing behind of claims that are deleted while it buys for them", () => everyDeath((death) => Effect.gen(function*() {
    yield* world.setUp()
    const claims = yield* world.addClaims(names)
    const finished = yield* lifeUntil(death, (cloud) => world.createAll(cloud, claims))
    yield* lifeUntil(immortal(), (cloud) => world.deleteAll(cloud, names))
    yield* TestClock.adjust("10 minutes")
    const story = storyOf(death)
    assert.deepStrictEqual(yield* ids, [], story)
    assert.isAtMost((yield* world.everBought).length, names.length, story)
    return finished
  }).pipe(Effect.provide(world.outside()))), 120_000)

  it.effect("has written the tags of a class when its successor is done, and taken off those that it wrote before", () =>
    everyDeath((death) => Effect.gen(function*() {
      const nodeClass = yield* world.setUp({ tags: ["old", "kept"] })
      const claims = yield* world.addClaims(names)
      yield* lifeUntil(immortal(), (cloud) => world.createAll(cloud, claims))
      for (const instance of yield* world.alive) instance.tags = [...instance.tags, "somebody's"]
      const edited = { ...nodeClass, spec: { tags: ["kept", "new"] } }
      const finished = yield* lifeUntil(death, (cloud) => cloud.retag(edited))
      yield* lifeUntil(immortal(), (cloud) => cloud.retag(edited))
      const story = storyOf(death)
      for (const { tags } of yield* world.alive) {
        assert.includeMembers([...tags], ["kept", "new", "somebody's", "lke-cluster-name=prod"], story)
        assert.notInclude(tags, "old", story)
      }
      return finished
    }).pipe(Effect.provide(world.outside()))), 120_000)
})
