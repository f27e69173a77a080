import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import * as snapshot from "../../src/linode/snapshot.ts"

it.effect("the shipped catalogue has every type and region, decoded", () => Effect.gen(function*() {
  const types = yield* snapshot.types
  const regions = yield* snapshot.regions
  assert.strictEqual(types.length, 78)
  assert.strictEqual(regions.length, 43)
  assert.isTrue(types.some(({ price }) => price.hourly === null), "a price that isn't known stays unknown")
  const small = types.find(({ id }) => id === "g6-standard-1")
  assert.strictEqual(small?.region_prices.find(({ id }) => id === "id-cgk")?.hourly, 0.022)
}))
