import { assert, describe, it } from "@effect/vitest"
import { emptiness } from "../../../src/controllers/disruption/emptiness.ts"
import type { Pool } from "../../../src/controllers/disruption/budget.ts"
import type { Candidate } from "../../../src/controllers/disruption/candidate.ts"
import type { Reason } from "../../../src/controllers/disruption/eligibility.ts"
import { pod } from "../../cluster/world.ts"

const candidate = (more: Partial<Candidate> = {}): Candidate => ({
  name: "n1", nodePool: "default", hasClaim: true, hasNode: true, initialized: true, markedForDeletion: false, nominated: false,
  doNotDisrupt: false, protectedPod: undefined, blockedPod: undefined, reschedulable: 0, disruptionCost: 1, consolidatable: true, price: 1, ...more
})
const pool = (more: Partial<Pool> = {}): Pool => ({ name: "default", isStatic: false, never: false, remaining: 100, ...more })
const decide = (candidates: ReadonlyArray<Candidate>, one: Pool = pool()) =>
  emptiness({ candidates, pools: new Map([[one.name, one]]) })

describe("an empty node", () => {
  it("may go", () => {
    assert.deepInclude(decide([candidate()])[0], { action: "disrupt", reason: "Empty" })
  })

  const cases: ReadonlyArray<readonly [why: string, action: "block" | "keep", Reason, Partial<Candidate>, Partial<Pool>]> = [
    ["it is not ours", "block", "NodeClaimMissing", { hasClaim: false }, {}],
    ["it has not joined", "block", "NodeMissing", { hasNode: false }, {}],
    ["it is not ready to be used", "block", "NotInitialized", { initialized: false }, {}],
    ["it is going already", "block", "Deleting", { markedForDeletion: true }, {}],
    ["a pod is expected on it", "block", "Nominated", { nominated: true }, {}],
    ["its annotation forbids it", "block", "DoNotDisrupt", { doNotDisrupt: true }, {}],
    ["it belongs to no NodePool", "block", "NodePoolLabelMissing", { nodePool: undefined }, {}],
    ["its NodePool is gone", "block", "NodePoolNotFound", { nodePool: "gone" }, {}],
    ["a pod on it forbids it", "block", "PodDoNotDisrupt", { protectedPod: pod("p") }, {}],
    ["a pod on it cannot be evicted", "block", "PodDisruptionBudget", {
      blockedPod: { pod: pod("p"), message: "Pdb prevents" }
    }, {}],
    ["its NodePool has a fixed size", "keep", "StaticNodePool", {}, { isStatic: true }],
    ["its NodePool never consolidates", "keep", "ConsolidationDisabled", {}, { never: true }],
    ["it is not empty", "keep", "NotEmpty", { reschedulable: 1, disruptionCost: 2 }, {}],
    ["it replaces a node whose pods have not left yet", "keep", "Awaited", { awaited: true }, {}],
    ["it was in use a moment ago", "keep", "NotConsolidatable", { consolidatable: false }, {}],
    ["the budget is used up", "keep", "Budget", {}, { remaining: 0 }]
  ]
  for (const [why, action, reason, more, poolMore] of cases) {
    it(`stays when ${why}`, () => {
      assert.deepInclude(decide([candidate(more)], pool(poolMore))[0], { action, reason })
    })
  }

  it("names the pod that holds it", () => {
    assert.include(decide([candidate({ protectedPod: pod("p") })])[0]?.message, "default/p")
  })
})

describe("of several empty nodes", () => {
  it("the dearest go first, as many as the budget leaves, and the order of the input does not matter", () => {
    const nodes = ([["a", 1], ["b", 3], ["c", 3], ["d", 2]] as const).map(([name, price]) => candidate({ name, price }))
    for (const input of [nodes, nodes.toReversed()]) {
      const going = decide(input, pool({ remaining: 3 })).filter((decision) => decision.action === "disrupt")
      assert.deepStrictEqual(going.map((decision) => decision.candidate.name), ["b", "c", "d"])
    }
  })
})
