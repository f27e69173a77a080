import { assert } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { LinodeNodeClasses } from "../../src/apis/linodeNodeClass.ts"
import type { LinodeNodeClass } from "../../src/apis/linodeNodeClass.ts"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Leases, resource } from "../../src/kube/resources.ts"
import { assertReason, failure, lease, made, namespace, nodeClaim, unique, watched } from "./support.ts"
import type { ContractIt } from "./support.ts"

/** Watches; `bookmarkWithin` is how long the server under test takes at most to send a bookmark, in milliseconds. */
export const watches = (it: ContractIt, bookmarkWithin: number): void => {
  it.effect("a watch tells of every change in order, and can be taken up anywhere", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("story")
    const { resourceVersion } = yield* kube.list(NodeClaims)
    const created = yield* kube.create(NodeClaims, nodeClaim(name, { labels: { story: name } }))
    for (const value of ["1", "2"]) {
      yield* kube.patch(NodeClaims, { name }, { metadata: { labels: { value } } }, { kind: "merge" })
    }
    yield* kube.delete(NodeClaims, { name })
    const labelSelector = `story=${name}`
    const events = yield* watched(NodeClaims, { resourceVersion, labelSelector }, 4)
    assert.deepStrictEqual(events.map((event) => event.type), ["ADDED", "MODIFIED", "MODIFIED", "DELETED"])
    assert.deepStrictEqual(events.map((event) => event.object.metadata.labels?.["value"]), [undefined, "1", "2", "2"])
    assert.deepStrictEqual(events[0]?.object, created)
    const versions = events.map((event) => BigInt(event.object.metadata.resourceVersion ?? 0))
    assert.isTrue(versions.every((version, i) => i === 0 || version > versions[i - 1]!), versions.join(" "))
    const rest = yield* watched(NodeClaims, { resourceVersion: String(versions[1]), labelSelector }, 2)
    assert.deepStrictEqual(rest, events.slice(2))
  }))

  it.effect("a watch that is open hears of what happens later", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("later")
    const first = yield* made(Leases, lease(name, { later: name }))
    const options = { namespace, resourceVersion: first.metadata.resourceVersion ?? "", labelSelector: `later=${name}` }
    const renew = kube.patch(Leases, { name, namespace }, { spec: { holderIdentity: "z" } }, { kind: "merge" })
    const [events] = yield* Effect.all([watched(Leases, options, 1), renew], { concurrency: 2 })
    assert.deepStrictEqual(events.map((event) => [event.type, event.object.spec?.holderIdentity]), [["MODIFIED", "z"]])
  }).pipe(Effect.scoped))

  it.effect("for a selector an object comes when it begins to match, and goes when it ceases to", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("selected")
    const { resourceVersion } = (yield* made(Leases, lease(name))).metadata
    const label = (on: string | null, holderIdentity: string) =>
      kube.patch(Leases, { name, namespace }, { metadata: { labels: { on } }, spec: { holderIdentity } }, { kind: "merge" })
    yield* label(name, "b")
    yield* label(name, "c")
    const last = yield* label(null, "d")
    const events = yield* watched(Leases, { namespace, resourceVersion: resourceVersion ?? "", labelSelector: `on=${name}` }, 3)
    assert.deepStrictEqual(events.map((event) => event.type), ["ADDED", "MODIFIED", "DELETED"])
    assert.strictEqual(events[2]?.object.metadata.resourceVersion, last.metadata.resourceVersion)
  }).pipe(Effect.scoped))

  it.effect("a watch by name and one of another namespace hear of nothing else", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("named")
    const { resourceVersion } = yield* kube.list(Leases)
    yield* made(Leases, lease(`${name}-other`))
    yield* made(Leases, lease(name))
    yield* made(Leases, { ...lease(name), metadata: { name, namespace: "kube-public" } })
    const [one] = yield* watched(Leases, { namespace, resourceVersion, fieldSelector: `metadata.name=${name}` }, 1)
    assert.strictEqual(one?.object.metadata.name, name)
    const elsewhere = { namespace: "kube-public", resourceVersion, fieldSelector: `metadata.name=${name}` }
    const [other] = yield* watched(Leases, elsewhere, 1)
    assert.strictEqual(other?.object.metadata.namespace, "kube-public")
  }).pipe(Effect.scoped))

  it.effect("a version from before all history is Expired", () => Effect.gen(function*() {
    const kube = yield* Kube
    const error = yield* failure(kube.watch(NodeClaims, { resourceVersion: "1" }).pipe(Stream.runDrain))
    assertReason(error, "Expired")
  }))

  it.effect("a quiet watch gets bookmarks, from which it can go on", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("quiet")
    const { resourceVersion } = yield* kube.list(NodeClaims)
    const bookmarks = yield* kube.watch(NodeClaims, { resourceVersion, labelSelector: `quiet=${name}` }).pipe(
      Stream.take(1),
      Stream.runCollect
    )
    const [bookmark] = bookmarks
    assert.strictEqual(bookmark?.type, "BOOKMARK")
    const from = bookmark?.type === "BOOKMARK" ? bookmark.resourceVersion : ""
    assert.isTrue(BigInt(from) >= BigInt(resourceVersion))
    yield* made(NodeClaims, nodeClaim(name, { labels: { quiet: name } }))
    const [added] = yield* watched(NodeClaims, { resourceVersion: from, labelSelector: `quiet=${name}` }, 1)
    assert.strictEqual(added?.type, "ADDED")
  }).pipe(Effect.scoped), bookmarkWithin + 10_000)

  it.effect("all versions of a kind show the same objects", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("versions")
    const older = resource<LinodeNodeClass>("karpenter.k8s.linode/v1alpha1", "LinodeNodeClass", "linodenodeclasses", "Cluster")
    const { resourceVersion } = yield* kube.list(older)
    const created = yield* made(older, {
      apiVersion: "karpenter.k8s.linode/v1alpha1", kind: "LinodeNodeClass", metadata: { name }, spec: { tags: ["aaa"] }
    })
    assert.strictEqual(created.apiVersion, "karpenter.k8s.linode/v1alpha1")
    const read = yield* kube.get(LinodeNodeClasses, { name })
    assert.deepStrictEqual(read, { ...created, apiVersion: "karpenter.k8s.linode/v1" })
    yield* kube.update(LinodeNodeClasses, { ...read, spec: { tags: ["bbb"] } })
    const events = yield* watched(older, { resourceVersion, fieldSelector: `metadata.name=${name}` }, 2)
    assert.deepStrictEqual(events.map(({ type, object }) => [type, object.apiVersion, object.spec.tags]), [
      ["ADDED", "karpenter.k8s.linode/v1alpha1", ["aaa"]], ["MODIFIED", "karpenter.k8s.linode/v1alpha1", ["bbb"]]
    ])
  }).pipe(Effect.scoped))
}
