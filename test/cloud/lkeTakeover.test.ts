/** What is taken of the Go provider's pools, and by whom: the decisions, case by case. */
import { assert, describe, it } from "@effect/vitest"
import { claimRequirements } from "../../src/apis/claimRequirements.ts"
import { annotation, label } from "../../src/apis/labels.ts"
import { claimOfOrphan, decideAdoption } from "../../src/cloud/lke/adopt.ts"
import { grace } from "../../src/cloud/requests.ts"
import { decideGrow } from "../../src/cloud/lke/grow.ts"
import { poolSpec } from "../../src/cloud/lke/poolSpec.ts"
import { recordOf } from "../../src/cloud/lke/record.ts"
import { makeView } from "../../src/cloud/lke/view.ts"
import type { Taint } from "../../src/kube/objects.ts"
import type { Pool } from "../../src/linode/models.ts"
import { nodePool } from "../house/objects.ts"
import { claimOf, nodeClass } from "./lkeWorld.ts"

const now = Date.UTC(2026, 0, 1)
const cluster = { id: 7, name: "prod", region: "us-ord", tier: "standard", k8sVersion: "1.35" } as const
const labels = { "karpenter.sh/nodepool": "general", "karpenter.k8s.linode/linodenodeclass": "default", team: "blue" }
const taint: Taint = { key: "example.com/batch", value: "yes", effect: "NoSchedule" }
const startup: Taint = { key: "example.com/agent", effect: "NoExecute" }

const theirs = (id: number, nodes: ReadonlyArray<string>, over: Partial<Pool> = {}): Pool => ({
  id, type: "g6-standard-2", count: nodes.length, labels, taints: [],
  nodes: nodes.map((node, i) => ({ id: node, instance_id: id * 10 + i, status: "ready" })),
  tags: ["karpenter.k8s.linode/lke-managed=true", "lke-cluster-name=prod", "karpenter.sh/nodepool=general"],
  ...over
})

const wanted = claimOf("a", { labels })
const spec = poolSpec(cluster, nodeClass(), wanted, "g6-standard-2")
const tainted = { ...wanted, spec: { ...wanted.spec, taints: [taint], startupTaints: [startup] } }

describe("a pool of the Go provider serves a claim", () => {
  const asked = (pool: Partial<Pool>) => spec.fits(theirs(1, ["1-x"], pool))
  it.each([
    ["that would get the like of it", {}, true],
    ["unless its type is another", { type: "g6-standard-4" }, false],
    ["unless it is of another NodePool", { tags: ["karpenter.sh/nodepool=other"] }, false],
    ["unless its nodes have another label", { labels: { ...labels, team: "red" } }, false],
    ["unless its nodes have a taint that the claim has not", { taints: [{ key: "x", value: "", effect: "NoSchedule" }] }, false],
    ["whatever it says of one node's own features", { labels: { ...labels, "karpenter.k8s.linode/instance-cpu": "2" } }, true]
  ] as const)("%s", (_, pool, fits) => assert.strictEqual(asked(pool), fits))

  it("with its startup taints, in any order", () => {
    const { fits } = poolSpec(cluster, nodeClass(), tainted, "g6-standard-2")
    const both = [{ key: startup.key, effect: startup.effect }, { ...taint }]
    assert.isTrue(fits(theirs(1, [], { taints: both })))
    assert.isTrue(fits(theirs(1, [], { taints: both.toReversed() })))
    assert.isFalse(fits(theirs(1, [], { taints: [taint] })))
  })

  it("on enterprise with the firewall and the version that are asked for", () => {
    const enterprise = { ...cluster, tier: "enterprise" } as const
    const { fits } = poolSpec(enterprise, nodeClass({ firewallID: 5, lkeK8sVersion: "v1.33.6+lke7" }), wanted, "g6-standard-2")
    assert.isTrue(fits(theirs(1, [], { firewall_id: 5, k8s_version: "v1.33.6+lke7" })))
    assert.isFalse(fits(theirs(1, [], { firewall_id: 0, k8s_version: "v1.33.6+lke7" })))
    assert.isFalse(fits(theirs(1, [], { firewall_id: 5, k8s_version: "v1.33.5+lke1" })))
  })
})

describe("a claim that waits", () => {
  const waiting = (name: string) => recordOf({ ...claimOf(name, { labels }), metadata: {
    ...claimOf(name, { labels }).metadata, uid: name, creationTimestamp: new Date(now - 60_000).toISOString()
  } })
  const grow = (names: ReadonlyArray<string>, pools: ReadonlyArray<Pool>, tags: Readonly<Record<string, string>> = {}) => {
    const view = makeView(cluster, now, names.map(waiting), pools, new Map(Object.entries(tags)))
    const plan = decideGrow(view, { key: spec.key, names: new Set(names), mayGrow: true, inherits: spec.fits, most: 100 })
    return { bound: plan.bind.map(({ claim, node }) => `${claim.name} ${node}`).toSorted(), bought: plan.change?.claims.length ?? 0, waits: plan.wait.length }
  }

  it("takes a free node instead of buying one", () =>
    assert.deepStrictEqual(grow(["a", "b"], [theirs(1, ["1-x"])]), { bound: ["a 1-x"], bought: 1, waits: 0 }))
  it("waits for a node that is on its way", () =>
    assert.deepStrictEqual(grow(["a", "b"], [theirs(1, ["1-x"], { count: 2 })]), { bound: ["a 1-x"], bought: 0, waits: 1 }))
  it("gets the node whose Linode carries its name, and no other claim does", () => assert.deepStrictEqual(
    grow(["a", "b"], [theirs(1, ["1-x", "1-y"])], { "1-x": "karpenter.sh/nodeclaim=b" }), { bound: ["a 1-y", "b 1-x"], bought: 0, waits: 0 }
  ))
  it("gets one where the Go provider gave it two", () => {
    const tags = { "1-x": "karpenter.sh/nodeclaim=b", "1-y": "karpenter.sh/nodeclaim=b" }
    assert.deepStrictEqual(grow(["b"], [theirs(1, ["1-x", "1-y"])], tags), { bound: ["b 1-x"], bought: 0, waits: 0 })
  })
  it("is known by the shortened name where it is long", () => {
    const name = "general-purpose-nodes-with-a-long-name-x7k2p"
    assert.deepStrictEqual(
      grow([name], [theirs(1, ["1-x"])], { "1-x": "karpenter.sh/nodeclaim=general-purpose-no-ffffffff" }).bound, [`${name} 1-x`],
      "a free node, whoever had it"
    )
  })
  it("never makes such a pool grow", () => {
    const owned = { ...waiting("z"), foreign: { nodeName: "lke7-1-x", instance: undefined } }
    const view = makeView(cluster, now, [owned, waiting("a")], [theirs(1, ["1-x"])])
    const plan = decideGrow(view, { key: spec.key, names: new Set(["a"]), mayGrow: true, inherits: spec.fits, most: 100 })
    assert.strictEqual(plan.change?.change, "new")
  })
})

describe("a node of the Go provider that no claim owns", () => {
  const adoption = (waits: boolean, sinceMillis: number) => {
    const claims = waits ? [recordOf(claimOf("a", { labels }))] : []
    const view = makeView(cluster, now, claims, [theirs(1, ["1-x"])])
    return decideAdoption(view, new Map([["1-x", now - sinceMillis]])).orphans.map(({ node }) => node.id)
  }
  it("gets a claim after the grace", () => assert.deepStrictEqual(adoption(false, grace), ["1-x"]))
  it("gets none before", () => assert.deepStrictEqual(adoption(false, grace - 1), []))
  it("gets none while a claim of its NodePool waits", () => assert.deepStrictEqual(adoption(true, grace), []))

  it("gets one that says what the node is, under the same name each time", () => {
    const [node] = theirs(1, ["1-x"]).nodes
    const pool = theirs(1, ["1-x"], { taints: [{ ...taint }, { key: startup.key, value: "", effect: startup.effect }] })
    const template = nodePool({ name: "general" })
    const claim = claimOfOrphan({ node: node!, pool }, {
      ...template, spec: { ...template.spec, template: { spec: { ...template.spec.template.spec, startupTaints: [startup] } } }
    })
    assert.strictEqual(claim.metadata.name, "general-1-x")
    assert.deepStrictEqual(claim.metadata.labels, labels)
    assert.strictEqual(claim.metadata.annotations?.[annotation.lkeNode], "1-x")
    assert.deepStrictEqual(claim.spec.taints, [taint], "what registered long ago has no startup taints")
    assert.deepStrictEqual(claim.spec.requirements, [{ key: label.instanceType, operator: "In", values: ["g6-standard-2"] }])
    assert.strictEqual(claim.spec.expireAfter, "720h")
  })
})

describe("a capacity type that a claim requires", () => {
  const kept = (requirement: ReturnType<typeof claimOf>["spec"]["requirements"][number]) =>
    claimRequirements({ ...wanted, spec: { ...wanted.spec, requirements: [requirement] } }).length === 1
  const key = label.capacityType
  it.each([
    ["counts when there is such a type", { key, operator: "In", values: ["on-demand", "spot"] }, true],
    ["does not count as a random number", { key, operator: "In", values: ["5577006791947779410"] }, false],
    ["does not count as none at all", { key, operator: "DoesNotExist" }, false],
    ["counts as an exclusion", { key, operator: "NotIn", values: ["spot"] }, true],
    ["is another matter than other labels", { key: "team", operator: "DoesNotExist" }, true]
  ] as const)("%s", (_, requirement, counts) => assert.strictEqual(kept(requirement), counts))
})
