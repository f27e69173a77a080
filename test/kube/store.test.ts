import { assert, describe, it } from "@effect/vitest"
import { Effect, Scope } from "effect"
import type { Change } from "../../src/kube/caches.ts"
import type { Pod } from "../../src/kube/objects.ts"
import { Pods } from "../../src/kube/resources.ts"
import { compareVersions, makeStore } from "../../src/kube/store.ts"

const pod = (name: string, version: string, more: { readonly uid?: string; readonly node?: string } = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", uid: more.uid ?? `uid-${name}`, resourceVersion: version },
  spec: { containers: [], ...(more.node === undefined ? {} : { nodeName: more.node }) }
})
const ref = (name: string) => ({ name, namespace: "default" })
const names = (pods: ReadonlyArray<Pod>): ReadonlyArray<string> => pods.map((p) => p.metadata.name).toSorted()
const makePods = () => makeStore(Pods, { node: (p) => p.spec.nodeName })

const recording = Effect.fnUntraced(function*(store: ReturnType<typeof makePods>) {
  const seen: Array<string> = []
  yield* store.subscribe((change: Change<Pod>) => seen.push(`${change.type} ${change.object.metadata.name}`))
  return seen
})

it("compares resourceVersions as numbers of any length", () => {
  assert.isBelow(compareVersions("9", "10"), 0)
  assert.isAbove(compareVersions("90071992547409931", "90071992547409930"), 0)
  assert.strictEqual(compareVersions("7", "7"), 0)
})

describe("a store", () => {
  it("is synced by its first list, even an empty one", () => {
    const store = makePods()
    assert.isFalse(store.synced())
    store.replace([], "1")
    assert.isTrue(store.synced())
  })

  it("finds objects by index, and follows them when the value changes", () => {
    const store = makePods()
    store.replace([pod("a", "1", { node: "n1" }), pod("b", "2")], "2")
    assert.deepStrictEqual(names(store.by("node", "n1")), ["a"])
    store.apply(pod("a", "3", { node: "n2" }))
    store.apply(pod("b", "4", { node: "n2" }))
    assert.deepStrictEqual(names(store.by("node", "n1")), [])
    assert.deepStrictEqual(names(store.by("node", "n2")), ["a", "b"])
    store.remove(pod("a", "5", { node: "n2" }))
    assert.deepStrictEqual(names(store.by("node", "n2")), ["b"])
  })

  it("refuses an index that it does not keep", () => {
    assert.throws(() => makePods().by("nonesuch", "x"), /no index nonesuch/)
  })

  it("ignores an event older than what it has", () => {
    const store = makePods()
    store.replace([pod("a", "5", { node: "n1" })], "5")
    store.apply(pod("a", "4", { node: "old" }))
    assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "n1")
  })

  it.effect("drops managedFields and the last applied manifest, and keeps other annotations", () => Effect.gen(function*() {
    const store = makePods()
    const fat = pod("a", "1")
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "{}", keep: "me" }
    const metadata = { ...fat.metadata, annotations, managedFields: [{}] }
    store.replace([{ ...fat, metadata }], "1")
    const stored = store.get(ref("a"))
    assert.deepStrictEqual(stored?.metadata.annotations, { keep: "me" })
    assert.notProperty(stored?.metadata, "managedFields")
  }))
})

describe("a subscriber", () => {
  it.effect("first hears of every object already there, then of changes, until its scope ends", () => Effect.gen(function*() {
    const store = makePods()
    store.replace([pod("a", "1")], "1")
    const scope = yield* Scope.make()
    const seen = yield* recording(store).pipe(Scope.provide(scope))
    store.apply(pod("b", "2"))
    store.remove(pod("a", "3"))
    yield* Scope.close(scope, yield* Effect.exit(Effect.void))
    store.apply(pod("c", "4"))
    assert.deepStrictEqual(seen, ["applied a", "applied b", "deleted a"])
  }))

  it.effect("hears only of the differences when the kind is listed again", () => Effect.gen(function*() {
    const store = makePods()
    store.replace([pod("same", "1"), pod("changed", "2"), pod("gone", "3")], "3")
    const same = store.get(ref("same"))
    const seen = yield* recording(store)
    seen.length = 0
    store.replace([pod("same", "1"), pod("changed", "5"), pod("new", "6")], "6")
    assert.deepStrictEqual(seen.toSorted(), ["applied changed", "applied new", "deleted gone"])
    assert.strictEqual(store.get(ref("same")), same)
  }))

  it.effect("hears that an object made anew under the same name replaced the former", () => Effect.gen(function*() {
    const store = makePods()
    store.replace([pod("a", "1", { uid: "first" })], "1")
    const seen = yield* recording(store)
    store.replace([pod("a", "4", { uid: "second" })], "4")
    assert.deepStrictEqual(seen, ["applied a", "deleted a", "applied a"])
  }))

  it.effect("sees the store as it is after the change", () => Effect.gen(function*() {
    const store = makePods()
    store.replace([], "1")
    const sizes: Array<number> = []
    yield* store.subscribe(() => sizes.push(store.list().length))
    store.replace([pod("a", "2"), pod("b", "3")], "3")
    assert.deepStrictEqual(sizes, [2, 2])
  }))
})

describe("an observed write", () => {
  it.effect("is seen at once, and the watch's echo of it is no change", () => Effect.gen(function*() {
    const store = makePods()
    store.replace([pod("a", "1")], "1")
    const seen = yield* recording(store)
    seen.length = 0
    store.observe(pod("a", "2", { node: "n1" }))
    store.apply(pod("a", "2", { node: "n1" }))
    assert.deepStrictEqual(seen, ["applied a"])
    assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "n1")
  }))

  it("does not undo a newer event", () => {
    const store = makePods()
    store.replace([pod("a", "1")], "1")
    store.apply(pod("a", "3", { node: "newer" }))
    store.observe(pod("a", "2", { node: "older" }))
    assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "newer")
  })

  it("does not bring back what the watch has deleted since", () => {
    const store = makePods()
    store.replace([pod("a", "1")], "1")
    store.remove(pod("a", "3"))
    store.observe(pod("a", "2"))
    assert.isUndefined(store.get(ref("a")))
  })

  it("survives a list that was taken before it", () => {
    const store = makePods()
    store.replace([pod("a", "1")], "1")
    store.observe(pod("mine", "7"))
    store.observe(pod("a", "8", { node: "n1" }))
    store.replace([pod("a", "1")], "6")
    assert.deepStrictEqual(names(store.list()), ["a", "mine"])
    assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "n1")
    store.replace([], "9")
    assert.deepStrictEqual(names(store.list()), [])
  })

  it("of a successor is not lost to the late news of its predecessor's end", () => {
    const store = makePods()
    store.replace([pod("a", "1", { uid: "first" })], "1")
    store.observe(pod("a", "4", { uid: "second" }))
    store.remove(pod("a", "3", { uid: "first" }))
    assert.strictEqual(store.get(ref("a"))?.metadata.uid, "second")
  })
})

it("believes a list that is older than what it knew: the server was restored from a backup", () => {
  const store = makePods()
  store.replace([pod("a", "90"), pod("b", "91")], "95")
  store.replace([pod("a", "40", { node: "then" })], "50")
  assert.deepStrictEqual(names(store.list()), ["a"])
  assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "then")
  store.apply(pod("a", "51", { node: "next" }))
  assert.strictEqual(store.get(ref("a"))?.spec.nodeName, "next")
})
