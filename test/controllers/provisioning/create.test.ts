import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createClaims } from "../../../src/controllers/provisioning/create.ts"
import { Caches } from "../../../src/kube/caches.ts"
import { Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { NodeClaims, NodePools, given, medium, nodePool, pass, world } from "../../cluster/world.ts"
import { claims, planned } from "./support.ts"

describe("claims that two loops create at the same moment", () => {
  it.effect("share one limit, and the second waits for what becomes of the first", () => Effect.gen(function*() {
    yield* given(NodePools, nodePool("default", { limits: { cpu: "4" } }))
    yield* (yield* Caches).synced
    const memory = yield* MemoryApiServer
    // The first is there, and the answer that says so is lost.
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), when: "after", times: 1 })
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), times: 1 })
    const create = createClaims([planned("n")], new Map([["default", [medium]]]))
    const fiber = yield* Effect.forkScoped(Effect.all([create, create], { concurrency: 2 }))
    yield* pass(5)
    const created = fiber.pollUnsafe()
    assert.deepStrictEqual(created?._tag === "Success" && created.value.map(({ length }) => length), [1, 0])
    assert.lengthOf(yield* claims, 1)
  }).pipe(Effect.provide(world)))
})
