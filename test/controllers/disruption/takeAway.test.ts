import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { takeAway } from "../../../src/controllers/disruption/takeAway.ts"
import { Kube } from "../../../src/kube/kube.ts"
import { all, given, isTrue, machine, NodeClaims, settle, world } from "../../cluster/world.ts"
import { basics, going } from "./support.ts"

const marked = Effect.gen(function*() {
  yield* basics()
  const { claim } = machine("a")
  const conditions = [...claim.status?.conditions ?? [], { ...isTrue("DisruptionReason"), reason: "Empty" }]
  return yield* given(NodeClaims, { ...claim, status: { ...claim.status, conditions } })
})

describe("the end of a disruption", () => {
  it.effect("takes a claim that says that it is to go", () => Effect.gen(function*() {
    const claim = yield* marked
    assert.isTrue(yield* takeAway(claim, "Empty", undefined))
    assert.deepStrictEqual(yield* going, ["a"])
  }).pipe(Effect.provide(world)))

  it.effect("takes none that has changed when the deletion is carried out: it may have been called off", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* marked
    yield* kube.patch(NodeClaims, { name: "a" }, { status: { conditions: [] } }, { kind: "merge", subresource: "status" })
    yield* settle
    // As if the deletion, sent when the claim was marked, had been on its way since.
    const late = Kube.of({ ...kube, get: (<A>() => Effect.succeed(claim as NodeClaim as A)) as typeof kube.get })
    yield* takeAway(claim, "Empty", undefined).pipe(Effect.provideService(Kube, late), Effect.ignore)
    assert.deepStrictEqual(yield* going, [])
    assert.lengthOf(yield* all(NodeClaims), 1)
  }).pipe(Effect.provide(world)))
})
