import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { Condition } from "../../src/kube/objects.ts"
import { Nodes } from "../../src/kube/resources.ts"
import { assertReason, failure, made, nodeClaim, unique } from "./support.ts"
import type { ContractIt } from "./support.ts"

const condition = (type: string, status: "True" | "False"): Condition =>
  ({ type, status, reason: "Tested", message: "", lastTransitionTime: "2026-01-01T00:00:00Z" })

/** The three kinds of patches. */
export const patches = (it: ContractIt): void => {
  it.effect("a merge patch sets, adds and takes away what it names", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("merge")
    yield* made(NodeClaims, nodeClaim(name, { labels: { a: "1", b: "2" }, annotations: { c: "3" } }))
    const patch = { metadata: { labels: { a: null, b: "x", d: "4" }, annotations: null } }
    const patched = yield* kube.patch(NodeClaims, { name }, patch, { kind: "merge" })
    assert.deepStrictEqual(patched.metadata.labels, { b: "x", d: "4" })
    assert.isUndefined(patched.metadata.annotations)
  }).pipe(Effect.scoped))

  it.effect("a merge patch with an older version is a Conflict, without one it lands", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("stale")))
    const patch = (resourceVersion: string | undefined, value: string) => kube.patch(NodeClaims, claim.metadata, {
      metadata: { labels: { value }, ...(resourceVersion !== undefined && { resourceVersion }) }
    }, { kind: "merge" })
    const second = yield* patch(claim.metadata.resourceVersion, "1")
    assertReason(yield* failure(patch(claim.metadata.resourceVersion, "2")), "Conflict")
    yield* patch(second.metadata.resourceVersion, "3")
    assert.strictEqual((yield* patch(undefined, "4")).metadata.labels?.["value"], "4")
  }).pipe(Effect.scoped))

  it.effect("patches of different fields at the same time all land", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("concurrent")))
    const keys = ["a", "b", "c", "d", "e"]
    yield* Effect.forEach(
      keys,
      (key) => kube.patch(NodeClaims, claim.metadata, { metadata: { labels: { [key]: "x" } } }, { kind: "merge" }),
      { concurrency: 5 }
    )
    assert.sameMembers(Object.keys((yield* kube.get(NodeClaims, claim.metadata)).metadata.labels ?? {}), keys)
  }).pipe(Effect.scoped))

  it.effect("a JSON patch does all it says or nothing", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("json")
    const metadata = { finalizers: ["example.com/a", "example.com/b"], labels: { "example.com/x": "1" } }
    yield* made(NodeClaims, nodeClaim(name, metadata))
    const patched = yield* kube.patch(NodeClaims, { name }, [
      { op: "test", path: "/metadata/finalizers/0", value: "example.com/a" },
      { op: "remove", path: "/metadata/finalizers/0" },
      { op: "replace", path: "/metadata/labels/example.com~1x", value: "2" },
      { op: "add", path: "/metadata/labels/y", value: "3" }
    ], { kind: "json" })
    assert.deepStrictEqual(patched.metadata.finalizers, ["example.com/b"])
    assert.deepStrictEqual(patched.metadata.labels, { "example.com/x": "2", y: "3" })
    for (const bad of [
      { op: "test", path: "/metadata/finalizers/0", value: "example.com/a" },
      { op: "remove", path: "/metadata/annotations/none" }
    ]) {
      const operations = [{ op: "add", path: "/metadata/labels/z", value: "4" }, bad]
      assertReason(yield* failure(kube.patch(NodeClaims, { name }, operations, { kind: "json" })), "Invalid")
    }
    assert.isUndefined((yield* kube.get(NodeClaims, { name })).metadata.labels?.["z"])
  }).pipe(Effect.scoped))

  it.effect("a strategic patch merges labels, finalizers and conditions of a node, not taints", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("strategic")
    const metadata = { name, labels: { a: "1" }, finalizers: ["example.com/a"] }
    yield* made(Nodes, { apiVersion: "v1", kind: "Node", metadata, spec: { taints: [{ key: "a", effect: "NoSchedule" }] } })
    const strategic = (patch: object) => kube.patch(Nodes, { name }, patch, { kind: "strategic" })
    const patched = yield* strategic({
      metadata: { labels: { b: "2" }, finalizers: ["example.com/b"] },
      spec: { taints: [{ key: "b", effect: "NoExecute" }] }
    })
    assert.deepInclude(patched.metadata.labels, { a: "1", b: "2" })
    assert.sameMembers([...patched.metadata.finalizers ?? []], ["example.com/a", "example.com/b"])
    assert.deepStrictEqual(patched.spec?.taints?.map((taint) => taint.key), ["b"])
    const without = yield* strategic({ metadata: { "$deleteFromPrimitiveList/finalizers": ["example.com/a"] } })
    assert.deepStrictEqual(without.metadata.finalizers, ["example.com/b"])
    const setConditions = (...conditions: ReadonlyArray<object>) =>
      kube.patch(Nodes, { name }, { status: { conditions } }, { kind: "strategic", subresource: "status" })
    yield* setConditions(condition("Ready", "False"), condition("Other", "True"))
    const merged = yield* setConditions(condition("Ready", "True"))
    const statuses = (merged.status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`)
    assert.sameMembers(statuses, ["Ready=True", "Other=True"])
    const dropped = yield* setConditions({ $patch: "delete", type: "Other" })
    assert.deepStrictEqual(dropped.status?.conditions?.map(({ type }) => type), ["Ready"])
  }).pipe(Effect.scoped))

  it.effect("a strategic patch of a custom resource is refused", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("custom")))
    const patch = { metadata: { labels: { a: "b" } } }
    const error = yield* failure(kube.patch(NodeClaims, claim.metadata, patch, { kind: "strategic" }))
    assert.strictEqual(error.status, 415)
    assertReason(error, "Invalid")
  }).pipe(Effect.scoped))
}
