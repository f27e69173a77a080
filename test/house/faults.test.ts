/** Linode fails in every way it knows. In the end the pods run, each node has its claim, and nothing was bought twice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life } from "./house.ts"
import type { House, LifeOptions } from "./house.ts"
import { token } from "./program.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"

const pools = "/lke/clusters/{id}/pools"
const options: LifeOptions = { nodePool: { types: ["g6-standard-2"] } }

const single: Readonly<Record<string, Fault>> = {
  "a reply that is lost": { kind: "lost" },
  "a request that is lost": { kind: "lost", acts: false },
  "an answer 500 after the action": { kind: "failedAfter" },
  "an answer that never comes": { kind: "hung" },
  "a request that hangs and does nothing": { kind: "hung", acts: false },
  "an action half a minute late": { kind: "late", afterMillis: 30_000 },
  "an action almost two minutes late": { kind: "late", afterMillis: 118_000 },
  "an answer that is cut off": { kind: "truncated" },
  "an answer that is not JSON": { kind: "malformed" },
  "an answer that takes nine seconds": { kind: "slow", millis: 9_000 },
  "an answer that takes half a minute": { kind: "slow", millis: 30_000 },
  "a 429": { kind: "refused", status: 429, retryAfterSeconds: 20 },
  "a proxy's 502": { kind: "refused", status: 502 }
}

/** Up in two steps, so that a pool is made and another change makes it grow, then down in two. */
const upAndDown = (house: House) => Effect.gen(function*() {
  for (const [replicas, nodes] of [[6, 3], [12, 6]] as const) {
    yield* house.scale(replicas)
    yield* house.settled(replicas)
    house.sound()
    assert.strictEqual(house.bought().length, nodes)
  }
  for (const replicas of [3, 0]) {
    yield* house.scale(replicas)
    if (replicas > 0) yield* house.settled(replicas)
  }
  yield* house.empty()
  assert.strictEqual(house.bought().length, 6)
  house.thrifty()
})

describe("every change at Linode meets", () => {
  for (const tier of ["standard", "enterprise"] as const) {
    for (const [name, fault] of Object.entries(single)) {
      // What differs by tier is how long the outcome of what was carried out stays unseen.
      if (tier === "enterprise" && !["lost", "failedAfter", "late"].includes(fault.kind)) continue
      it(`${name}, on the ${tier} tier`, life({ ...options, tier }, function*(house) {
        const changes = [`POST ${pools}`, `PUT ${pools}/{id}`, "DELETE /lke/clusters/{id}/nodes/{id}", `DELETE ${pools}/{id}`]
        for (const what of changes) house.api.faults.on(what, fault)
        house.start()
        yield* upAndDown(house)
        const met = house.api.log.filter(({ fault }) => fault !== undefined).map(({ method, route }) => `${method} ${route}`)
        assert.includeMembers(met, changes.slice(0, 2))
      }))
    }
  }
})

const storms: Readonly<Record<string, { readonly fault: Fault; readonly seconds: number; readonly reads?: boolean }>> = {
  "a minute of 429": { fault: { kind: "refused", status: 429, retryAfterSeconds: 10 }, seconds: 60 },
  "three minutes of 500": { fault: { kind: "refused", status: 500 }, seconds: 180 },
  "three minutes of 500 after each action": { fault: { kind: "failedAfter" }, seconds: 180 },
  "two minutes of silence": { fault: { kind: "hung" }, seconds: 120 },
  "a minute of broken JSON": { fault: { kind: "truncated" }, seconds: 60 }
}

describe("all of Linode answers with", () => {
  for (const [name, { fault, seconds }] of Object.entries(storms)) {
    it(name, life(options, function*(house) {
      house.start()
      const storm = Effect.gen(function*() {
        const calls = house.api.log.length
        const end = house.api.faults.on(() => true, fault, Infinity)
        yield* Effect.sleep(seconds * 1_000)
        end()
        assert.isBelow(house.api.log.length - calls, seconds * 3, "requests in a storm")
      })
      yield* Effect.sleep("5 seconds")
      yield* house.scale(6)
      yield* storm
      yield* house.settled(6)
      house.sound()
      assert.strictEqual(house.bought().length, 3)
      yield* house.scale(0)
      yield* Effect.sleep("20 seconds")
      yield* storm
      yield* house.empty()
      house.thrifty()
    }))
  }
})

describe("the controller", () => {
  it("starts although the first answers of Linode are errors", life(options, function*(house) {
    house.api.faults.on(() => true, { kind: "refused", status: 503 }, 4)
    house.start()
    yield* house.scale(6)
    yield* house.settled(6)
    house.sound()
  }))

  it("says that Linode refuses its token, without the token, and goes on when it is accepted", life(options, function*(house) {
    house.start()
    yield* Effect.sleep("5 seconds")
    const body = JSON.stringify({ errors: [{ reason: `Invalid Token ${token}` }] })
    const end = house.api.faults.on((request) => request.method === "POST", { kind: "answered", status: 401, body }, Infinity)
    yield* house.scale(2)
    const told = () => house.claims().flatMap((claim) => claim.status?.conditions ?? [])
      .find(({ reason }) => reason === "LinodeAuthFailed")
    yield* house.wait("the condition", () => told() !== undefined, "1 minute")
    assert.match(told()?.message ?? "", /Invalid Token <redacted>/)
    yield* Effect.sleep("1 minute")
    end()
    yield* house.settled(2)
    house.thrifty()
  }))
})
