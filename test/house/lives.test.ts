/**
 * Lives from a seed: users scale and delete, Linode and the API server fail in every way they know, controllers are killed
 * and started again. When the trouble is over every pod runs, each node has its claim, nothing was bought twice, and after
 * the last pod nothing is left.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { life, region } from "./house.ts"
import type { House } from "./house.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { Chance } from "../../src/simulator/linode/chance.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"

const seconds = 1_000
const minutes = 60 * seconds
/** HOUSE_SEEDS=500 HOUSE_FIRST_SEED=1 lives many more. */
const seeds = Number(process.env.HOUSE_SEEDS ?? 6)
const first = Number(process.env.HOUSE_FIRST_SEED ?? 1)

const faultOf = (chance: Chance): Fault => {
  const faults: ReadonlyArray<Fault> = [
    { kind: "refused", status: 500 },
    { kind: "refused", status: 429, retryAfterSeconds: chance.integer([1, 20]) },
    { kind: "failedAfter" },
    { kind: "lost" },
    { kind: "lost", acts: false },
    { kind: "hung" },
    { kind: "hung", acts: false },
    { kind: "late", afterMillis: chance.integer([1 * seconds, 100 * seconds]) },
    { kind: "truncated" },
    { kind: "slow", millis: chance.integer([1 * seconds, 15 * seconds]) }
  ]
  return faults[chance.integer([0, faults.length - 1])]!
}

const pick = <A>(chance: Chance, of: ReadonlyArray<A>): A | undefined => of[chance.integer([0, of.length - 1])]

const trouble = (house: House, chance: Chance, until: number) => Effect.gen(function*() {
  // A share of all requests fails until the trouble is over.
  const share = chance.integer([0, 30]) / 100
  const linode = new Chance(chance.integer([1, 1_000_000]))
  const end = house.api.faults
  const injector = Effect.gen(function*() {
    while (house.time.now < until) {
      if (linode.next() < share * 3) end.on(() => true, faultOf(linode), 1)
      yield* Effect.sleep(linode.integer([500, 5_000]))
    }
    end.clear()
  })
  const stock = Effect.gen(function*() {
    while (house.time.now < until) {
      yield* Effect.sleep(chance.integer([10 * seconds, 4 * minutes]))
      const restock = house.cloud.soldOut(pick(chance, ["g6-standard-1", "g6-standard-2", "g6-standard-4"])!, region)
      yield* Effect.sleep(chance.integer([10 * seconds, 2 * minutes]))
      restock()
    }
  })
  const users = Effect.gen(function*() {
    while (house.time.now < until) {
      yield* Effect.sleep(chance.integer([2 * seconds, 90 * seconds]))
      const choice = chance.integer([0, 9])
      const claim = pick(chance, house.claims())
      const node = pick(chance, house.nodes())
      if (choice === 0 && claim !== undefined) yield* Effect.ignore(house.kube.delete(NodeClaims, { name: claim.metadata.name }))
      else if (choice === 1 && node !== undefined) yield* Effect.ignore(house.kube.delete(Nodes, { name: node.metadata.name }))
      else yield* house.scale(chance.integer([0, 12]))
    }
  })
  const apiServer = Effect.gen(function*() {
    while (house.time.now < until) {
      yield* Effect.sleep(chance.integer([5 * seconds, 2 * minutes]))
      house.server.breakWatches()
      if (chance.integer([0, 2]) === 0) house.server.compact()
    }
  })
  const controllers = Effect.gen(function*() {
    let deadly = chance.integer([20, 800])
    const network = new Chance(chance.integer([1, 1_000_000]))
    const loss = chance.integer([0, 10]) / 200
    const start = () => house.start(
      () => house.time.now < until && --deadly < 0,
      () => house.time.now < until && network.next() < loss
    )
    let current = start()
    while (house.time.now < until) {
      yield* Effect.sleep("1 second")
      if (current.alive()) continue
      yield* Effect.sleep(chance.integer([0, 20 * seconds]))
      deadly = chance.integer([50, 3_000])
      current = start()
    }
    if (!current.alive()) start()
  })
  yield* Effect.all([injector, stock, users, apiServer, controllers], { concurrency: "unbounded", discard: true })
})

describe("lives of a cluster", () => {
  it("are the same from the same seed, line by line of the log", async () => {
    const lived = async (): Promise<ReadonlyArray<string>> => {
      let logs: ReadonlyArray<string> = []
      await life({ seed: 7 }, function*(house) {
        house.start()
        yield* house.scale(9)
        yield* house.settled(9)
        logs = house.logs
      })()
      return logs
    }
    assert.deepStrictEqual(await lived(), await lived())
  })

  for (let seed = first; seed < first + seeds; seed++) {
    const chance = new Chance(seed)
    const tier = seed % 3 === 0 ? "enterprise" : "standard"
    const join = chance.integer([5, 240]) * seconds
    const delays = { join: [join, join + 20 * seconds] } as const
    it(`seed ${seed}`, life({ seed, tier, delays, restarts: true }, function*(house) {
      yield* trouble(house, chance, house.time.now + chance.integer([2, 15]) * minutes)
      const replicas = chance.integer([1, 10])
      yield* house.scale(replicas)
      yield* house.settled(replicas)
      yield* Effect.sleep("5 minutes")
      yield* house.settled(replicas, "15 minutes")
      house.sound()
      house.thrifty()
      yield* house.scale(0)
      yield* house.empty()
      assert.isAbove(house.logs.length, 0)
    }), 60_000)
  }
})
