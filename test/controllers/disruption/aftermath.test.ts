/** A NodePool in which pods went elsewhere than planned is left alone for a while, longer each time. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { TestClock } from "effect/testing"
import { annotation } from "../../../src/apis/labels.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import type { StateNode } from "../../../src/cluster/cluster.ts"
import type { Pod } from "../../../src/kube/objects.ts"
import { makeAftermath } from "../../../src/controllers/disruption/aftermath.ts"
import type { Aftermath } from "../../../src/controllers/disruption/aftermath.ts"
import { pod } from "../../cluster/world.ts"

const minute = 60_000

/** A machine bought at this time, as a replacement or because pods waited. */
const bought = (at: number, replaces?: string, pods: ReadonlyArray<Pod> = []): StateNode => ({
  nodePool: "default",
  pods,
  claim: {
    metadata: {
      name: "c", creationTimestamp: new Date(at).toISOString(),
      ...(replaces === undefined ? {} : { annotations: { [annotation.replaces]: replaces } })
    }
  }
}) as unknown as StateNode

/** A pod that this ReplicaSet makes anew where it has to go. */
const podOf = (owner: string, name = owner): Pod => pod(name, {}, {
  ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: owner, uid: owner, controller: true }]
})
const old = bought(-minute, undefined, [podOf("moved")])

const judged = Effect.fnUntraced(function*(aftermath: Aftermath, nodes: ReadonlyArray<StateNode>, pools: ReadonlyMap<string, NodePool> = new Map()) {
  const now = yield* Clock.currentTimeMillis
  yield* aftermath.judge(nodes, pools, now)
  return aftermath.waitsUntil("default", now) !== undefined
})

/** One consolidation after which a node had to be bought; minutes until the NodePool has its turn again. */
const failure = Effect.fnUntraced(function*(aftermath: Aftermath) {
  const start = yield* Clock.currentTimeMillis
  aftermath.consolidated(["default"], [old], [old], start)
  yield* TestClock.adjust("1 minute")
  let waited = 0
  for (let isWaiting = yield* judged(aftermath, [bought(start + 30_000, undefined, [podOf("moved")])]); isWaiting; waited++) {
    yield* TestClock.adjust("1 minute")
    isWaiting = aftermath.waitsUntil("default", yield* Clock.currentTimeMillis) !== undefined
  }
  return waited
})

describe("after a consolidation", () => {
  it.effect("its own replacements are as planned", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    aftermath.consolidated(["default"], [old], [old], 0)
    yield* TestClock.adjust("1 minute")
    assert.isFalse(yield* judged(aftermath, [bought(30_000, "{}", old.pods)]))
  }))

  it.effect("a node that was bought before says nothing, nor does one of a NodePool with a fixed number", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    yield* TestClock.adjust("5 minutes")
    aftermath.consolidated(["default"], [old], [old], 5 * minute)
    const fixed = new Map([["default", { spec: { replicas: 2 } } as unknown as NodePool]])
    assert.isFalse(yield* judged(aftermath, [bought(4 * minute, undefined, old.pods)]))
    assert.isFalse(yield* judged(aftermath, [bought(6 * minute, undefined, old.pods)], fixed))
  }))

  it.effect("a node that nobody planned holds the NodePool, longer each time, an hour at most", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    const waits: Array<number> = []
    for (let i = 0; i < 9; i++) waits.push(yield* failure(aftermath))
    assert.isAtLeast(waits[0]!, 1)
    for (const [i, most] of [1, 2, 4, 8, 16, 32, 60, 60, 60].entries()) {
      assert.isAtLeast(waits[i]!, Math.floor(most / 2))
      assert.isAtMost(waits[i]!, most)
    }
  }))

  it.effect("a node that was bought for pods that came since says nothing", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    aftermath.consolidated(["default"], [old], [old], 0)
    yield* TestClock.adjust("1 minute")
    assert.isFalse(yield* judged(aftermath, [bought(30_000)]), "the pod that moved does not run yet")
    assert.isFalse(yield* judged(aftermath, [bought(30_000, undefined, [podOf("moved"), pod("b")])]))
    assert.isFalse(yield* judged(aftermath, [bought(30_000, undefined, [podOf("moved")])]), "it was judged")
  }))

  it.effect("a node on which only others run says nothing, though no more pods run than before", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    const stays = bought(-minute, undefined, [podOf("other", "other-1")])
    aftermath.consolidated(["default"], [old], [old, stays], 0)
    yield* TestClock.adjust("1 minute")
    const moved = { ...stays, pods: old.pods }
    assert.isFalse(yield* judged(aftermath, [moved, bought(30_000, undefined, [podOf("other", "other-2")])]))
    assert.isTrue(yield* judged(aftermath, [stays, bought(40_000, undefined, [podOf("moved")])]), "it is looked at further on")
  }))

  it.effect("a quarter of an hour in peace lets it begin anew", () => Effect.gen(function*() {
    const aftermath = makeAftermath()
    for (let i = 0; i < 5; i++) yield* failure(aftermath)
    aftermath.consolidated(["default"], [old], [old], yield* Clock.currentTimeMillis)
    yield* TestClock.adjust("15 minutes")
    assert.isFalse(yield* judged(aftermath, []))
    assert.isAtMost(yield* failure(aftermath), 1)
  }))
})
