import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import type { NodePool } from "../../src/apis/nodePool.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { KubeObject } from "../../src/kube/objects.ts"
import { resource } from "../../src/kube/resources.ts"
import type { Resource } from "../../src/kube/resources.ts"
import { accepted, refused, refusedUpdates } from "../apis/crdCases.ts"
import { assertCause, failure, made, nodeClaim, nodePool, unique } from "./support.ts"
import type { ContractIt } from "./support.ts"

/** A case of the table under a name of its own, as it goes over the wire. */
const named = (object: object, name: string): KubeObject => {
  const given = JSON.parse(JSON.stringify(object)) as KubeObject
  const { namespace } = given.metadata
  return { ...given, metadata: { name, ...(namespace === undefined ? {} : { namespace }) } }
}

const resourceOf = ({ apiVersion, kind, metadata: { namespace } }: KubeObject): Resource => {
  const plural = kind === "LinodeNodeClass" ? "linodenodeclasses" : `${kind?.toLowerCase()}s`
  return resource(apiVersion ?? "", kind ?? "", plural, namespace === undefined ? "Cluster" : "Namespaced")
}

/** What the CRDs say: defaults, pruning and every rule. */
export const customResources = (it: ContractIt): void => {
  it.effect("defaults are filled in, inside of defaults too", () => Effect.gen(function*() {
    const pool = yield* made(NodePools, nodePool(yield* unique("defaults")))
    assert.deepStrictEqual(pool.spec.disruption, {
      consolidateAfter: "0s", consolidationPolicy: "WhenEmptyOrUnderutilized", budgets: [{ nodes: "10%" }]
    })
    assert.strictEqual(pool.spec.template.spec.expireAfter, "720h")
    const own = nodePool(yield* unique("given"), { disruption: { consolidationPolicy: "WhenEmpty" } })
    const given = yield* made(NodePools, own)
    assert.deepInclude(given.spec.disruption, { consolidationPolicy: "WhenEmpty", consolidateAfter: "0s" })
  }).pipe(Effect.scoped))

  it.effect("null is as good as nothing", () => Effect.gen(function*() {
    const pool = nodePool(yield* unique("null"))
    const nulls = { ...pool, spec: { ...pool.spec, disruption: null, limits: null } }
    const created = yield* made(NodePools, nulls as unknown as NodePool)
    assert.strictEqual(created.spec.disruption?.consolidateAfter, "0s")
    assert.notProperty(created.spec, "limits")
  }).pipe(Effect.scoped))

  it.effect("a status is judged as well", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("condition")))
    const lastTransitionTime = "2026-01-01T00:00:00Z"
    const ready = { type: "Ready", status: "True", lastTransitionTime, reason: "Ready", message: "" } as const
    const write = (...conditions: ReadonlyArray<object>) =>
      kube.patch(NodeClaims, claim.metadata, { status: { conditions } }, { kind: "merge", subresource: "status" })
    assertCause(yield* failure(write({ ...ready, reason: "two words" })), "status.conditions[0].reason")
    assertCause(yield* failure(write({ ...ready, status: "Maybe" })), "status.conditions[0].status", "Maybe")
    assertCause(yield* failure(write({ ...ready, lastTransitionTime: "today" })), "status.conditions[0].lastTransitionTime")
    assertCause(yield* failure(write(ready, ready)), "status.conditions[1]", "Duplicate")
    assert.deepStrictEqual((yield* write(ready)).status?.conditions, [ready])
  }).pipe(Effect.scoped))

  it.effect("fields that the schema does not know are dropped", () => Effect.gen(function*() {
    const name = yield* unique("pruned")
    const given = { ...nodeClaim(name), spec: { ...nodeClaim(name).spec, surprise: { a: 1 } } }
    const claim = yield* made(NodeClaims, given as KubeObject)
    assert.notProperty((claim as unknown as { readonly spec: object }).spec, "surprise")
  }).pipe(Effect.scoped))

  it.effect("every mistake is named", () => Effect.gen(function*() {
    const kube = yield* Kube
    const pool = nodePool(yield* unique("mistakes"), { weight: 500, limits: { cpu: "much" } })
    const spec = { ...pool.spec.template.spec, requirements: [{ key: "a", operator: "In" as const }] }
    const error = yield* failure(kube.create(NodePools, { ...pool, spec: { ...pool.spec, template: { spec } } }))
    assertCause(error, "spec.weight", "500")
    assertCause(error, "spec.limits.cpu", "much")
    assertCause(error, "spec.template.spec.requirements", "must have a value defined")
    assert.include(error.detail, "spec.weight")
  }))

  it.effect("the spec of a NodeClaim never changes", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("fixed")))
    const changed = { ...claim, spec: { ...claim.spec, expireAfter: "1h" } }
    assertCause(yield* failure(kube.update(NodeClaims, changed)), "spec", "immutable")
    const patch = { spec: { requirements: [{ key: "a", operator: "Exists" }] } }
    assertCause(yield* failure(kube.patch(NodeClaims, claim.metadata, patch, { kind: "merge" })), "spec", "immutable")
  }).pipe(Effect.scoped))

  for (const { name, object } of accepted) {
    it.effect(`accepts ${name}`, () => Effect.gen(function*() {
      const given = named(object, yield* unique("accepted"))
      const created = yield* made(resourceOf(given), given)
      assert.deepNestedInclude(created, { kind: given.kind })
    }).pipe(Effect.scoped))
  }

  for (const { name, object, field, rule } of refused) {
    it.effect(`refuses ${name}`, () => Effect.gen(function*() {
      const kube = yield* Kube
      const given = named(object, yield* unique("refused"))
      assertCause(yield* failure(kube.create(resourceOf(given), given)), field, rule)
    }))
  }

  for (const { name, before, after, rule } of refusedUpdates) {
    it.effect(`refuses ${name}`, () => Effect.gen(function*() {
      const kube = yield* Kube
      const given = named(before, yield* unique("changed"))
      const { metadata } = yield* made(resourceOf(given), given)
      const error = yield* failure(kube.update(resourceOf(given), { ...named(after, metadata.name), metadata }))
      assert.include(JSON.stringify(error.reason), rule)
    }).pipe(Effect.scoped))
  }
}
