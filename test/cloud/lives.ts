/**
 * Whole lives from a seed: claims come and go, Linode fails in every way it knows, the program is stopped and started again, until the
 * trouble is over and everything had time to come right.
 */
import { Clock, Effect, Exit, Schedule } from "effect"
import type { Scope } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import type { NodeClaim } from "../../src/apis/nodeClaim.ts"
import type { Machine } from "../../src/cloud/cloudProvider.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { Linode } from "../../src/linode/linode.ts"
import { Chance } from "../../src/simulator/linode/chance.ts"
import type { Fault } from "../../src/simulator/linode/faults.ts"
import { LinodeSimulator } from "../../src/simulator/linode/linodeSimulator.ts"
import * as world from "./lkeWorld.ts"

const seconds = 1_000
const trouble = 300 * seconds
const end = 1_100 * seconds
/** The seeds that are lived, so many from the first one on. */
export const seeds = Array.from({ length: Number(process.env.CLOUD_SEEDS ?? 12) }, (_, i) => Number(process.env.CLOUD_FIRST_SEED ?? 1) + i)

/** What the modes do differently. */
export interface Mode {
  /** One start of the program, for the scope. */
  readonly build: Effect.Effect<world.Provider, unknown, Scope.Scope | Kube | Linode>
  /** What the cluster is before anything happens. */
  readonly setUp: Effect.Effect<unknown, unknown, Kube | LinodeSimulator>
  /** Programs that run at once: the second one is started beside the first. */
  readonly replicas: number
  /** What the lifecycle controller writes of a claim that has its machine. */
  readonly launched: (claim: NodeClaim, machine: Machine) => Effect.Effect<unknown, unknown, Kube>
}

const step = (cloud: world.Provider, launched: Mode["launched"], claim: NodeClaim) => Effect.gen(function*() {
  const kube = yield* Kube
  const { name } = claim.metadata
  if (claim.metadata.deletionTimestamp === undefined) {
    return yield* Effect.ignore(Effect.flatMap(cloud.create(claim), (machine) => launched(claim, machine)))
  }
  const answer = yield* Effect.exit(cloud.delete(claim))
  if (Exit.isSuccess(answer) && answer.value === "gone") {
    yield* Effect.ignore(kube.patch(NodeClaims, { name }, { metadata: { finalizers: null } }, { kind: "merge" }))
  }
})

/** What the controllers do, roughly, until the process ends. */
const controllers = (launched: Mode["launched"]) => (cloud: world.Provider) => Effect.gen(function*() {
  const kube = yield* Kube
  const claims = Effect.gen(function*() {
    const { items } = yield* kube.list(NodeClaims)
    yield* Effect.forEach(items, (claim) => step(cloud, launched, claim), { concurrency: "unbounded", discard: true })
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

/** How many claims were asked for; some of them are deleted. */
export const live = (seed: number, mode: Mode) => Effect.gen(function*() {
  const chance = new Chance(seed)
  const { api } = yield* LinodeSimulator
  const kube = yield* Kube
  yield* mode.setUp
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

  const endsOf = () => [...Array.from({ length: chance.integer([0, 3]) }, () => chance.integer([10 * seconds, trouble])), end].toSorted((a, b) => a - b)
  const oneStart = Effect.scoped(Effect.flatMap(mode.build, controllers(mode.launched)))
  const processes = (ends: ReadonlyArray<number>) => Effect.forEach(ends, (until) => Effect.gen(function*() {
    // A start that fails is tried again, as Kubernetes does with a container.
    const running = Effect.retry(oneStart, { schedule: Schedule.spaced("5 seconds") })
    yield* Effect.timeoutOption(running, Math.max(0, until - (yield* now)))
  }), { discard: true })

  yield* world.play(Effect.all([script, ...Array.from({ length: mode.replicas }, () => processes(endsOf()))], { concurrency: "unbounded", discard: true }), end * 3, 100)
  yield* world.pass("2 minutes")
  return claims
})
