import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import { createClaim } from "../../../src/controllers/provisioning/createClaim.ts"
import { AlreadyExists, Invalid, Throttled, Unavailable } from "../../../src/kube/kubeError.ts"
import { MemoryApiServer } from "../../../src/kube/memory/layer.ts"
import { NodeClaims, pass, world } from "../../cluster/world.ts"
import { claims } from "./support.ts"

const planned = (name = ""): NodeClaim => ({
  apiVersion: "karpenter.sh/v1", kind: "NodeClaim", metadata: { name, ...(name === "" ? { generateName: "default-" } : {}) },
  spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } }
})

const began = (claim: NodeClaim) => Effect.forkScoped(Effect.result(createClaim(claim)))

describe("a claim that is created", () => {
  it.effect("gets a name as the API server would give it, and another where that is taken", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new AlreadyExists(), status: 409, times: 3 })
    const claim = yield* createClaim(planned())
    assert.match(claim.metadata.name, /^default-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
    assert.deepStrictEqual((yield* claims).map(({ metadata }) => metadata.name), [claim.metadata.name])
  }).pipe(Effect.provide(world)))

  it.effect("is there once and is known, however many replies are lost", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), when: "after", times: 1 })
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), times: 3 })
    const fiber = yield* began(planned())
    yield* pass(10)
    const result = fiber.pollUnsafe()
    const [claim] = yield* claims
    assert.lengthOf(yield* claims, 1)
    assert.strictEqual(result?._tag === "Success" && result.value._tag === "Success" ? result.value.success.metadata.uid : undefined, claim?.metadata.uid)
  }).pipe(Effect.provide(world)))

  it.effect("is sent by the same name until somebody answers, and no more than some times", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    yield* memory.inject({ verb: "create", resource: NodeClaims, reason: new Unavailable(), times: 100 })
    const fiber = yield* began(planned())
    yield* pass(40)
    const result = fiber.pollUnsafe()
    assert.strictEqual(result?._tag === "Success" && result.value._tag, "Failure")
    assert.lengthOf(yield* claims, 0)
  }).pipe(Effect.provide(world)))

  it.effect("is not sent again when the answer is no", () => Effect.gen(function*() {
    const memory = yield* MemoryApiServer
    for (const reason of [new Invalid({ causes: [] }), new Throttled({ retryAfterSeconds: 1 })]) {
      yield* memory.inject({ verb: "create", resource: NodeClaims, reason, status: 422 })
      assert.strictEqual((yield* Effect.result(createClaim(planned())))._tag, "Failure")
    }
    assert.lengthOf(yield* claims, 0)
  }).pipe(Effect.provide(world)))

  it.effect("is refused where its name was chosen and is taken", () => Effect.gen(function*() {
    yield* createClaim(planned("fixed"))
    const second = yield* Effect.result(createClaim(planned("fixed")))
    assert.strictEqual(second._tag === "Failure" ? second.failure.reason._tag : "", "AlreadyExists")
  }).pipe(Effect.provide(world)))
})
