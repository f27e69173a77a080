import { assert, describe, it } from "@effect/vitest"
import type { ConsolidationProblem, Disruption } from "../../../src/scheduling/consolidation/contract.ts"
import { decide } from "../../../src/scheduling/consolidation/decide.ts"
import { withoutPlace } from "../../../src/scheduling/consolidation/proof.ts"
import { worldOf } from "../../../src/scheduling/consolidation/world.ts"
import { drained } from "../../../src/scheduling/drained.ts"
import { pod, pool, type } from "../build.ts"
import { cluster, running } from "./build.ts"

const medium = type("medium", 4, 8, 0.04)
const cpu = (name: string, amount: number) => pod(name, { cpu: amount, memory: "1Gi" })

/** What the scheduler says of a command that nobody would give: `a` goes, and its pod moves to `b`. */
const refusedOf = (given: ConsolidationProblem): ReadonlyMap<string, string> => {
  const world = drained(worldOf(given))
  const decision = drained(decide(world, { steps: 10 }, new Map()))
  const command: Disruption = {
    reason: "Underutilized", remove: ["a"], replace: [], hourlySavings: 0.04, podsMoved: 1,
    moves: [{ pod: { namespace: "default", name: "p" }, from: "a", to: "b" }]
  }
  return drained(withoutPlace({ ...decision, attempts: [{ gone: [0], pods: [0], launches: [], cost: 0 }] as never }, command))
}

describe("the proof of a command", () => {
  const nodes = (amount: number) => [running("a", medium, [cpu("p", 2)]), running("b", medium, [cpu("q", amount)])]
  const nodePools = [pool("default", { limits: { cpu: 4 } })]

  it("names nodes whose pods would have no place", () => {
    assert.deepStrictEqual([...refusedOf(cluster({ types: [medium], nodes: nodes(3), nodePools }))], [["a", "default/p"]])
  })

  it("finds nothing against it where all of them have one", () => {
    assert.strictEqual(refusedOf(cluster({ types: [medium], nodes: nodes(1), nodePools })).size, 0)
  })

  it("leaves nodes that others need who wait", () => {
    const waiting = cluster({ types: [medium], nodes: nodes(1), nodePools, pods: [cpu("w", 3)] })
    assert.deepStrictEqual([...refusedOf(waiting).values()].length, 1)
  })
})
