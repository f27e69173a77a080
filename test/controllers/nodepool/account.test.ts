import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { nodePoolAccount } from "../../../src/controllers/nodepool/account.ts"
import {
  all, eventsOf, FakeCloud, given, givenBasics, isTrue, machine, NodeClaims, nodePool, NodePools, pass, settle, world
} from "../../cluster/world.ts"

const limit = { reason: "AccountLimitReached", message: "POST /x: Quota: Account Limit reached. Please open a support ticket." } as const
const auth = { reason: "LinodeAuthFailed", message: "GET /x: Auth: Invalid Token" } as const
const start = Effect.forkScoped(nodePoolAccount).pipe(Effect.andThen(settle))
const conditionsOf = (type: string) => Effect.map(all(NodePools), (pools) =>
  pools.map(({ status }) => status?.conditions?.find((one) => one.type === type)))

describe("an account that Linode refuses", () => {
  it.effect("is told of on every NodePool in Linode's words, and that it is over; the pools are ready unless the token is refused", () => Effect.gen(function*() {
    const cloud = yield* FakeCloud
    yield* givenBasics
    yield* given(NodePools, nodePool("second"))
    cloud.trouble = limit
    yield* start
    for (const condition of yield* conditionsOf("AccountReady")) assert.deepInclude(condition, { status: "False", ...limit })
    for (const condition of yield* conditionsOf("Ready")) assert.strictEqual(condition?.status, "True")
    const warnings = yield* eventsOf("AccountReady")
    assert.strictEqual(warnings.length, 2)
    assert.include(warnings[0]?.message, limit.message)
    cloud.trouble = auth
    yield* pass(15)
    for (const condition of yield* conditionsOf("AccountReady")) assert.deepInclude(condition, { status: "False", ...auth })
    for (const condition of yield* conditionsOf("Ready")) {
      assert.deepInclude(condition, { status: "False", reason: "UnhealthyDependents", message: "AccountReady=False" })
    }
    assert.strictEqual((yield* eventsOf("Ready")).length, 2)
    cloud.trouble = undefined
    yield* pass(60)
    for (const condition of yield* conditionsOf("AccountReady")) assert.strictEqual(condition?.status, "True")
    for (const condition of yield* conditionsOf("Ready")) assert.strictEqual(condition?.status, "True")
    assert.strictEqual((yield* eventsOf("AccountReady")).length, 6)
  }).pipe(Effect.provide(world)))

  it.effect("is no condition where it never was", () => Effect.gen(function*() {
    yield* givenBasics
    yield* start
    yield* pass(120)
    assert.deepStrictEqual(yield* conditionsOf("AccountReady"), [undefined])
  }).pipe(Effect.provide(world)))

  it.effect("is not thought well of because a process has just started", () => Effect.gen(function*() {
    yield* givenBasics
    const [made] = yield* all(NodePools)
    const refused = { ...isTrue("AccountReady"), status: "False" as const, ...limit }
    yield* given(NodePools, {
      ...nodePool("second"), status: { conditions: [...made?.status?.conditions ?? [], refused] }
    })
    yield* start
    yield* pass(50)
    assert.strictEqual((yield* conditionsOf("AccountReady"))[1]?.status, "False")
    yield* pass(20)
    assert.strictEqual((yield* conditionsOf("AccountReady"))[1]?.status, "True")
  }).pipe(Effect.provide(world)))

  it.effect("is an event on each claim that waits for it, once in a while", () => Effect.gen(function*() {
    yield* givenBasics
    const waiting = (name: string, reason: string, message: string) => {
      const { claim } = machine(name)
      const launched = { ...isTrue("Launched"), status: "Unknown" as const, reason, message }
      return given(NodeClaims, { ...claim, status: { conditions: [launched] } })
    }
    yield* waiting("a", "AccountLimitReached", limit.message)
    yield* waiting("b", "LinodeAuthFailed", auth.message)
    yield* waiting("c", "LaunchFailed", "not answered yet")
    yield* start
    yield* pass(300)
    assert.deepStrictEqual(
      (yield* eventsOf("AccountLimitReached")).map(({ involvedObject, message }) => [involvedObject.name, message]), [["a", limit.message]]
    )
    assert.deepStrictEqual(
      (yield* eventsOf("LinodeAuthFailed")).map(({ involvedObject, message }) => [involvedObject.name, message]), [["b", auth.message]]
    )
  }).pipe(Effect.provide(world)))
})
