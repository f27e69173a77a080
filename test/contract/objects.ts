import { assert } from "@effect/vitest"
import { Effect } from "effect"
import { NodeClaims } from "../../src/apis/nodeClaim.ts"
import { NodePools } from "../../src/apis/nodePool.ts"
import { Kube } from "../../src/kube/kube.ts"
import { Events, Leases, Nodes, Pods, resource } from "../../src/kube/resources.ts"
import { assertCause, assertReason, boundPod, failure, lease, made, namespace, nodeClaim, nodePool, unique } from "./support.ts"
import type { ContractIt } from "./support.ts"

const creation = (it: ContractIt): void => {
  it.effect("a created object has an identity and reads back equal", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("made")
    const created = yield* made(Leases, lease(name))
    assert.strictEqual(created.apiVersion, "coordination.k8s.io/v1")
    assert.strictEqual(created.kind, "Lease")
    assert.match(created.metadata.uid ?? "", /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/)
    assert.match(created.metadata.resourceVersion ?? "", /^[1-9]\d*$/)
    assert.match(created.metadata.creationTimestamp ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
    assert.deepStrictEqual(yield* kube.get(Leases, { name, namespace }), created)
  }).pipe(Effect.scoped))

  it.effect("the server names its version", () => Effect.gen(function*() {
    const kube = yield* Kube
    assert.match(yield* kube.serverVersion, /^v1\.\d+\.\d+/)
  }))

  it.effect("what is not there is NotFound, for every verb", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("missing")
    for (const call of [
      kube.get(NodeClaims, { name }),
      kube.update(Nodes, { apiVersion: "v1", kind: "Node", metadata: { name } }),
      kube.updateStatus(NodeClaims, nodeClaim(name, { resourceVersion: "1" })),
      kube.patch(NodeClaims, { name }, {}, { kind: "merge" }),
      kube.delete(NodeClaims, { name }),
      kube.evict({ name, namespace })
    ]) {
      const error = yield* failure(Effect.asVoid(call))
      assertReason(error, "NotFound")
      assert.strictEqual(error.status, 404)
    }
  }))

  it.effect("a resource that nobody serves is NotFound", () => Effect.gen(function*() {
    const kube = yield* Kube
    assertReason(yield* failure(kube.list(resource("example.com/v1", "Nothing", "nothings", "Cluster"))), "NotFound")
  }))

  it.effect("a name is taken once", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("taken")
    yield* made(NodeClaims, nodeClaim(name))
    assertReason(yield* failure(kube.create(NodeClaims, nodeClaim(name))), "AlreadyExists")
  }).pipe(Effect.scoped))

  it.effect("generateName makes up names that differ", () => Effect.gen(function*() {
    const generateName = `${yield* unique("generated")}-`
    const claim = nodeClaim("", { generateName })
    const names = [yield* made(NodeClaims, claim), yield* made(NodeClaims, claim)].map((each) => each.metadata.name)
    assert.notStrictEqual(names[0], names[1])
    for (const name of names) assert.match(name.slice(generateName.length), /^[a-z0-9]{5}$/)
    for (const name of names) assert.isTrue(name.startsWith(generateName))
  }).pipe(Effect.scoped))

  it.effect("a bad name is refused, as is none", () => Effect.gen(function*() {
    const kube = yield* Kube
    assertCause(yield* failure(kube.create(NodeClaims, nodeClaim("Not_A_Name"))), "metadata.name", "RFC 1123")
    assertCause(yield* failure(kube.create(NodeClaims, nodeClaim(""))), "metadata.name", "Required value")
  }))

  it.effect("there is nothing in a namespace that is not there", () => Effect.gen(function*() {
    const kube = yield* Kube
    const nowhere = yield* unique("nowhere")
    const error = yield* failure(kube.create(Leases, { ...lease("a"), metadata: { name: "a", namespace: nowhere } }))
    assertReason(error, "NotFound")
    assert.deepStrictEqual((yield* kube.list(Leases, { namespace: nowhere })).items, [])
  }))

  it.effect("of two that create the same lease one wins", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("race")
    const outcomes = yield* Effect.all([1, 2, 3].map(() => kube.create(Leases, lease(name))), { concurrency: 3, mode: "result" })
    const reasons = outcomes.map((outcome) => outcome._tag === "Success" ? "created" : outcome.failure.reason._tag).sort()
    assert.deepStrictEqual(reasons, ["AlreadyExists", "AlreadyExists", "created"])
    yield* kube.delete(Leases, { name, namespace })
  }))
}

const lists = (it: ContractIt): void => {
  it.effect("pages of a list hold everything once, in order, as it was at the first", () => Effect.gen(function*() {
    const kube = yield* Kube
    const group = yield* unique("pages")
    for (const n of [3, 1, 2, 5, 4]) yield* made(Leases, lease(`${group}-${n}`, { group }))
    const options = { namespace, labelSelector: `group=${group}`, limit: 2 }
    const first = yield* kube.list(Leases, options)
    yield* made(Leases, lease(`${group}-6`, { group }))
    const second = yield* kube.list(Leases, { ...options, continue: first.continue ?? "" })
    const third = yield* kube.list(Leases, { ...options, continue: second.continue ?? "" })
    const names = [first, second, third].map((page) => page.items.map((item) => item.metadata.name.slice(group.length + 1)))
    assert.deepStrictEqual(names, [["1", "2"], ["3", "4"], ["5"]])
    assert.isUndefined(third.continue)
    assert.deepStrictEqual([second.resourceVersion, third.resourceVersion], [first.resourceVersion, first.resourceVersion])
    assertReason(yield* failure(kube.list(Leases, { ...options, continue: "nonsense" })), "Invalid")
    assert.isTrue(first.items.every((item) => item.apiVersion === "coordination.k8s.io/v1" && item.kind === "Lease"))
  }).pipe(Effect.scoped))

  it.effect("label selectors choose", () => Effect.gen(function*() {
    const kube = yield* Kube
    const group = yield* unique("labels")
    yield* made(Leases, lease(`${group}-a`, { group, tier: "front" }))
    yield* made(Leases, lease(`${group}-b`, { group, tier: "back" }))
    yield* made(Leases, lease(`${group}-c`, { group }))
    for (const [selector, expected] of [
      ["tier", "ab"], ["!tier", "c"], ["tier=front", "a"], ["tier!=front", "bc"], ["tier in (front,back)", "ab"],
      ["tier notin (back)", "ac"]
    ] as const) {
      const { items } = yield* kube.list(Leases, { namespace, labelSelector: `group=${group},${selector}` })
      assert.strictEqual(items.map((item) => item.metadata.name.slice(-1)).join(""), expected, selector)
    }
    assertReason(yield* failure(kube.list(Leases, { labelSelector: "a in b" })), "Invalid")
  }).pipe(Effect.scoped))

  it.effect("field selectors choose by the fields that a kind offers", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("fields")
    const pod = yield* made(Pods, boundPod(name))
    const onNode = `spec.nodeName=${name}-node`
    for (const fieldSelector of [`metadata.name=${name}`, onNode, `${onNode},status.phase=Pending`]) {
      const { items } = yield* kube.list(Pods, { fieldSelector })
      assert.deepStrictEqual(items.map((item) => item.metadata.uid), [pod.metadata.uid], fieldSelector)
    }
    yield* made(Events, {
      apiVersion: "v1", kind: "Event", metadata: { name, namespace }, involvedObject: { kind: "Pod", name, namespace },
      type: "Normal", reason: "Tested", message: ""
    })
    const events = yield* kube.list(Events, { namespace, fieldSelector: `involvedObject.name=${name},involvedObject.kind=Pod` })
    assert.deepStrictEqual(events.items.map((event) => event.reason), ["Tested"])
    assertReason(yield* failure(kube.list(Pods, { fieldSelector: "spec.priority=1" })), "Invalid")
  }).pipe(Effect.scoped))
}

const writes = (it: ContractIt): void => {
  it.effect("an update of an older version is a Conflict and changes nothing", () => Effect.gen(function*() {
    const kube = yield* Kube
    const first = yield* made(Leases, lease(yield* unique("stale")))
    const second = yield* kube.update(Leases, { ...first, spec: { holderIdentity: "b" } })
    assert.isTrue(BigInt(second.metadata.resourceVersion ?? 0) > BigInt(first.metadata.resourceVersion ?? 0))
    const error = yield* failure(kube.update(Leases, { ...first, spec: { holderIdentity: "c" } }))
    assertReason(error, "Conflict")
    assert.strictEqual((yield* kube.get(Leases, first.metadata)).spec?.holderIdentity, "b")
  }).pipe(Effect.scoped))

  it.effect("of several that renew a lease from the same version one wins", () => Effect.gen(function*() {
    const kube = yield* Kube
    const seen = yield* made(Leases, lease(yield* unique("renewed")))
    const outcomes = yield* Effect.all(
      ["b", "c", "d"].map((holderIdentity) => kube.update(Leases, { ...seen, spec: { holderIdentity } })),
      { concurrency: 3, mode: "result" }
    )
    assert.strictEqual(outcomes.filter((outcome) => outcome._tag === "Success").length, 1)
    for (const outcome of outcomes) if (outcome._tag === "Failure") assertReason(outcome.failure, "Conflict")
  }).pipe(Effect.scoped))

  it.effect("an update without a version is for some kinds only", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("unversioned")
    yield* made(Nodes, { apiVersion: "v1", kind: "Node", metadata: { name } })
    const node = yield* kube.update(Nodes, { apiVersion: "v1", kind: "Node", metadata: { name, labels: { a: "b" } } })
    assert.strictEqual(node.metadata.labels?.["a"], "b")
    yield* made(NodeClaims, nodeClaim(name))
    const error = yield* failure(kube.update(NodeClaims, nodeClaim(name)))
    assertCause(error, "metadata.resourceVersion", "must be specified for an update")
  }).pipe(Effect.scoped))

  it.effect("an update of an object that was made anew under the name is a Conflict", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("anew")
    const former = yield* kube.create(NodeClaims, nodeClaim(name))
    yield* kube.delete(NodeClaims, { name })
    const { resourceVersion } = (yield* made(NodeClaims, nodeClaim(name))).metadata
    assertReason(yield* failure(kube.update(NodeClaims, former)), "Conflict")
    const disguised = { ...former, metadata: { ...former.metadata, resourceVersion: resourceVersion ?? "" } }
    assertReason(yield* failure(kube.update(NodeClaims, disguised)), "Conflict")
  }).pipe(Effect.scoped))

  it.effect("a write that changes nothing makes no new version", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("same")))
    const again = yield* kube.update(NodeClaims, claim)
    const patched = yield* kube.patch(NodeClaims, claim.metadata, { metadata: { labels: null } }, { kind: "merge" })
    for (const each of [again, patched]) assert.strictEqual(each.metadata.resourceVersion, claim.metadata.resourceVersion)
  }).pipe(Effect.scoped))

  it.effect("what only the server may say stays as it was", () => Effect.gen(function*() {
    const kube = yield* Kube
    const claim = yield* made(NodeClaims, nodeClaim(yield* unique("identity")))
    const { uid, creationTimestamp } = claim.metadata
    const metadata = { ...claim.metadata, creationTimestamp: "2001-01-01T00:00:00Z", generation: 77, labels: { a: "b" } }
    const updated = yield* kube.update(NodeClaims, { ...claim, metadata })
    assert.deepInclude(updated.metadata, { ...(uid && { uid }), ...(creationTimestamp && { creationTimestamp }), generation: 1 })
  }).pipe(Effect.scoped))

  it.effect("the status subresource parts spec from status, and only the spec counts generations", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("status")
    const pool = yield* made(NodePools, { ...nodePool(name), status: { nodes: 9 } })
    assert.strictEqual(pool.metadata.generation, 1)
    assert.isTrue(pool.status === undefined || pool.status.nodes === 0)
    const status = yield* kube.updateStatus(NodePools, { ...pool, spec: { ...pool.spec, weight: 7 }, status: { nodes: 3 } })
    assert.deepStrictEqual([status.spec.weight, status.status?.nodes, status.metadata.generation], [undefined, 3, 1])
    const main = yield* kube.update(NodePools, { ...status, spec: { ...status.spec, weight: 7 }, status: { nodes: 4 } })
    assert.deepStrictEqual([main.spec.weight, main.status?.nodes, main.metadata.generation], [7, 3, 2])
    const labelled = yield* kube.patch(NodePools, { name }, { metadata: { labels: { a: "b" } } }, { kind: "merge" })
    assert.strictEqual(labelled.metadata.generation, 2)
    const both = { spec: { weight: 1 }, status: { nodes: 5 } }
    const patched = yield* kube.patch(NodePools, { name }, both, { kind: "merge", subresource: "status" })
    assert.deepStrictEqual([patched.spec.weight, patched.status?.nodes], [7, 5])
    assertReason(yield* failure(kube.updateStatus(NodePools, status)), "Conflict")
  }).pipe(Effect.scoped))

  it.effect("a status write changes the metadata of a node but not that of a custom resource", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("metadata")
    yield* made(NodeClaims, nodeClaim(name))
    yield* made(Nodes, { apiVersion: "v1", kind: "Node", metadata: { name } })
    const patch = { metadata: { labels: { a: "b" }, finalizers: ["example.com/a"] } }
    const status = { kind: "merge", subresource: "status" } as const
    const claim = yield* kube.patch(NodeClaims, { name }, { ...patch, status: { nodeName: "n" } }, status)
    assert.strictEqual(claim.status?.nodeName, "n")
    assert.deepStrictEqual([claim.metadata.labels, claim.metadata.finalizers], [undefined, undefined])
    const node = yield* kube.patch(Nodes, { name }, { ...patch, status: { capacity: { cpu: "1" } } }, status)
    assert.deepStrictEqual([node.metadata.labels?.["a"], node.metadata.finalizers], ["b", ["example.com/a"]])
  }).pipe(Effect.scoped))

  it.effect("built-in kinds are judged and completed too", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("builtin")
    const pod = boundPod(name)
    const empty = { ...pod, spec: { ...pod.spec, containers: [] } }
    assertCause(yield* failure(kube.create(Pods, empty)), "spec.containers", "Required value")
    const mislabelled = { ...pod, metadata: { ...pod.metadata, labels: { a: "b c" } } }
    assertCause(yield* failure(kube.create(Pods, mislabelled)), "metadata.labels")
    const limits = { cpu: "2", memory: "1Gi" }
    const limited = { ...pod, spec: { ...pod.spec, containers: [{ name: "c", image: "i", resources: { limits } }] } }
    const created = yield* made(Pods, limited)
    assert.deepStrictEqual(created.spec.containers[0]?.resources?.requests, limits)
    assert.deepInclude(created.spec, { schedulerName: "default-scheduler", priority: 0 })
    assert.deepStrictEqual(created.spec.tolerations?.map(({ key, effect }) => [key, effect]), [
      ["node.kubernetes.io/not-ready", "NoExecute"], ["node.kubernetes.io/unreachable", "NoExecute"]
    ])
    const move = kube.patch(Pods, created.metadata, { spec: { nodeName: "other" } }, { kind: "merge" })
    assertCause(yield* failure(move), "spec", "Forbidden")
  }).pipe(Effect.scoped))

  it.effect("a node is created with its status", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("node")
    const status = { capacity: { cpu: "4" } }
    const node = yield* made(Nodes, { apiVersion: "v1", kind: "Node", metadata: { name }, status })
    assert.strictEqual(node.status?.capacity?.["cpu"], "4")
    const both = { spec: { providerID: "linode://1" }, status: { capacity: { cpu: "8" } } }
    const tried = yield* kube.patch(Nodes, { name }, both, { kind: "merge" })
    assert.deepStrictEqual([tried.spec?.providerID, tried.status?.capacity?.["cpu"]], ["linode://1", "4"])
  }).pipe(Effect.scoped))

  it.effect("the scale subresource sets the replicas", () => Effect.gen(function*() {
    const kube = yield* Kube
    const name = yield* unique("scale")
    yield* made(NodePools, nodePool(name, { replicas: 1 }))
    yield* kube.patch(NodePools, { name }, { spec: { replicas: 4 } }, { kind: "merge", subresource: "scale" })
    assert.strictEqual((yield* kube.get(NodePools, { name })).spec.replicas, 4)
  }).pipe(Effect.scoped))
}

/** Creating, reading and changing objects of any kind. */
export const objects = (it: ContractIt): void => {
  creation(it)
  lists(it)
  writes(it)
}
