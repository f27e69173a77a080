/** A leader whose watches are behind: it knows what the one before it wrote before it does anything. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { catchUp } from "../../src/controllers/catchUp.ts"
import { disruption } from "../../src/controllers/disruption/disruption.ts"
import { provisioner } from "../../src/controllers/provisioning/provisioner.ts"
import { Unavailable } from "../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../src/kube/memory/layer.ts"
import {
  all, given, givenBasics, givenMachine, LinodeNodeClasses, machine, medium, NodeClaims, nodeClass, nodePool, NodePools, pass,
  pending, Pods, settle, world
} from "../cluster/world.ts"

/** From now on no watch tells of NodeClaims. */
const deaf = Effect.gen(function*() {
  const memory = yield* MemoryApiServer
  yield* settle
  yield* memory.inject({ verb: "watch", resource: NodeClaims, reason: new Unavailable(), times: 10_000 })
  memory.server.breakWatches()
  yield* settle
})

/** Pods that wait, and the claim that was made for them. */
const promised = Effect.gen(function*() {
  for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name))
  const { claim } = machine("theirs", { type: medium })
  yield* given(NodeClaims, { ...claim, status: {} })
})

const leading = Effect.andThen(catchUp, provisioner)

describe("a leader whose watches are behind", () => {
  it.effect("buys nothing for pods that the one before it made claims for", () => Effect.gen(function*() {
    yield* givenBasics
    yield* deaf
    yield* promised
    yield* Effect.forkScoped(leading)
    yield* pass(30)
    assert.deepStrictEqual((yield* all(NodeClaims)).map(({ metadata }) => metadata.name), ["theirs"])
  }).pipe(Effect.provide(world)))

  it.effect("counts what the one before it disrupts", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* given(LinodeNodeClasses, nodeClass())
    yield* given(NodePools, nodePool("default", { disruption: { consolidateAfter: "0s", budgets: [{ nodes: "1" }] } }))
    for (const name of ["a", "b"]) yield* givenMachine(name, { conditions: ["Consolidatable"] })
    yield* deaf
    memory.server.delete(NodeClaims, { name: "b" })
    yield* Effect.forkScoped(Effect.andThen(catchUp, disruption))
    yield* pass(40)
    const going = (yield* all(NodeClaims)).filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
    assert.deepStrictEqual(going.map(({ metadata }) => metadata.name), ["b"])
  }).pipe(Effect.provide(world)))

  it.effect("begins nothing before the API server says what there is, and asks until it does", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* givenBasics
    yield* deaf
    for (const name of ["a", "b", "c"]) yield* given(Pods, pending(name))
    yield* memory.inject({ verb: "list", resource: NodeClaims, reason: new Unavailable(), times: 20 })
    const before = yield* memory.count("list", NodeClaims)
    yield* Effect.forkScoped(leading)
    yield* pass(60)
    assert.lengthOf(yield* all(NodeClaims), 0)
    assert.isAbove((yield* memory.count("list", NodeClaims)) - before, 5, "it asks again and again")
    yield* TestClock.adjust("5 minutes")
    yield* pass(30)
    assert.lengthOf(yield* all(NodeClaims), 1)
  }).pipe(Effect.provide(world)))
})
