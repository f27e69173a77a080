import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life } from "./house.ts"

describe("scaling up and down", () => {
  for (const tier of ["standard", "enterprise"] as const) {
    it(`from 0 to 5 to 14 to 0 on the ${tier} tier runs every pod and leaves nothing`, life({ tier }, (house) => Effect.gen(function*() {
      house.start()
      for (const replicas of [5, 14]) {
        yield* house.scale(replicas)
        yield* house.settled(replicas)
        house.sound()
      }
      yield* house.scale(0)
      yield* house.empty()
      assert.strictEqual(house.bought().length, house.claimsEver(), "one purchase for each claim")
      house.thrifty()
      assert.strictEqual(house.nodes().length, 0)
    })))
  }
})
