/** Who may be disrupted, how many, and in what order: each rule by itself (Karpenter's disruption). */
import { assert, describe, it } from "@effect/vitest"
import { annotation, label } from "../../../src/apis/labels.ts"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import type { StateNode } from "../../../src/cluster/cluster.ts"
import type { Disruption } from "../../../src/cluster/replacements.ts"
import { budgeted, censusOf } from "../../../src/controllers/disruption/budget.ts"
import type { Pool } from "../../../src/controllers/disruption/budget.ts"
import { candidateOf, pdbsOf, pricesOf } from "../../../src/controllers/disruption/candidate.ts"
import type { Candidate, Known } from "../../../src/controllers/disruption/candidate.ts"
import { drift } from "../../../src/controllers/disruption/drift.ts"
import { deadlineMillis, progressOf } from "../../../src/controllers/disruption/queue.ts"
import type { Progress } from "../../../src/controllers/disruption/queue.ts"
import { underutilized } from "../../../src/controllers/disruption/underutilized.ts"
import type { NodeClaim } from "../../../src/apis/nodeClaim.ts"
import type { Pod, PodDisruptionBudget } from "../../../src/kube/objects.ts"
import { isTrue, machine, medium, nodePool, pod, small } from "../../cluster/world.ts"
import { candidate, forAll, pool } from "./cases.ts"
import type { Case } from "./cases.ts"

const minute = 60_000

describe("a drifted node", () => {
  const decide = (one: Candidate, of: Pool, isStatic = false) => drift({ candidates: [one], pools: new Map([[of.name, of]]), isStatic })[0]
  const cases: ReadonlyArray<Case> = [
    ...forAll,
    ["it is what would be made now", "keep", "NotDrifted", { driftedSince: undefined }, {}],
    ["its NodePool has a fixed size", "keep", "StaticNodePool", {}, { isStatic: true }],
    ["the budget is used up", "keep", "Budget", {}, { remaining: 0 }]
  ]
  for (const [why, action, reason, more, poolMore] of cases) {
    it(`stays when ${why}`, () => {
      assert.deepInclude(decide(candidate(more), pool(poolMore)), { action, reason })
    })
  }

  const goes: ReadonlyArray<readonly [string, Partial<Candidate>, Partial<Pool>]> = [
    ["pods came or went a moment ago", { consolidatable: false }, {}],
    ["its NodePool never consolidates", {}, { never: true }],
    ["its NodePool's policy is WhenEmpty", {}, { policy: "WhenEmpty" }],
    ["its price is not known", { unpriced: "Instance Type not found" }, {}],
    ["a pod on it forbids it, and it has a deadline", { protectedPod: pod("p"), hasDeadline: true }, {}],
    ["a pod on it cannot be evicted, and it has a deadline", { blockedPod: { pod: pod("p"), message: "" }, hasDeadline: true }, {}]
  ]
  for (const [though, more, poolMore] of goes) {
    it(`goes though ${though}`, () => {
      assert.deepInclude(decide(candidate(more), pool(poolMore)), { action: "disrupt", reason: "Drifted" })
    })
  }

  it("stays when its annotation forbids it, deadline or not", () => {
    assert.deepInclude(decide(candidate({ doNotDisrupt: true, hasDeadline: true }), pool()), { action: "block", reason: "DoNotDisrupt" })
  })

  it("of a static NodePool is for static drift alone", () => {
    assert.deepInclude(decide(candidate(), pool({ isStatic: true }), true), { action: "disrupt" })
    assert.deepInclude(decide(candidate(), pool(), true), { action: "keep", reason: "DynamicNodePool" })
  })

  it("has its turn after empty ones, then after those that drifted before it, then by name", () => {
    const nodes = [
      candidate({ name: "late", driftedSince: 9 }), candidate({ name: "b", driftedSince: 5 }), candidate({ name: "a", driftedSince: 5 }),
      candidate({ name: "empty", driftedSince: 10, reschedulable: 0 })
    ]
    for (const candidates of [nodes, nodes.toReversed()]) {
      const order = drift({ candidates, pools: new Map([["default", pool()]]), isStatic: false }).map((one) => one.candidate.name)
      assert.deepStrictEqual(order, ["empty", "a", "b", "late"])
    }
  })
})

describe("a node that could be consolidated", () => {
  const decide = (one: Candidate, of: Pool) => underutilized({ candidates: [one], pools: new Map([[of.name, of]]) })[0]
  const cases: ReadonlyArray<Case> = [
    ...forAll,
    ["a pod on it forbids it, deadline or not", "block", "PodDoNotDisrupt", { protectedPod: pod("p"), hasDeadline: true }, {}],
    ["a pod on it cannot be evicted, deadline or not", "block", "PodDisruptionBudget", {
      blockedPod: { pod: pod("p"), message: "" }, hasDeadline: true
    }, {}],
    ["its NodePool has a fixed size", "keep", "StaticNodePool", {}, { isStatic: true }],
    ["its price is not known", "keep", "Unpriced", { unpriced: "Instance Type \"x\" not found" }, {}],
    ["its NodePool never consolidates", "keep", "ConsolidationDisabled", {}, { never: true }],
    ["it is empty: emptiness takes it", "keep", "IsEmpty", { reschedulable: 0, disruptionCost: 1 }, {}],
    ["its NodePool lets only empty nodes go", "keep", "NonEmptyConsolidationDisabled", {}, { policy: "WhenEmpty" }],
    ["the pods that it was bought for have not come yet", "keep", "Awaited", { awaited: true }, {}],
    ["pods came or went a moment ago", "keep", "NotConsolidatable", { consolidatable: false }, {}]
  ]
  for (const [why, action, reason, more, poolMore] of cases) {
    it(`stays when ${why}`, () => {
      assert.deepInclude(decide(candidate(more), pool(poolMore)), { action, reason })
    })
  }

  for (const policy of [undefined, "WhenEmptyOrUnderutilized", "Balanced"]) {
    it(`may go where the policy is ${policy ?? "not given"}`, () => {
      assert.deepInclude(decide(candidate(), pool({ policy })), { action: "disrupt", reason: "Underutilized" })
    })
  }

  it("is looked at before others that cost less for what it disturbs", () => {
    const candidates = [candidate({ name: "cheap", price: 1 }), candidate({ name: "dear", price: 3 }), candidate({ name: "busy", price: 3, disruptionCost: 9 })]
    const order = underutilized({ candidates, pools: new Map([["default", pool()]]) }).map((one) => one.candidate.name)
    assert.deepStrictEqual(order, ["dear", "cheap", "busy"])
  })
})

const state = (more: Partial<StateNode> = {}, pods: ReadonlyArray<Pod> = []): StateNode => {
  const { claim, node } = machine("a", { type: medium })
  return {
    name: "node-a", claim, node, nodePool: "default", labels: node.metadata.labels!, annotations: {}, taints: [], capacity: {},
    allocatable: {}, initialized: true, markedForDeletion: false, nominated: false, pods, ...more
  } as unknown as StateNode
}

describe("what is known of a node", () => {
  const known: Known = {
    prices: pricesOf([small, medium]), pdbs: pdbsOf([]), nowMillis: 10 * minute, bufferRoom: false, awaited: new Set()
  }
  const facts = (pods: ReadonlyArray<Pod>, more: Partial<StateNode> = {}, other: Partial<Known> = {}) =>
    candidateOf(state(more, pods), { ...known, ...other })
  const owned = (kind: string, apiVersion = "apps/v1") => ({ ownerReferences: [{ apiVersion, kind, name: "o", uid: "u" }] })
  const ending = { deletionTimestamp: "1970-01-01T00:09:59Z" }
  const annotated = (value: string) => ({ annotations: { [annotation.doNotDisrupt]: value } })
  const weighing = (priority: number) => pod("p", { priority })

  const moving: ReadonlyArray<readonly [string, ReadonlyArray<Pod>, number, number]> = [
    ["none", [], 0, 1],
    ["a pod", [pod("p")], 1, 2],
    ["a daemon", [pod("p", {}, owned("DaemonSet"))], 0, 1],
    ["a mirror pod", [pod("p", {}, owned("Node", "v1"))], 0, 1],
    ["a pod of a Deployment that ends", [pod("p", {}, { ...owned("ReplicaSet"), ...ending })], 0, 1],
    ["a pod of a StatefulSet that ends", [pod("p", {}, { ...owned("StatefulSet"), ...ending })], 1, 2],
    ["a pod that has ended", [{ ...pod("p"), status: { phase: "Succeeded" } }], 0, 1],
    ["a pod of priority, which counts for more", [weighing(2 ** 25)], 1, 3],
    ["a pod that costs less than nothing", [weighing(-(2 ** 27))], 1, 1],
    ["of both kinds: none makes up for another", [weighing(-(2 ** 27)), pod("q")], 2, 2]
  ]
  for (const [what, pods, reschedulable, disruptionCost] of moving) {
    it(`pods that need another node, and what it costs to move them: ${what}`, () => {
      assert.deepInclude(facts(pods), { reschedulable, disruptionCost })
    })
  }

  const protecting: ReadonlyArray<readonly [string, Pod, boolean]> = [
    ["one that says so", pod("p", {}, annotated("true")), true],
    ["a daemon that says so", pod("p", {}, { ...owned("DaemonSet"), ...annotated("true") }), true],
    ["a mirror pod that says so", pod("p", {}, { ...owned("Node", "v1"), ...annotated("true") }), true],
    ["one that says so and is ending", pod("p", {}, { ...annotated("true"), ...ending }), false],
    ["one that says so for longer than it runs", { ...pod("p", {}, annotated("11m")), status: { startTime: "1970-01-01T00:00:00Z" } }, true],
    ["one that said so for a time that is over", { ...pod("p", {}, annotated("9m")), status: { startTime: "1970-01-01T00:00:00Z" } }, false],
    ["one that says false", pod("p", {}, annotated("false")), false]
  ]
  for (const [what, one, isHeld] of protecting) {
    it(`whether a pod holds it: ${what}`, () => {
      assert.strictEqual(facts([one]).protectedPod !== undefined, isHeld)
    })
  }

  it("the annotation of a node takes no duration", () => {
    assert.isTrue(facts([], { annotations: { [annotation.doNotDisrupt]: "true" } }).doNotDisrupt)
    assert.isFalse(facts([], { annotations: { [annotation.doNotDisrupt]: "1h" } }).doNotDisrupt)
  })

  const pdb = (name: string, disruptionsAllowed: number, namespace = "default"): PodDisruptionBudget => ({
    metadata: { name, namespace }, spec: { selector: { matchLabels: { app: "x" } }, maxUnavailable: 1 },
    status: { disruptionsAllowed } as PodDisruptionBudget["status"]
  } as PodDisruptionBudget)
  const blocking: ReadonlyArray<readonly [string, ReadonlyArray<PodDisruptionBudget>, string | undefined]> = [
    ["none", [], undefined],
    ["one that lets a pod go", [pdb("a", 1)], undefined],
    ["one that lets none go", [pdb("a", 0)], "Pdb prevents pod evictions (PDB=default/a)"],
    ["one of another namespace", [pdb("a", 0, "other")], undefined],
    ["two, whatever they say", [pdb("a", 1), pdb("b", 1)], "Eviction does not support multiple PDBs (PDBs=default/a, default/b)"]
  ]
  for (const [what, budgets, message] of blocking) {
    it(`PodDisruptionBudgets that hold it: ${what}`, () => {
      assert.strictEqual(facts([pod("p", {}, { labels: { app: "x" } })], {}, { pdbs: pdbsOf(budgets) }).blockedPod?.message, message)
    })
  }

  it("what it costs, or what of it the catalogue cannot price", () => {
    assert.deepInclude(facts([]), { price: 0.072, unpriced: undefined })
    const labels = machine("a").node.metadata.labels!
    const without = (key: string) => ({ labels: Object.fromEntries(Object.entries(labels).filter(([one]) => one !== key)) })
    assert.deepInclude(facts([], { labels: { ...labels, [label.instanceType]: "gone" } }), {
      price: 0, unpriced: "Instance Type \"gone\" not found"
    })
    for (const key of [label.capacityType, label.zone]) {
      assert.deepInclude(facts([], without(key)), { price: 0, unpriced: `Node doesn't have required label "${key}"` })
    }
  })
})

describe("the nodes that a NodePool's budgets are about", () => {
  const claimOf = (...conditions: ReadonlyArray<string>) => machine("a", { conditions }).claim
  const notReady = { ...machine("a").node, status: { conditions: [{ type: "Ready", status: "False" }] } } as StateNode["node"]
  const cases: ReadonlyArray<readonly [string, Partial<StateNode>, nodes: number, disrupting: number]> = [
    ["one that is in use", {}, 1, 0],
    ["one that is on its way out", { markedForDeletion: true }, 1, 1],
    ["one whose claim says that it is to go", { claim: claimOf("DisruptionReason") }, 1, 1],
    ["one that is not ready", { node: notReady }, 1, 1],
    ["one that is not initialized", { initialized: false }, 0, 0],
    ["one that is not ours", { claim: undefined }, 0, 0],
    ["one of no NodePool", { nodePool: undefined }, 0, 0],
    ["one whose machine is going", { claim: claimOf("InstanceTerminating"), markedForDeletion: true }, 0, 0]
  ]
  for (const [what, more, nodes, disrupting] of cases) {
    it(`and those that use them up: ${what}`, () => {
      assert.deepStrictEqual(censusOf([state(more)]).get("default") ?? { nodes: 0, disrupting: 0 }, { nodes, disrupting })
    })
  }

  const left: ReadonlyArray<readonly [string, NonNullable<NodePool["spec"]["disruption"]>["budgets"], allowed: number, remaining: number]> = [
    ["none is no limit", [], 2_147_483_647, 2_147_483_644],
    ["a number", [{ nodes: "4" }], 4, 1],
    ["a share, rounded up", [{ nodes: "35%" }], 4, 1],
    ["the least of several", [{ nodes: "9" }, { nodes: "5" }], 5, 2],
    ["of those for the reason", [{ nodes: "0", reasons: ["Empty"] }, { nodes: "5" }], 5, 2],
    ["never less than none", [{ nodes: "2" }], 2, 0],
    ["closed by one that cannot be understood, though it is for another reason", [
      { nodes: "5" }, { nodes: "9", reasons: ["Empty"], schedule: "never", duration: "1h" }
    ], 0, 0]
  ]
  for (const [what, budgets, allowed, remaining] of left) {
    it(`what they leave: ${what}`, () => {
      const found = budgeted(nodePool("default", { disruption: { budgets: budgets! } }), "Drifted", { nodes: 10, disrupting: 3 }, 0)
      assert.deepInclude(found, { allowed, remaining })
    })
  }
})

describe("a disruption that waits for its replacements", () => {
  const at = "1970-01-01T00:00:00Z"
  const leaving = (...conditions: ReadonlyArray<string>): NodeClaim => machine("old", { conditions }).claim
  const replacement = (name: string, initialized: boolean, more: object = {}): NodeClaim => ({
    ...machine(name).claim,
    metadata: { name, creationTimestamp: at, ...more },
    status: { conditions: initialized ? [isTrue("Initialized")] : [] }
  })
  const going = { deletionTimestamp: at }
  const disruption = (replacements: ReadonlyArray<NodeClaim>, of = replacements.length, old = leaving("DisruptionReason")): Disruption => ({
    id: "x", reason: "Drifted", consolidationType: "", at, of, claims: [{ name: "old", uid: "u" }], replacements, leaving: [old]
  })
  const cases: ReadonlyArray<readonly [string, Disruption, millis: number, Progress["action"]]> = [
    ["none of them is there", disruption([replacement("a", false)]), minute, "wait"],
    ["one of two is there", disruption([replacement("a", true), replacement("b", false)]), minute, "wait"],
    ["all are there", disruption([replacement("a", true), replacement("b", true)]), minute, "finish"],
    ["all are there, though late", disruption([replacement("a", true)]), 60 * minute, "finish"],
    ["they take too long", disruption([replacement("a", false)]), 10 * minute + 1, "callOff"],
    ["one was deleted", disruption([replacement("a", true), replacement("b", false, going)]), minute, "callOff"],
    ["one is missing", disruption([replacement("a", true)], 2), minute, "callOff"],
    ["nothing is to go any more", disruption([replacement("a", false)], 1, leaving()), minute, "ignore"],
    ["what is to go is going", disruption([replacement("a", false)], 1, {
      ...leaving("DisruptionReason"), metadata: { name: "old", ...going }
    }), minute, "ignore"]
  ]
  for (const [when, one, millis, action] of cases) {
    it(`comes to "${action}" when ${when}`, () => {
      assert.strictEqual(progressOf(one, 2, millis).action, action)
    })
  }

  it("waits longer where many wait, from ten minutes to an hour", () => {
    assert.deepStrictEqual([1, 7_500, 15_000, 100_000].map(deadlineMillis), [10 * minute, 10 * minute, 20 * minute, 60 * minute])
  })
})
