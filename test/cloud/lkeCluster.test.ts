import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { layer, LkeCluster } from "../../src/cloud/lke/cluster.ts"
import { isOurs, newPoolTags } from "../../src/cloud/lke/tags.ts"
import { fitTag } from "../../src/cloud/tags.ts"
import { validateNodeClass } from "../../src/cloud/lke/validate.ts"
import { poolSpec } from "../../src/cloud/lke/poolSpec.ts"
import { Linode } from "../../src/linode/linode.ts"
import type { Cluster } from "../../src/linode/models.ts"
import { claimOf, nodeClass, settings } from "./lkeWorld.ts"

const found = (over: Partial<Cluster> = {}): Cluster => ({ id: 7, label: "prod", region: "us-ord", k8s_version: "1.35", tier: "standard", ...over })

describe("the cluster", () => {
  const discover = (clusters: ReadonlyArray<Cluster>, clusterRegion = "") => LkeCluster.use(Effect.succeed).pipe(
    Effect.provide(layer.pipe(
      Layer.provide(Layer.mock(Linode, { clustersByLabel: () => Effect.succeed(clusters) })),
      Layer.provide(settings({ clusterRegion }))
    ))
  )

  it.effect("is the one of that very name", () => Effect.gen(function*() {
    const cluster = yield* discover([found({ id: 8, label: "prod-2" }), found({ tier: "enterprise" })], "us-ord")
    assert.deepStrictEqual({ ...cluster }, { id: 7, name: "prod", region: "us-ord", tier: "enterprise", k8sVersion: "1.35" })
  }))

  it.effect("is of the standard tier where the API does not tell", () => Effect.gen(function*() {
    const { tier: _, ...silent } = found()
    assert.strictEqual((yield* discover([silent])).tier, "standard")
  }))

  const refused = [
    ["none is called so", [], "", "no LKE cluster of this account is called \"prod\""],
    ["two are called so", [found(), found({ id: 9, region: "us-sea" })], "", "2 LKE clusters are called \"prod\": 7 in us-ord, 9 in us-sea"],
    ["it is in another region", [found()], "us-sea", "LKE cluster \"prod\" is in region us-ord, not in us-sea as the settings say"]
  ] as const
  for (const [when, clusters, region, line] of refused) {
    it.effect(`is refused with one line when ${when}`, () => Effect.gen(function*() {
      assert.strictEqual((yield* Effect.flip(discover(clusters, region))).message, line)
    }))
  }
})

describe("tags of a pool", () => {
  const long = "x".repeat(60)

  it("are never longer than Linode allows, and stay apart when they are cut", () => {
    const names = { cluster: "c".repeat(32), nodePool: long, nodeClass: long }
    const tags = newPoolTags(names, "0123456789abcdef", "fedcba9876543210", ["team=a"])
    for (const tag of tags) assert.isAtMost(tag.length, 50)
    assert.notStrictEqual(fitTag("karpenter.sh/nodepool=", `${long}1`), fitTag("karpenter.sh/nodepool=", `${long}2`))
    assert.include(tags, "team=a")
  })

  it("are cut as the Go provider cuts a claim's name: the first 18 characters, a dash and FNV-1a", () => {
    assert.strictEqual(fitTag("karpenter.sh/nodeclaim=", "short"), "karpenter.sh/nodeclaim=short")
    assert.match(fitTag("karpenter.sh/nodeclaim=", "general-purpose-nodes-abcdefg"), /^karpenter\.sh\/nodeclaim=general-purpose-no-[0-9a-f]{8}$/)
  })

  it("tell our pools from all others", () => {
    const pool = (tags: ReadonlyArray<string>) => ({ id: 1, type: "t", count: 0, nodes: [], tags })
    const ours = newPoolTags({ cluster: "prod", nodePool: "a", nodeClass: "b" }, "0123456789abcdef", "n", [])
    assert.isTrue(isOurs(pool(ours), "prod"))
    assert.isFalse(isOurs(pool(ours), "production"))
    assert.isFalse(isOurs(pool([]), "prod"))
    assert.isFalse(isOurs(pool(["lke-cluster-name=prod"]), "prod"))
  })
})

describe("the key of a pool", () => {
  const cluster = { id: 7, name: "prod", region: "us-ord", tier: "standard", k8sVersion: "1.35" } as const
  const enterprise = { ...cluster, tier: "enterprise" } as const
  const base = poolSpec(cluster, nodeClass(), claimOf("a"), "g6-standard-2")

  it("is equal for claims of one template, whatever each of them turned out to be", () => {
    const launched = claimOf("b", { labels: { "karpenter.k8s.linode/instance-cpu": "2", "topology.kubernetes.io/zone": "us-ord", "karpenter.sh/capacity-type": "on-demand" } })
    assert.strictEqual(poolSpec(cluster, nodeClass(), launched, "g6-standard-2").key, base.key)
    assert.match(base.key, /^[0-9a-f]{16}$/)
  })

  it("is another for another NodePool, type, label, taint, and on enterprise firewall or version", () => {
    const keys = [
      base,
      poolSpec(cluster, nodeClass(), claimOf("a", { nodePool: "other" }), "g6-standard-2"),
      poolSpec(cluster, nodeClass(), claimOf("a"), "g6-standard-4"),
      poolSpec(cluster, nodeClass(), claimOf("a", { labels: { team: "a" } }), "g6-standard-2"),
      poolSpec(cluster, nodeClass(), claimOf("a", { taints: [{ key: "team", effect: "NoSchedule" }] }), "g6-standard-2"),
      poolSpec(enterprise, nodeClass(), claimOf("a"), "g6-standard-2"),
      poolSpec(enterprise, nodeClass({ firewallID: 3 }), claimOf("a"), "g6-standard-2"),
      poolSpec(enterprise, nodeClass({ lkeK8sVersion: "v1.33.6+lke7" }), claimOf("a"), "g6-standard-2")
    ].map(({ key }) => key)
    assert.strictEqual(new Set(keys).size, keys.length)
  })

  it("does not depend on what LKE's standard tier ignores", () => {
    const other = poolSpec(cluster, nodeClass({ firewallID: 3, image: "linode/debian13", tags: ["team=a"] }), claimOf("a"), "g6-standard-2")
    assert.strictEqual(other.key, base.key)
    assert.deepStrictEqual(Object.keys(other.pool("n", 2)).toSorted(), ["count", "labels", "tags", "taints", "type"])
  })

  it("sends no label or taint that Linode refuses", () => {
    const claim = claimOf("a", {
      labels: { "node-role.kubernetes.io/x": "", "linode.com/x": "y", "example.com/x": "" }, taints: [{ key: "node.kubernetes.io/x", effect: "NoSchedule" }]
    })
    const pool = poolSpec(cluster, nodeClass(), claim, "g6-standard-2").pool("n", 1)
    assert.deepStrictEqual(pool.labels, { "example.com/x": "", "karpenter.sh/nodepool": "general" })
    assert.deepStrictEqual(pool.taints, [])
  })
})

describe("a LinodeNodeClass", () => {
  const cluster = { id: 7, name: "prod", region: "us-ord", tier: "standard", k8sVersion: "1.35" } as const
  const enterprise = { ...cluster, tier: "enterprise" } as const
  const table = [
    ["passes when it is empty", validateNodeClass(nodeClass(), cluster, {}), []],
    ["passes with fields that LKE has no use for", validateNodeClass(nodeClass({ image: "linode/debian13", firewallID: 3 }), cluster, {}), []],
    ["cannot choose a version on the standard tier", validateNodeClass(nodeClass({ lkeK8sVersion: "1.35" }), cluster, {}), ["LKEK8sVersionUnsupported"]],
    ["cannot choose another version than the control plane's", validateNodeClass(nodeClass({ lkeK8sVersion: "v1" }), enterprise, { controlPlane: "v2" }), ["LKEK8sVersionControlPlaneMismatch"]],
    ["can choose that one", validateNodeClass(nodeClass({ lkeK8sVersion: "v2" }), enterprise, { controlPlane: "v2" }), []],
    ["cannot use Karpenter's own tags", validateNodeClass(nodeClass({ tags: ["karpenter.sh/nodepool=x", "karpenter-sentenced=pool"] }), cluster, {}), ["TagValidationFailed"]],
    ["cannot use tags that are too long", validateNodeClass(nodeClass({ tags: ["x".repeat(51)] }), cluster, {}), ["TagValidationFailed"]],
    ["names a firewall that is there", validateNodeClass(nodeClass({ firewallID: 3 }), cluster, { firewall: { id: 3, label: "f", status: "enabled" } }), []],
    ["cannot name a firewall that is not", validateNodeClass(nodeClass({ firewallID: 3 }), cluster, { firewall: "missing" }), ["FirewallNotFound"]],
    ["cannot name an image that is not", validateNodeClass(nodeClass({ image: "private/1" }), cluster, { image: "missing" }), ["ImageNotFound"]],
    ["cannot name an image that is not ready", validateNodeClass(nodeClass({ image: "private/1" }), cluster, { image: { id: "private/1", label: null, deprecated: false, status: "pending_upload" } }), ["ImageNotAvailable"]],
    ["can name a deprecated image", validateNodeClass(nodeClass({ image: "linode/debian9" }), cluster, { image: { id: "linode/debian9", label: null, deprecated: true } }), []],
    ["cannot name a placement group that is not", validateNodeClass(nodeClass({ placementGroup: { id: 4 } }), cluster, { placementGroup: "missing" }), ["PlacementGroupNotFound"]],
    ["cannot name a placement group of another region", validateNodeClass(nodeClass({ placementGroup: { id: 4 } }), cluster, {
      placementGroup: { id: 4, label: "g", region: "nowhere", placement_group_type: "affinity:local", placement_group_policy: "strict", members: [] }
    }), ["PlacementGroupInAnotherRegion"]],
    ["says everything that is wrong", validateNodeClass(nodeClass({ firewallID: 3, tags: ["Name=x"] }), cluster, { firewall: "missing" }), ["TagValidationFailed", "FirewallNotFound"]],
    ["can use opaque tags and tags of its own", validateNodeClass(nodeClass({ tags: ["prod", "team=a", "Name"] }), cluster, {}), []]
  ] as const
  for (const [what, issues, reasons] of table) {
    it(what, () => assert.deepStrictEqual(issues.map(({ reason }) => reason), [...reasons]))
  }
})
