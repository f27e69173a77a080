import { assert, describe, it } from "@effect/vitest"
import { FirstFit } from "../../src/scheduling/firstFit.ts"
import { schedule } from "../../src/scheduling/index.ts"
import { compile } from "../../src/scheduling/model.ts"
import { node, pod, pool, problem, solve, type } from "./build.ts"
import { violations } from "./checker.ts"
import { generate, shuffled } from "./generate.ts"

const seeds = Array.from({ length: 400 }, (_, i) => i + 1)

describe("any problem", () => {
  it("has a plan that Kubernetes would let happen, with no pod left out that has a place", () => {
    for (const seed of seeds) {
      const given = generate(seed)
      assert.deepStrictEqual(violations(given, schedule(given)), [], `seed ${seed}`)
    }
  })

  it("has one plan, whatever the order of its lists", () => {
    for (const seed of seeds.slice(0, 150)) {
      const given = generate(seed)
      assert.deepStrictEqual(schedule(shuffled(given, seed)), schedule(given), `seed ${seed}`)
    }
  })

  it("has a plan no worse than plain first-fit", () => {
    for (const seed of seeds.slice(0, 150)) {
      const given = { ...generate(seed), options: {} }
      const plain = new FirstFit(compile(given), Infinity).run()
      const { totals } = schedule(given)
      assert.isAtMost(totals.unschedulable, plain.unplaced + compile(given).invalid.length, `seed ${seed}`)
      if (totals.unschedulable === plain.unplaced) assert.isAtMost(totals.hourlyPrice, plain.hourlyPrice + 1e-9, `seed ${seed}`)
    }
  })

  it("is not changed by being solved", () => {
    const freeze = <A>(value: A): A => {
      if (typeof value === "object" && value !== null) {
        Object.freeze(value)
        Object.values(value).forEach(freeze)
      }
      return value
    }
    for (const seed of seeds.slice(0, 20)) schedule(freeze(generate(seed)))
  })
})

describe("the checker", () => {
  const given = problem(
    {
      pods: [pod("a", { cpu: 1 }), pod("b", { cpu: 1 })], nodes: [node("n", 1, 4)], types: [type("t", 2, 4, 1)],
      nodePools: [pool("default", { limits: { nodes: 1 } })]
    }
  )
  const plan = schedule(given)
  const [made] = plan.newNodes

  it("has nothing to say about a right plan", () => {
    assert.deepStrictEqual(violations(given, plan), [])
  })

  it.each([
    ["a pod in two places", { ...plan, existingNodes: [{ name: "n", pods: made!.pods }] }],
    ["a pod that is nowhere", { ...plan, newNodes: [] }],
    [
      "a node that is too full",
      { ...plan, newNodes: [], existingNodes: [{ name: "n", pods: [...made!.pods, ...plan.existingNodes[0]!.pods] }] }
    ],
    ["a wrong price", { ...plan, newNodes: [{ ...made!, hourlyPrice: 0.5 }] }],
    [
      "a pod left out for nothing",
      {
        ...plan, existingNodes: [],
        unschedulable: [{
          pod: plan.existingNodes[0]!.pods[0]!, reasons: [{ nodePool: "", reason: "NoOffering" as const, message: "" }]
        }]
      }
    ],
    ["a limit that is not kept", { ...plan, newNodes: [{ ...made!, pods: [] }, made!] }]
  ])("sees %s", (_, wrong) => {
    assert.isNotEmpty(violations(given, wrong))
  })
})

describe("the assertions inside", () => {
  it("pass on a plan with existing nodes, new nodes and refusals", () => {
    const plan = solve({ pods: [pod("a", { cpu: 1 }), pod("b", { cpu: 3 }), pod("c", { cpu: 100 })], nodes: [node("n", 1, 4)] })
    assert.deepStrictEqual([plan.existingNodes.length, plan.newNodes.length, plan.unschedulable.length], [1, 1, 1])
  })
})
