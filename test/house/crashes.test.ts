/** The controller dies without a farewell, a fresh one takes over: nothing is bought twice, nothing is left behind. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life } from "./house.ts"
import type { House, LifeOptions, Script } from "./house.ts"
import type { Moment } from "./program.ts"

const pools = "/lke/clusters/{id}/pools"

/** True at the n-th moment of this kind. */
const nth = (n: number, is: (moment: Moment) => boolean) => {
  let seen = 0
  return (moment: Moment): boolean => is(moment) && ++seen === n
}

const writes = (what: string, at: Moment["at"], note = "") => (moment: Moment): boolean =>
  moment.at === at && moment.what === what && moment.body.includes(note)

/** True for what comes after a moment of the first kind. */
const after = (first: (moment: Moment) => boolean, then: (moment: Moment) => boolean) => {
  let begun = false
  return (moment: Moment): boolean => {
    if (begun && then(moment)) return true
    begun ||= first(moment)
    return false
  }
}

const options: LifeOptions = { nodePool: { types: ["g6-standard-2"] } }

/** Three nodes for six pods, then none, with a controller that dies on the way and one that takes over. */
const threeNodes = Effect.fnUntraced(function*(house: House, diesAt: (moment: Moment) => boolean) {
  const first = house.start(diesAt)
  const successor = Effect.gen(function*() {
    while (first.alive()) yield* Effect.sleep("100 millis")
    yield* Effect.sleep("1 second")
    house.start()
  })
  const story = Effect.gen(function*() {
    yield* house.scale(6)
    yield* house.settled(6)
    house.sound()
    house.thrifty()
    assert.strictEqual(house.bought().length, 3)
    yield* house.scale(0)
    yield* house.empty()
    assert.strictEqual(house.bought().length, 3)
  })
  yield* Effect.raceFirst(story, Effect.andThen(successor, Effect.never))
  return first.alive()
})

const mustDie = (diesAt: (moment: Moment) => boolean): Script => function*(house) {
  assert.isFalse(yield* threeNodes(house, diesAt), "the first controller was to die")
}

const moments: Readonly<Record<string, () => (moment: Moment) => boolean>> = {
  "before it asks for nodes": () => writes(`POST ${pools}`, "sending"),
  "when its order was carried out and the reply is lost": () => writes(`POST ${pools}`, "carriedOut"),
  "when it has the reply and has written nothing down": () =>
    after(writes(`POST ${pools}`, "carriedOut"), writes("patch nodeclaims", "sending")),
  "with one of three claims created": () => nth(2, writes("create nodeclaims", "sending")),
  "with its last claim created and unknown to it": () => nth(3, writes("create nodeclaims", "carriedOut")),
  "with its intent on one claim of three": () => nth(2, writes("patch nodeclaims", "sending", "lke-intent")),
  "with its intent on all claims": () => nth(3, writes("patch nodeclaims", "carriedOut", "lke-intent")),
  "with one of three claims bound": () => nth(1, writes("patch nodeclaims", "carriedOut", "karpenter.k8s.linode/lke-node\":\"")),
  "with two of three claims bound": () => nth(3, writes("patch nodeclaims", "sending", "karpenter.k8s.linode/lke-node\":\"")),
  "while it sentences the pool": () => writes(`PUT ${pools}/{id}`, "carriedOut", "karpenter-sentenced"),
  "before it deletes the pool": () => writes(`DELETE ${pools}/{id}`, "sending"),
  "with the pool deleted": () => writes(`DELETE ${pools}/{id}`, "carriedOut")
}

describe("a controller that dies", () => {
  // The tiers take turns; `HOUSE_CRASH_EVERY` goes through all of it.
  for (const [i, [name, diesAt]] of Object.entries(moments).entries()) {
    const tier = i % 2 === 0 ? "standard" : "enterprise"
    it(`${name}, on the ${tier} tier`, life({ ...options, tier }, mustDie(diesAt())))
  }

  for (const tier of ["standard", "enterprise"] as const) {
    it(`with an order that Linode carries out a minute later, on the ${tier} tier`, life({ ...options, tier }, function*(house) {
      house.api.faults.on(`POST ${pools}`, { kind: "late", afterMillis: 60_000 })
      yield* mustDie(writes(`POST ${pools}`, "carriedOut"))(house)
    }))
  }

  /** HOUSE_CRASH_EVERY=1 dies at every single moment there is. */
  const every = Number(process.env.HOUSE_CRASH_EVERY ?? 97)
  it(`at every ${every}th moment of its life`, async () => {
    for (let at = 3;; at += every) {
      let died = false
      let moments = 0
      let last = ""
      const diesAt = (moment: Moment): boolean => {
        if (++moments === at) last = `${moment.at} ${moment.what} ${moment.body}`
        return moments === at
      }
      const whole = life(options, function*(house) {
        died = !(yield* threeNodes(house, diesAt))
      })
      await whole().catch((error: unknown) => assert.fail(`died at moment ${at}, ${last}: ${String(error)}`))
      if (!died) break
    }
  }, 600_000)
})

describe("two replicas", () => {
  it("the second takes over after the lease from a leader that fell silent", life(options, function*(house) {
    const first = house.start(writes(`POST ${pools}`, "carriedOut"))
    yield* Effect.sleep("5 seconds")
    const second = house.start()
    yield* house.scale(6)
    yield* house.wait("the leader's death", () => !first.alive())
    const died = house.time.now
    const callsThen = house.api.log.length
    yield* Effect.sleep("10 seconds")
    // It has read the price list when it started; while the lease holds it does nothing.
    assert.strictEqual(house.api.log.length, callsThen)
    yield* house.settled(6)
    const next = house.api.log[callsThen]!.at - died
    assert.isAtLeast(next, 10_000)
    assert.isAtMost(next, 22_000, "the lease is 15 seconds, looked at every 2")
    assert.isTrue(second.alive())
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("the second takes over at once from a leader that is told to stop", life(options, function*(house) {
    const first = house.start()
    yield* Effect.sleep("5 seconds")
    house.start()
    yield* house.scale(6)
    yield* house.wait("the order", () => house.bought().length > 0)
    first.stop()
    yield* house.wait("its end", () => !first.alive(), "5 seconds")
    yield* house.settled(6, "4 minutes")
    assert.strictEqual(house.bought().length, 3)
    house.sound()
    house.thrifty()
  }))

  it("a leader that is cut off from the API server in the middle of its order ends, and the second finishes it", life(
    { ...options, restarts: true },
    function*(house) {
      const ordering = writes(`POST ${pools}`, "sending")
      let cutOff = false
      const first = house.start((moment) => {
        cutOff ||= ordering(moment)
        return false
      }, () => cutOff)
      yield* Effect.sleep("5 seconds")
      house.start()
      yield* house.scale(6)
      yield* house.wait("the end of the first", () => cutOff && !first.alive(), "1 minute")
      yield* house.settled(6)
      assert.strictEqual(house.bought().length, 3)
      house.sound()
      house.thrifty()
      yield* house.scale(0)
      yield* house.empty()
    }
  ))
})

describe("a controller that begins to lead", () => {
  const isLease = writes("create leases", "carriedOut")

  it("buys nothing before the API server has told it of the NodeClaims", life(options, function*(house) {
    yield* house.scale(6)
    const until = house.time.now + 60_000
    house.start(() => false, after(isLease, ({ what }) => what === "list nodeclaims" && house.time.now < until))
    yield* Effect.sleep("55 seconds")
    assert.strictEqual(house.claims().length, 0)
    assert.deepStrictEqual(house.changes(), [])
    yield* house.settled(6)
    house.sound()
  }))
})
