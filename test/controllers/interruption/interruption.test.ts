import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber } from "effect"
import { annotation } from "../../../src/apis/labels.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { CloudError, CloudUnavailable } from "../../../src/cloud/cloudProvider.ts"
import type { Interruption } from "../../../src/cloud/cloudProvider.ts"
import { dueNow, interruption } from "../../../src/controllers/interruption/interruption.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { Denied } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { Metrics } from "../../../src/runtime/metrics.ts"
import {
  all, eventsOf, FakeCloud, given, givenBasics, givenMachine, machine, NodeClaims, pass, settle, world
} from "../../cluster/world.ts"

const hour = 3_600_000

const announced = (name: string, at: number | undefined, id = `maintenance/${name}`): Interruption =>
  ({ id, providerID: `linode://${name}`, at, message: `Linode's host maintenance (cold_migration) of ${name}` })

describe("what is announced for a machine", () => {
  const claim = (name: string, spec: Partial<NodeClaim["spec"]> = {}, metadata: Partial<NodeClaim["metadata"]> = {}): NodeClaim => {
    const { claim: made } = machine(name)
    return { ...made, metadata: { ...made.metadata, ...metadata }, spec: { ...made.spec, ...spec } }
  }
  const leaving = (name: string, spec: Partial<NodeClaim["spec"]> = {}, deadline?: string): NodeClaim => claim(name, spec, {
    deletionTimestamp: "1970-01-01T09:00:00Z",
    ...(deadline === undefined ? {} : { annotations: { [annotation.terminationTimestamp]: deadline } })
  })
  const graced = { terminationGracePeriod: "3h" }
  const claims = [
    claim("a"), claim("b", graced), leaving("c"), leaving("d", graced), leaving("e", graced, "1970-01-01T12:00:00Z"),
    leaving("f", graced, "1970-01-01T11:00:00Z")
  ]
  const of = (providerID: string) => claims.filter(({ status }) => status?.providerID === providerID)
  const due = (given: ReadonlyArray<Interruption>, now: number) =>
    dueNow(given, of, now, hour).map(({ claim: { metadata }, deadline, interruption: { id } }) => [metadata.name, id, deadline])

  const table: ReadonlyArray<readonly [string, ReadonlyArray<Interruption>, number, ReadonlyArray<unknown>]> = [
    ["is waited for until an hour before", [announced("a", 10 * hour)], 9 * hour - 1, []],
    ["takes the claim away an hour before, and waits for its pods", [announced("a", 10 * hour)], 9 * hour, [["a", "maintenance/a", undefined]]],
    ["takes it away at once when it has begun", [announced("a", undefined)], 0, [["a", "maintenance/a", undefined]]],
    ["leaves pods the time they were promised, where there is so much", [announced("b", 10 * hour)], 7 * hour, [["b", "maintenance/b", undefined]]],
    ["ends pods when the host goes down, where they may be ended", [announced("b", 10 * hour)], 9 * hour, [["b", "maintenance/b", 10 * hour]]],
    ["leaves pods their time where nobody knows how much there is", [announced("b", undefined)], hour, [["b", "maintenance/b", undefined]]],
    ["is nothing to a claim that goes already, and waits for its pods", [announced("c", 10 * hour)], 9.5 * hour, []],
    ["ends pods in time also where the claim goes already", [announced("d", 10 * hour)], 9.5 * hour, [["d", "maintenance/d", 10 * hour]]],
    ["and where they were promised longer", [announced("e", 10 * hour)], 9.5 * hour, [["e", "maintenance/e", 10 * hour]]],
    ["but not where the claim goes in time anyway", [announced("d", 12 * hour), announced("e", 12 * hour)], 9.5 * hour, []],
    ["nor against a deadline that somebody chose", [announced("f", 10 * hour)], 9.5 * hour, []],
    ["is nothing to machines that are not ours", [announced("z", undefined)], hour, []],
    [
      "counts once, for what comes first", [announced("a", 10 * hour, "second"), announced("a", 9 * hour, "first")], 9.5 * hour,
      [["a", "first", undefined]]
    ]
  ]
  for (const [what, given, now, expected] of table) it(what, () => assert.deepStrictEqual(due(given, now), expected))
})

describe("an announced interruption", () => {
  const start = Effect.gen(function*() {
    yield* givenBasics
    for (const name of ["a", "b"]) yield* givenMachine(name)
    return yield* FakeCloud
  })
  const run = Effect.forkScoped(interruption).pipe(Effect.tap(() => settle))
  const claimNamed = (name: string) => Effect.map(all(NodeClaims), (found) => found.find(({ metadata }) => metadata.name === name))
  const disrupted = Effect.flatMap(Metrics, ({ exposition }) => Effect.map(exposition, (text) =>
    [...text.matchAll(/^karpenter_nodeclaims_disrupted_total\{reason="scheduled_change".*\} (\d+)$/gm)].map(([, count]) => Number(count))))

  it.effect("deletes the claim in time, says why on claim and node, and leaves the others alone", () => Effect.gen(function*() {
    const cloud = yield* start
    const at = (yield* Clock.currentTimeMillis) + 2 * hour
    cloud.interruptions = Effect.succeed([announced("a", at)])
    yield* run
    yield* pass(3_500)
    assert.isUndefined((yield* claimNamed("a"))?.metadata.deletionTimestamp)
    yield* pass(160)
    const claim = yield* claimNamed("a")
    assert.isDefined(claim?.metadata.deletionTimestamp)
    assert.strictEqual(claim?.metadata.annotations?.[annotation.interruption], "maintenance/a")
    assert.isUndefined(claim?.metadata.annotations?.[annotation.terminationTimestamp])
    assert.isUndefined((yield* claimNamed("b"))?.metadata.deletionTimestamp)
    const events = yield* eventsOf("TerminatingOnInterruption")
    assert.deepStrictEqual(events.map(({ involvedObject }) => `${involvedObject.kind} ${involvedObject.name}`), ["NodeClaim a", "Node node-a"])
    assert.match(events[0]?.message ?? "", /host maintenance \(cold_migration\) of a, at 1970-01-01T02:00:00/)
  }).pipe(Effect.provide(world)))

  it.effect("counts once, however often it is told and whoever began it", () => Effect.gen(function*() {
    const cloud = yield* start
    cloud.interruptions = Effect.succeed([announced("a", undefined), announced("a", undefined, "event/7")])
    const first = yield* run
    yield* pass(120)
    yield* Fiber.interrupt(first)
    yield* run
    yield* pass(180)
    assert.deepStrictEqual(yield* disrupted, [1])
    assert.lengthOf(yield* eventsOf("TerminatingOnInterruption"), 2)
  }).pipe(Effect.provide(world)))

  it.effect("is finished by the next process where one was stopped between the note and the deletion", () => Effect.gen(function*() {
    const cloud = yield* start
    const { claim } = machine("c")
    yield* given(NodeClaims, { ...claim, metadata: { ...claim.metadata, annotations: { [annotation.interruption]: "maintenance/c" } } })
    cloud.interruptions = Effect.succeed([announced("c", undefined)])
    yield* run
    yield* pass(5)
    assert.isDefined((yield* claimNamed("c"))?.metadata.deletionTimestamp)
    assert.deepStrictEqual(yield* disrupted, [1])
  }).pipe(Effect.provide(world)))

  it.effect("leaves no deadline on a claim that could not be deleted", () => Effect.gen(function*() {
    const cloud = yield* start
    const memory = yield* MemoryApiServer
    const { claim } = machine("c")
    yield* given(NodeClaims, { ...claim, spec: { ...claim.spec, terminationGracePeriod: "30m" } })
    yield* memory.inject({ verb: "delete", resource: NodeClaims, reason: new Denied(), status: 403, times: Infinity })
    cloud.interruptions = Effect.succeed([announced("c", (yield* Clock.currentTimeMillis) + 600_000)])
    yield* run
    yield* pass(60)
    assert.isAtLeast(yield* memory.count("delete", NodeClaims), 2)
    cloud.interruptions = Effect.succeed([])
    yield* memory.heal
    yield* pass(300)
    const found = yield* claimNamed("c")
    assert.isUndefined(found?.metadata.deletionTimestamp)
    assert.isUndefined(found?.metadata.annotations?.[annotation.terminationTimestamp])
  }).pipe(Effect.provide(world)))

  it.effect("sets its deadline where one was stopped between the deletion and the deadline", () => Effect.gen(function*() {
    const cloud = yield* start
    const { claim } = machine("c")
    yield* given(NodeClaims, { ...claim, spec: { ...claim.spec, terminationGracePeriod: "30m" } })
    yield* Kube.use((kube) => kube.delete(NodeClaims, { name: "c" }))
    cloud.interruptions = Effect.succeed([announced("c", (yield* Clock.currentTimeMillis) + 600_000)])
    yield* run
    yield* pass(5)
    assert.strictEqual((yield* claimNamed("c"))?.metadata.annotations?.[annotation.terminationTimestamp], "1970-01-01T00:10:00Z")
    assert.deepStrictEqual(yield* disrupted, [])
    assert.lengthOf(yield* eventsOf("TerminatingOnInterruption"), 0)
  }).pipe(Effect.provide(world)))

  it.effect("of one machine whose claim cannot be written keeps nobody from the others", () => Effect.gen(function*() {
    const cloud = yield* start
    const memory = yield* MemoryApiServer
    yield* memory.inject({ verb: "patch", resource: NodeClaims, name: "a", reason: new Denied(), status: 403, times: Infinity })
    cloud.interruptions = Effect.succeed([announced("a", undefined), announced("b", undefined)])
    yield* run
    yield* pass(5)
    assert.isUndefined((yield* claimNamed("a"))?.metadata.deletionTimestamp)
    assert.isDefined((yield* claimNamed("b"))?.metadata.deletionTimestamp)
    // It is tried again.
    yield* memory.heal
    yield* pass(20)
    assert.isDefined((yield* claimNamed("a"))?.metadata.deletionTimestamp)
  }).pipe(Effect.provide(world)))

  it.effect("sets a deadline where the claim lets its pods be ended, and keeps one that is there", () => Effect.gen(function*() {
    const cloud = yield* start
    for (const [name, annotations] of [["c", {}], ["d", { [annotation.terminationTimestamp]: "1970-01-01T09:00:00Z" }]] as const) {
      const { claim } = machine(name)
      yield* given(NodeClaims, {
        ...claim, metadata: { ...claim.metadata, annotations }, spec: { ...claim.spec, terminationGracePeriod: "30m" }
      })
    }
    const at = (yield* Clock.currentTimeMillis) + 600_000
    cloud.interruptions = Effect.succeed([announced("c", at), announced("d", at)])
    yield* run
    yield* pass(5)
    const deadline = (name: string) =>
      Effect.map(claimNamed(name), (found) => found?.metadata.annotations?.[annotation.terminationTimestamp])
    assert.strictEqual(yield* deadline("c"), "1970-01-01T00:10:00Z")
    assert.strictEqual(yield* deadline("d"), "1970-01-01T09:00:00Z")
  }).pipe(Effect.provide(world)))

  it.effect("is heard of when Linode answers again", () => Effect.gen(function*() {
    const cloud = yield* start
    let looks = 0
    cloud.interruptions = Effect.suspend(() => {
      looks++
      return Effect.fail(new CloudError({ operation: "read", detail: "no", reason: new CloudUnavailable({ retryAfterSeconds: 120 }) }))
    })
    yield* run
    yield* pass(115)
    assert.strictEqual(looks, 1)
    cloud.interruptions = Effect.succeed([announced("a", undefined)])
    yield* pass(10)
    assert.isDefined((yield* claimNamed("a"))?.metadata.deletionTimestamp)
  }).pipe(Effect.provide(world)))
})
