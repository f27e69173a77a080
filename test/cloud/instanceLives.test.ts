/** When the trouble is over, each claim must own exactly one Linode and name it, nothing else may be left, and nothing was bought twice. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { machineLabel } from "../../src/cloud/instance/label.ts"
import { Kube } from "../../src/kube/kube.ts"
import * as world from "./instanceWorld.ts"
import { live, seeds } from "./lives.ts"

const life = (seed: number) => Effect.gen(function*() {
  yield* live(seed, {
    build: world.build,
    setUp: world.setUp(),
    // Two that both believe to lead.
    replicas: seed % 2 === 0 ? 2 : 1,
    launched: ({ metadata: { name, uid } }, machine) => Effect.flatMap(world.getClaim(name), (claim) =>
      claim.metadata.uid !== uid || claim.metadata.deletionTimestamp !== undefined ? Effect.void : world.adopt(name, machine))
  })
  const { items } = yield* (yield* Kube).list(NodeClaims)
  const identity = yield* world.identity
  const alive = yield* world.alive
  assert.deepStrictEqual(
    items.map((claim) => `${machineLabel(identity, claim)} ${claim.status?.providerID}`).toSorted(),
    alive.map(({ id, label }) => `${label} linode://${id}`).toSorted(), `seed ${seed}: claims and living Linodes`
  )
  const bought = (yield* world.everBought).map(({ name }) => name)
  for (const { label } of alive) assert.deepStrictEqual(bought.filter((name) => name === label), [label], `seed ${seed}: bought once`)
})

describe("lives of instance mode", () => {
  for (const seed of seeds) {
    it.effect(`seed ${seed}`, () => life(seed).pipe(Effect.provide(world.outside({ seed }))), 60_000)
  }
})
