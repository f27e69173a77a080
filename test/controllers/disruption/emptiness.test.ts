import { assert, describe, it } from "@effect/vitest"
import { emptiness } from "../../../src/controllers/disruption/emptiness.ts"
import type { Pool } from "../../../src/controllers/disruption/budget.ts"
import type { Candidate } from "../../../src/controllers/disruption/candidate.ts"
import { pod } from "../../cluster/world.ts"
import { candidate, forAll, pool } from "./cases.ts"
import type { Case } from "./cases.ts"

const empty = (more: Partial<Candidate> = {}): Candidate =>
  candidate({ reschedulable: 0, disruptionCost: 1, driftedSince: undefined, ...more })
const decide = (candidates: ReadonlyArray<Candidate>, one: Pool = pool()) =>
  emptiness({ candidates, pools: new Map([[one.name, one]]) })

describe("an empty node", () => {
  it("may go", () => {
    assert.deepInclude(decide([empty()])[0], { action: "disrupt", reason: "Empty" })
  })

  const cases: ReadonlyArray<Case> = [
    ...forAll,
    ["its NodePool has a fixed size", "keep", "StaticNodePool", {}, { isStatic: true }],
    ["its NodePool never consolidates", "keep", "ConsolidationDisabled", {}, { never: true }],
    ["it is not empty", "keep", "NotEmpty", { reschedulable: 1, disruptionCost: 2 }, {}],
    ["it replaces a node whose pods have not left yet", "keep", "Awaited", { awaited: true }, {}],
    ["it was in use a moment ago", "keep", "NotConsolidatable", { consolidatable: false }, {}],
    ["the budget is used up", "keep", "Budget", {}, { remaining: 0 }]
  ]
  for (const [why, action, reason, more, poolMore] of cases) {
    it(`stays when ${why}`, () => {
      assert.deepInclude(decide([empty(more)], pool(poolMore))[0], { action, reason })
    })
  }

  it("names the pod that holds it", () => {
    assert.include(decide([empty({ protectedPod: pod("p") })])[0]?.message, "default/p")
  })
})

describe("of several empty nodes", () => {
  it("the dearest go first, as many as the budget leaves, and the order of the input does not matter", () => {
    const nodes = ([["a", 1], ["b", 3], ["c", 3], ["d", 2]] as const).map(([name, price]) => empty({ name, price }))
    for (const input of [nodes, nodes.toReversed()]) {
      const going = decide(input, pool({ remaining: 3 })).filter((decision) => decision.action === "disrupt")
      assert.deepStrictEqual(going.map((decision) => decision.candidate.name), ["b", "c", "d"])
    }
  })
})
