import { assert, describe, it } from "@effect/vitest"
import type { NodePool } from "../../../src/apis/nodePool.ts"
import { judge } from "../../../src/controllers/provisioning/limits.ts"
import type { ResourceList } from "../../../src/kube/objects.ts"
import { instanceType, medium, nodePool, small } from "../../cluster/world.ts"
import { planned } from "./support.ts"

const verdicts = (pool: NodePool | undefined, usage: ResourceList, count = 2) => judge(
  Array.from({ length: count }, (_, i) => planned(`n${i}`)),
  new Map(pool === undefined ? [] : [["default", pool]]),
  () => usage,
  new Map([["default", [medium]]])
).map((verdict) => verdict.action === "create" ? "create" : verdict.reason)

describe("a planned node", () => {
  const none = ["LimitsExceeded", "LimitsExceeded"]
  const limited = (limits: NonNullable<NodePool["spec"]["limits"]>) => nodePool("default", { limits })
  const terminating = { ...nodePool(), metadata: { name: "default", deletionTimestamp: "1970-01-01T00:00:00Z" } }
  const cases: ReadonlyArray<readonly [string, NodePool | undefined, ResourceList, ReadonlyArray<string>]> = [
    ["is created where there is no limit", nodePool(), { cpu: "1000" }, ["create", "create"]],
    ["is created while the limit holds all up to it", limited({ cpu: "6" }), { cpu: "1" }, ["create", "LimitsExceeded"]],
    ["counts as one node", limited({ nodes: 2 }), { nodes: "1" }, ["create", "LimitsExceeded"]],
    ["is refused when the limit was lowered", limited({ memory: "10Gi" }), { memory: "8Gi" }, none],
    ["is refused when its pool is gone", undefined, {}, ["NodePoolGone", "NodePoolGone"]],
    ["is refused when its pool is being deleted", terminating, {}, ["NodePoolTerminating", "NodePoolTerminating"]]
  ]
  for (const [what, pool, usage, expected] of cases) {
    it(what, () => assert.deepStrictEqual(verdicts(pool, usage), expected))
  }

  it("is judged by the most of each resource that any of its types has", () => {
    const roomy = instanceType("roomy", 2, 32, 0.06)
    const judged = (limits: NonNullable<NodePool["spec"]["limits"]>) => judge(
      [planned("n", ["small", "roomy", "medium"])], new Map([["default", limited(limits)]]), () => ({}),
      new Map([["default", [small, medium, roomy]]])
    ).map((verdict) => verdict.action === "create" ? "create" : verdict.message)
    assert.deepStrictEqual(judged({ cpu: 4, memory: "32Gi" }), ["create"])
    assert.deepStrictEqual(judged({ cpu: 3 }), ["cpu could become 4, NodePool default is limited to 3"])
    assert.deepStrictEqual(judged({ memory: "31Gi" }), ["memory could become 32Gi, NodePool default is limited to 31Gi"])
  })
})
