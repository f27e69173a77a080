/**
 * Whole lives from a seed: claims come and go, Linode fails in every way it knows, the program is stopped and started again. When
 * the trouble is over, each claim must own exactly one living node, nothing else may be left, and nothing was bought twice.
 */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Exit, Schedule } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Chance } from "../../src/simulator/linode/chance.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./lkeWorld.ts"

const seconds = 1_000
const trouble = 300 * seconds
const end = 1_100 * seconds
const seeds = Number(process.env.LKE_SEEDS ?? 12)
const first = Number(process.env.LKE_FIRST_SEED ?? 1)

const step = (cloud: world.Provider, claim: NodeClaim) => Effect.gen(function*() {
  const kube = yield* Kube
  const { name } = claim.metadata
  if (claim.metadata.deletionTimestamp === undefined) return yield* Effect.ignore(cloud.create(claim))
  const answer = yield* Effect.exit(cloud.delete(claim))
  if (Exit.isSuccess(answer) && answer.value === "gone") {
    yield* Effect.ignore(kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" }))
  }
})

/** What the controllers do, roughly, until the process ends. */
const controllers = (cloud: world.Provider) => Effect.gen(function*() {
  const kube = yield* Kube
  const claims = Effect.gen(function*() {
    const { items } = yield* kube.list(NodeClaims)
    yield* Effect.forEach(items, (claim) => step(cloud, claim), { concurrency: "unbounded", discard: true })
    yield* Effect.sleep("4 seconds")
  })
  const garbage = Effect.andThen(Effect.ignore(cloud.collectGarbage), Effect.sleep("30 seconds"))
  yield* Effect.all([Effect.forever(claims), Effect.forever(garbage)], { concurrency: 2 })
})

const faultsOf = (chance: Chance): ReadonlyArray<readonly [share: number, fault: () => Fault]> => [
  [4, () => ({ kind: "refused", status: 500 })],
  [3, () => ({ kind: "refused", status: 429, retryAfterSeconds: chance.integer([1, 5]) })],
  [5, () => ({ kind: "failedAfter" })],
  [4, () => ({ kind: "lost" })],
  [2, () => ({ kind: "lost", acts: false })],
  [2, () => ({ kind: "hung" })],
  [5, () => ({ kind: "late", afterMillis: chance.integer([1 * seconds, 80 * seconds]) })],
  [1, () => ({ kind: "truncated" })]
]

const life = (seed: number) => Effect.gen(function*() {
  const chance = new Chance(seed)
  const { api } = yield* LinodeSimulator
  const kube = yield* Kube
  yield* world.setUp({ tier: seed % 3 === 0 ? "enterprise" : "standard" })
  const now = Clock.currentTimeMillis

  const rules: Array<readonly [when: number, fault: Fault]> = []
  const make = faultsOf(chance)
  for (const [share, fault] of make) {
    for (let i = 0; i < share * 2; i++) rules.push([chance.integer([0, trouble]), fault()])
  }
  // Each strikes the first request after its time; most of them a change.
  for (const [at, fault] of rules) {
    const changesOnly = chance.integer([0, 3]) > 0
    const clock = yield* Clock.Clock
    api.faults.on(({ method }) => {
      const time = clock.currentTimeMillisUnsafe()
      return time >= at && time < trouble && (!changesOnly || method !== "GET")
    }, fault)
  }

  const claims = 4 + chance.integer([0, 5])
  const script = Effect.forEach(world.numbered("claim", claims), (name, i) => Effect.gen(function*() {
    yield* Effect.sleep(chance.integer([0, 150 * seconds]))
    yield* world.addClaims([name], { types: [["g6-standard-2", "g6-standard-4"][i % 2]!] })
    if (chance.integer([0, 2]) > 0) return
    yield* Effect.sleep(chance.integer([0, 120 * seconds]))
    yield* kube.delete(NodeClaims, { name })
  }), { concurrency: "unbounded", discard: true })

  const ends = [...Array.from({ length: chance.integer([0, 3]) }, () => chance.integer([10 * seconds, trouble])), end].toSorted((a, b) => a - b)
  const oneStart = Effect.scoped(Effect.flatMap(world.build, controllers))
  const processes = Effect.forEach(ends, (until) => Effect.gen(function*() {
    // A start that fails is tried again, as Kubernetes does with a container.
    const running = Effect.retry(oneStart, { schedule: Schedule.spaced("5 seconds") })
    yield* Effect.timeoutOption(running, Math.max(0, until - (yield* now)))
  }), { discard: true })

  yield* world.play(Effect.all([script, processes], { concurrency: 2, discard: true }), end * 3, 100)
  yield* world.pass("2 minutes")

  const bound = Object.values(yield* world.bindings)
  const alive = (yield* world.alive).map(({ node }) => node)
  const { cloud } = yield* LinodeSimulator
  assert.deepStrictEqual(bound.toSorted(), alive.toSorted(), `seed ${seed}: claims and living nodes`)
  assert.isAtMost((yield* world.everBought).length, claims, `seed ${seed}: nodes bought for ${claims} claims`)
  assert.isTrue([...cloud.pools.values()].every((pool) => pool.nodes.length > 0), `seed ${seed}: no empty pool`)
})

describe("lives of LKE mode", () => {
  for (let seed = first; seed < first + seeds; seed++) {
    it.effect(`seed ${seed}`, () => life(seed).pipe(Effect.provide(world.outside({ seed }))), 60_000)
  }
})
