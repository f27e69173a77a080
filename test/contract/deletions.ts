import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { Kube } from "../../src/kube/kube.ts"
import type { Pod, PodDisruptionBudget } from "../../src/kube/objects.ts"
import { Namespaces, PodDisruptionBudgets, Pods } from "../../src/kube/resources.ts"
import { assertCause, assertReason, boundPod, failure, gone, made, namespace, nodeClaim, unique, watched } from "./support.ts"
import type { ContractIt } from "./support.ts"

const finalizers = (it: ContractIt): void => {
  it.effect("an object with finalizers stays until the last has gone", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("held")
    const held = yield* made(NodeClaims, nodeClaim(name, { finalizers: ["example.com/a", "example.com/b"] }))
    yield* kube.delete(NodeClaims, { name })
    const leaving = yield* kube.get(NodeClaims, { name })
    assert.match(leaving.metadata.deletionTimestamp ?? "", /Z$/)
    assert.strictEqual(leaving.metadata.generation, 2)
    yield* kube.delete(NodeClaims, { name })
    assert.deepStrictEqual(yield* kube.get(NodeClaims, { name }), leaving)
    const setFinalizers = (...finalizers: ReadonlyArray<string>) =>
      kube.patch(NodeClaims, { name }, { metadata: { finalizers } }, { kind: "merge" })
    assertCause(
      yield* failure(setFinalizers("example.com/a", "example.com/b", "example.com/c")),
      "metadata.finalizers", "no new finalizers can be added if the object is being deleted"
    )
    yield* setFinalizers("example.com/b")
    yield* setFinalizers()
    yield* gone(name)
    const options = { resourceVersion: held.metadata.resourceVersion ?? "", fieldSelector: `metadata.name=${name}` }
    const events = yield* watched(NodeClaims, options, 3)
    assert.deepStrictEqual(events.map((event) => event.type), ["MODIFIED", "MODIFIED", "DELETED"])
    // The write that let it go was not kept: what is seen last is what it was before.
    assert.deepStrictEqual(events[2]?.object.metadata.finalizers, ["example.com/b"])
  }).pipe(Effect.scoped))

  it.effect("an object that goes can still have its status written", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("leaving")
    yield* made(NodeClaims, nodeClaim(name, { finalizers: ["example.com/a"] }))
    yield* kube.delete(NodeClaims, { name })
    const patch = { status: { nodeName: "n" } }
    const patched = yield* kube.patch(NodeClaims, { name }, patch, { kind: "merge", subresource: "status" })
    assert.strictEqual(patched.status?.nodeName, "n")
    assert.isDefined(patched.metadata.deletionTimestamp)
  }).pipe(Effect.scoped))

  it.effect("preconditions hold off the deletion of something else", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("meant")
    const first = yield* made(NodeClaims, nodeClaim(name))
    const second = yield* kube.patch(NodeClaims, { name }, { metadata: { labels: { a: "b" } } }, { kind: "merge" })
    const { uid, resourceVersion } = first.metadata
    assertReason(yield* failure(kube.delete(NodeClaims, { name }, { uid: "00000000-0000-0000-0000-000000000000" })), "Conflict")
    assertReason(yield* failure(kube.delete(NodeClaims, { name }, { ...(resourceVersion && { resourceVersion }) })), "Conflict")
    yield* kube.delete(NodeClaims, { name }, {
      ...(uid && { uid }), ...(second.metadata.resourceVersion && { resourceVersion: second.metadata.resourceVersion })
    })
    yield* gone(name)
  }).pipe(Effect.scoped))

  it.effect("the namespace default may not be deleted", () => Effect.gen(function*() {
    const kube = yield* Kube
    assertReason(yield* failure(kube.delete(Namespaces, { name: "default" })), "Denied")
  }))
}

const pods = (it: ContractIt): void => {
  it.effect("a pod on a node leaves when its grace is over, one without a node at once", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("grace")
    const bound = yield* made(Pods, boundPod(name))
    const { nodeName: _, ...spec } = boundPod(name).spec
    const pending = yield* made(Pods, { ...boundPod(`${name}-pending`), spec })
    assert.strictEqual(bound.status?.phase, "Pending")
    assert.strictEqual(bound.spec.terminationGracePeriodSeconds, 30)
    yield* kube.delete(Pods, pending.metadata)
    assertReason(yield* failure(kube.get(Pods, pending.metadata)), "NotFound")
    yield* kube.delete(Pods, bound.metadata)
    const leaving = yield* kube.get(Pods, bound.metadata)
    assert.isDefined(leaving.metadata.deletionTimestamp)
    assert.strictEqual(leaving.metadata.deletionGracePeriodSeconds, 30)
    yield* kube.delete(Pods, bound.metadata, { gracePeriodSeconds: 100 })
    assert.deepStrictEqual(yield* kube.get(Pods, bound.metadata), leaving)
    yield* kube.delete(Pods, bound.metadata, { gracePeriodSeconds: 5 })
    const sooner = yield* kube.get(Pods, bound.metadata)
    assert.strictEqual(sooner.metadata.deletionGracePeriodSeconds, 5)
    const earlier = Date.parse(leaving.metadata.deletionTimestamp ?? "") - Date.parse(sooner.metadata.deletionTimestamp ?? "")
    assert.strictEqual(earlier, 25_000)
    yield* kube.delete(Pods, bound.metadata, { gracePeriodSeconds: 0 })
    assertReason(yield* failure(kube.get(Pods, bound.metadata)), "NotFound")
  }).pipe(Effect.scoped))
}

const podStories = (it: ContractIt): void => {
  it.effect("the end of a pod is seen to begin before it is seen to be over", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("end")
    const { nodeName: _, ...unbound } = boundPod(name).spec
    // A scheduler that serves it would write to it in between.
    const spec = { ...unbound, schedulerName: "nobody" }
    const story = Effect.fnUntraced(function*(pod: Pod, howMany: number) {
      const { name, resourceVersion = "" } = pod.metadata
      const options = { namespace, resourceVersion, fieldSelector: `metadata.name=${name}` }
      const events = yield* watched(Pods, options, howMany)
      return events.map(({ type, object: { metadata } }) => [type, metadata.deletionGracePeriodSeconds, metadata.generation])
    })
    const pending = yield* made(Pods, { ...boundPod(`${name}-pending`), spec })
    yield* kube.delete(Pods, pending.metadata)
    assert.deepStrictEqual(yield* story(pending, 2), [["MODIFIED", 0, 2], ["DELETED", 0, 2]])
    const bound = yield* made(Pods, boundPod(`${name}-bound`))
    yield* kube.delete(Pods, bound.metadata)
    yield* kube.delete(Pods, bound.metadata, { gracePeriodSeconds: 0 })
    assert.deepStrictEqual(yield* story(bound, 3), [["MODIFIED", 30, 2], ["MODIFIED", 0, 2], ["DELETED", 0, 2]])
    const metadata = { name: `${name}-held`, namespace, finalizers: ["example.com/a"] }
    const held = yield* made(Pods, { ...boundPod(name), metadata })
    yield* kube.delete(Pods, held.metadata, { gracePeriodSeconds: 0 })
    yield* kube.patch(Pods, held.metadata, { metadata: { finalizers: null } }, { kind: "merge" })
    assert.deepStrictEqual(yield* story(held, 2), [["MODIFIED", 0, 2], ["DELETED", 0, 2]])
  }).pipe(Effect.scoped))
}

const running = (pod: Pod): Pod => ({
  ...pod,
  status: { ...pod.status, phase: "Running", conditions: [{ type: "Ready", status: "True" }] }
})

const runningPod = (name: string, labels: Readonly<Record<string, string>>) => Effect.gen(function*() {
  const kube = yield* Kube
  return yield* kube.updateStatus(Pods, running(yield* made(Pods, boundPod(name, labels))))
})

const budgetOf = (name: string, app: string): PodDisruptionBudget => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name, namespace },
  spec: { minAvailable: 1, selector: { matchLabels: { app } } }
})

/** What the disruption controller says of a budget for two ready pods; there may be none beside the server under test. */
const reckoned = (name: string) => Effect.gen(function*() {
  const kube = yield* Kube
  const status = { disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1, expectedPods: 2, observedGeneration: 1 }
  yield* kube.patch(PodDisruptionBudgets, { name, namespace }, { status }, { kind: "merge", subresource: "status" })
})

const evictions = (it: ContractIt): void => {
  it.effect("a pod without a budget is evicted, and keeps its grace", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("free")
    const pod = yield* runningPod(name, { app: name })
    assertReason(yield* failure(kube.evict(pod.metadata, { uid: "00000000-0000-0000-0000-000000000000" })), "Conflict")
    yield* kube.evict(pod.metadata, { ...(pod.metadata.uid && { uid: pod.metadata.uid }), gracePeriodSeconds: 7 })
    const leaving = yield* kube.get(Pods, pod.metadata)
    assert.strictEqual(leaving.metadata.deletionGracePeriodSeconds, 7)
    assert.isTrue(leaving.status?.conditions?.some(({ type, status }) => type === "DisruptionTarget" && status === "True"))
  }).pipe(Effect.scoped))

  it.effect("a budget is spent by an eviction and then blocks the next", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("budget")
    const first = yield* runningPod(`${name}-1`, { app: name })
    const second = yield* runningPod(`${name}-2`, { app: name })
    yield* made(PodDisruptionBudgets, budgetOf(name, name))
    yield* reckoned(name)
    yield* kube.evict(first.metadata)
    const error = yield* failure(kube.evict(second.metadata))
    assertReason(error, "DisruptionBlocked")
    assert.deepInclude(error.reason, { multipleBudgets: false })
    assert.strictEqual(error.status, 429)
    assert.isUndefined((yield* kube.get(Pods, second.metadata)).metadata.deletionTimestamp)
  }).pipe(Effect.scoped))

  it.effect("a pod with two budgets cannot be evicted", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("two")
    const pod = yield* runningPod(name, { app: name })
    yield* made(PodDisruptionBudgets, budgetOf(`${name}-1`, name))
    yield* made(PodDisruptionBudgets, budgetOf(`${name}-2`, name))
    const error = yield* failure(kube.evict(pod.metadata))
    assert.deepInclude(error.reason, { _tag: "DisruptionBlocked", multipleBudgets: true })
  }).pipe(Effect.scoped))

  it.effect("an unready pod costs a budget nothing where the budget is met or says so", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("unready")
    for (const [suffix, policy, currentHealthy, goes] of [
      ["met", undefined, 1, true], ["unmet", undefined, 0, false], ["always", "AlwaysAllow", 0, true]
    ] as const) {
      const own = { app: `${name}-${suffix}` }
      const pod = yield* made(Pods, boundPod(`${name}-${suffix}`, own))
      yield* kube.updateStatus(Pods, { ...pod, status: { ...pod.status, phase: "Running" } })
      if (currentHealthy > 0) yield* runningPod(`${name}-${suffix}-ready`, own)
      const budget = budgetOf(`${name}-${suffix}`, own.app)
      const spec = { ...budget.spec, ...(policy && { unhealthyPodEvictionPolicy: policy }) }
      yield* made(PodDisruptionBudgets, { ...budget, spec })
      const counts = { disruptionsAllowed: 0, currentHealthy, desiredHealthy: 1, expectedPods: 1 + currentHealthy }
      const status = { ...counts, observedGeneration: 1 }
      yield* kube.patch(PodDisruptionBudgets, budget.metadata, { status }, { kind: "merge", subresource: "status" })
      if (goes) yield* kube.evict(pod.metadata)
      else assertReason(yield* failure(kube.evict(pod.metadata)), "DisruptionBlocked")
    }
  }).pipe(Effect.scoped))

  it.effect("a pod that has not started asks no budget", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("pending")
    const pod = yield* made(Pods, boundPod(name, { app: name }))
    yield* made(PodDisruptionBudgets, budgetOf(name, name))
    yield* kube.evict(pod.metadata)
    assert.isDefined((yield* kube.get(Pods, pod.metadata)).metadata.deletionTimestamp)
  }).pipe(Effect.scoped))
}

/** How objects go. */
export const deletions = (it: ContractIt): void => {
  finalizers(it)
  pods(it)
  podStories(it)
  evictions(it)
}
