/** When the trouble is over, each claim must own exactly one living node, nothing else may be left, and nothing was bought twice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import { live, seeds } from "./lives.ts"
import * as world from "./lkeWorld.ts"

const life = (seed: number) => Effect.gen(function*() {
  const claims = yield* live(seed, {
    build: world.build,
    setUp: world.setUp({ tier: seed % 3 === 0 ? "enterprise" : "standard" }),
    replicas: 1,
    launched: () => Effect.void
  })
  const bound = Object.values(yield* world.bindings)
  const alive = (yield* world.alive).map(({ node }) => node)
  const { cloud } = yield* LinodeSimulator
  assert.deepStrictEqual(bound.toSorted(), alive.toSorted(), `seed ${seed}: claims and living nodes`)
  assert.isAtMost((yield* world.everBought).length, claims, `seed ${seed}: nodes bought for ${claims} claims`)
  assert.isTrue([...cloud.pools.values()].every((pool) => pool.nodes.length > 0), `seed ${seed}: no empty pool`)
})

describe("lives of LKE mode", () => {
  for (const seed of seeds) {
    it.effect(`seed ${seed}`, () => life(seed).pipe(Effect.provide(world.outside({ seed }))), 60_000)
  }
})
