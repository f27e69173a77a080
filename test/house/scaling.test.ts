import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life } from "./house.ts"
import type { LifeOptions } from "./house.ts"

const tiers = ["standard", "enterprise"] as const

describe("scaling up and down", () => {
  for (const tier of tiers) {
    it(`from 0 to 5 to 14 to 0 on the ${tier} tier runs every pod and leaves nothing`, life({ tier }, function*(house) {
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
    }))

    const fifty: LifeOptions = { tier, cpu: "2", nodePool: { types: ["g6-standard-2"] } }
    it(`50 nodes of one type take at most three changes at Linode on the ${tier} tier`, life(fifty, function*(house) {
      house.start()
      yield* house.scale(50)
      const bound = () => house.claims().filter((claim) => house.nodeOf(claim) !== undefined).length
      yield* house.wait("every claim to have its node", () => bound() === 50)
      assert.isAtMost(house.changes().length, 3)
      yield* house.settled(50)
      assert.isAtMost(house.changes().length, 3)
      assert.strictEqual(house.bought().length, 50)
      house.sound()
      yield* house.scale(0)
      yield* house.empty()
      house.thrifty()
    }))
  }
})

describe("pods that arrive while nodes are joining", () => {
  /** How many nodes are bought for 8 pods and 20 more that come two by two, when machines take so long to join. */
  const boughtWhen = async (join: number, options: LifeOptions): Promise<number> => {
    let bought = 0
    const delays = { assign: [1_000, 1_000], boot: [1_000, 1_000], run: [1_000, 1_000], join: [join, join] } as const
    await life({ ...options, delays }, function*(house) {
      house.start()
      yield* house.scale(8)
      for (let replicas = 10; replicas <= 28; replicas += 2) {
        yield* Effect.sleep("25 seconds")
        yield* house.scale(replicas)
      }
      yield* house.settled(28)
      house.sound()
      house.thrifty()
      bought = house.bought().length
    })()
    return bought
  }

  for (const tier of tiers) {
    it(`make a join of five minutes buy no more than a join of a second on the ${tier} tier`, async () => {
      const options: LifeOptions = { tier, nodePool: { types: ["g6-standard-4"] } }
      assert.strictEqual(await boughtWhen(300_000, options), 7)
      assert.strictEqual(await boughtWhen(1_000, options), 7)
    })
  }

  it("make a slow join buy no more where every type may be had", async () => {
    assert.isAtMost(await boughtWhen(300_000, {}), await boughtWhen(1_000, {}))
  })
})
