import { assert, describe, it } from "@effect/vitest"
import { costProblem } from "../../bench/cost.ts"
import type { Plan, Problem } from "../../src/scheduling/index.ts"
import { solve } from "../../src/scheduling/index.ts"
import { bought, daemonSet, node, pod, pods, pool, problem, type } from "./build.ts"
import { violations } from "./checker.ts"
import { shuffled } from "./generate.ts"
import { requires, spread, zone, zoned } from "./judged.ts"

/** Small nodes cost half as much by the unit as large ones. */
const small = type("small", 2, 4, 0.02)
const large = type("large", 16, 32, 0.32)
const types = [small, large]

type Parts = Parameters<typeof problem>[0]

/** The first plan and the searched one, both legal, the second no dearer. */
const both = (given: Problem, steps = 100): { readonly first: Plan; readonly found: Plan } => {
  const { first, improve } = solve(given)
  const found = improve({ steps })
  assert.deepStrictEqual(violations(given, first), [])
  assert.deepStrictEqual(violations(given, found), [])
  assert.isAtMost(found.totals.hourlyPrice, first.totals.hourlyPrice + 1e-9)
  assert.isAtLeast(found.totals.hourlyPrice, found.totals.lowerBound! - 1e-9)
  assert.deepStrictEqual(newPods(found), newPods(first))
  assert.deepStrictEqual(found.existingNodes, first.existingNodes)
  assert.deepStrictEqual(found.unschedulable, first.unschedulable)
  return { first, found }
}

const newPods = (plan: Plan): ReadonlyArray<string> => plan.newNodes.flatMap((made) => made.pods.map(({ name }) => name)).sort()

const searched = (parts: Parts): Plan => both(problem(parts)).found

const count = (plan: Plan, of: (made: Plan["newNodes"][number]) => string): Readonly<Record<string, number>> => {
  const out: Record<string, number> = {}
  for (const made of plan.newNodes) out[of(made)] = (out[of(made)] ?? 0) + made.pods.length
  return out
}

describe("the search", () => {
  it("buys what is cheapest for the batch, not what is largest", () => {
    const { first, found } = both(problem({ types, pods: pods(8, { cpu: 1 }) }))
    assert.deepStrictEqual(first.newNodes.map(({ instanceType }) => instanceType), ["large"])
    assert.deepStrictEqual(found.newNodes.map(({ instanceType }) => instanceType), ["small", "small", "small", "small"])
  })

  it("still names the types that may stand in", () => {
    assert.deepStrictEqual(searched({ types, pods: pods(2, { cpu: 1 }) }).newNodes[0]!.instanceTypeOptions, ["small", "large"])
  })

  it("counts what a node costs beyond its price", () => {
    const nearly = [small, type("large", 16, 32, 0.18)]
    const of = (nodePrice: number): number =>
      searched({ types: nearly, pods: pods(16, { cpu: 1 }), options: { nodePrice } }).newNodes.length
    assert.deepStrictEqual([of(0), of(0.01)], [8, 1])
  })

  it("never pays more by the hour to have fewer nodes than the first plan", () => {
    const dear = type("large", 16, 32, 0.5, { capacity: { cpu: 16, memory: "32Gi", pods: 2 } })
    both(problem({ types: [small, dear], pods: pods(9, { cpu: 1 }), options: { nodePrice: 10 } }))
  })

  it("leaves daemons their room on each node", () => {
    const plan = searched({ types, pods: pods(6, { cpu: "900m" }), daemonSets: [daemonSet("d", { cpu: "500m" })] })
    assert.isAtMost(plan.totals.hourlyPrice, 0.12 + 1e-9)
  })

  it("leaves pods on nodes that are there alone", () => {
    const plan = searched({ types, pods: pods(6, { cpu: 1 }), nodes: [node("n", 2, 4)] })
    assert.deepStrictEqual([plan.existingNodes[0]!.pods.length, plan.newNodes.length], [2, 2])
  })

  it("keeps pods apart that have to be", () => {
    const apart = { labels: { app: "web" }, ...requires("podAntiAffinity", "kubernetes.io/hostname") }
    const plan = searched({ types, pods: pods(4, { cpu: "500m" }, apart) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.pods.length), [1, 1, 1, 1])
  })

  it("keeps pods apart that want the same port of the host", () => {
    const ports = { containers: [{ resources: { requests: { cpu: "500m" } }, ports: [{ hostPort: 80 }] }] }
    assert.strictEqual(searched({ types, pods: pods(3, {}, ports) }).newNodes.length, 3)
  })

  it("keeps as many pods in each zone as were counted there", () => {
    const given = problem({
      types: zoned("a", "b", "c").map((one) => ({
        ...one, offerings: one.offerings.map((offering) => ({ ...offering, price: 100 * offering.price ** 2 }))
      })),
      pods: pods(9, { cpu: "900m" }, { labels: { app: "web" }, ...spread(zone) })
    })
    const { first, found } = both(given)
    const inZone = (plan: Plan): Readonly<Record<string, number>> => count(plan, (made) => made.zone)
    assert.isBelow(found.totals.hourlyPrice, first.totals.hourlyPrice)
    assert.deepStrictEqual(inZone(found), { a: 3, b: 3, c: 3 })
  })

  it("lets pods with different selectors share a node where they can", () => {
    const grades = [type("x", 4, 8, 0.04, { labels: { grade: "x" } }), type("y", 4, 8, 0.04, { labels: { grade: "y" } })]
    const plan = searched({
      types: grades, wellKnownLabels: ["grade"],
      pods: [
        pod("x1", { cpu: 2 }, { nodeSelector: { grade: "x" } }), pod("y1", { cpu: 2 }, { nodeSelector: { grade: "y" } }),
        pod("a", { cpu: 2 }), pod("b", { cpu: 2 })
      ]
    })
    assert.strictEqual(plan.newNodes.length, 2)
  })

  it("moves no pods to a lighter NodePool, even to a cheaper one", () => {
    const nodePools = [pool("heavy", { weight: 10 }), pool("light")]
    const given = { ...problem({ nodePools, pods: pods(4, { cpu: 1 }) }), instanceTypes: { heavy: [large], light: [small] } }
    assert.deepStrictEqual(count(both(given).found, ({ nodePool }) => nodePool), { heavy: 4 })
  })

  it("takes the cheaper of NodePools that weigh the same", () => {
    const nodePools = [pool("a"), pool("b")]
    const given = { ...problem({ nodePools, pods: pods(4, { cpu: 1 }) }), instanceTypes: { a: [small], b: [large] } }
    assert.deepStrictEqual(count(both(given).found, ({ nodePool }) => nodePool), { a: 4 })
  })

  it("keeps to limits, for the largest of the types that a node may be", () => {
    const nodePools = [pool("default", { limits: { cpu: 16 } })]
    const plan = searched({ types, nodePools, pods: pods(8, { cpu: 1 }) })
    assert.strictEqual(plan.newNodes.length, 4)
    for (const { instanceTypeOptions } of plan.newNodes) assert.deepStrictEqual(instanceTypeOptions, ["small"])
  })

  it("keeps to a limit of nodes", () => {
    const nodePools = [pool("default", { limits: { nodes: 2 } })]
    assert.isAtMost(searched({ types, nodePools, pods: pods(8, { cpu: 1 }) }).newNodes.length, 2)
  })

  it("leaves a node as many types as minValues asks for", () => {
    const requirements = [{ key: "node.kubernetes.io/instance-type", operator: "Exists", minValues: 2 }]
    const three = [...types, type("middle", 4, 8, 0.06)]
    const plan = searched({ types: three, nodePools: [pool("default", { requirements })], pods: pods(12, { cpu: 1 }) })
    for (const { instanceTypeOptions } of plan.newNodes) assert.isAtLeast(instanceTypeOptions.length, 2)
  })
})

describe("the budget of the search", () => {
  const given = problem({ types, pods: pods(9, { cpu: 1 }) })

  it("of no steps leaves the first plan as it is, with the bound of its price", () => {
    const { first, improve } = solve(given)
    const { totals: { lowerBound, ...totals }, ...rest } = improve({ steps: 0 })
    assert.deepStrictEqual({ ...rest, totals }, first)
    assert.closeTo(lowerBound!, 0.09, 1e-9)
  })

  it("ends when its clock says so", () => {
    let asked = 0
    const large = costProblem("wild", 400, "all")
    solve(large).improve({ steps: 1e9, isSpent: () => ++asked >= 25 })
    assert.strictEqual(asked, 25)
  })

  it("of more steps never makes a plan dearer", () => {
    const { improve } = solve({ ...costProblem("wild", 120, "all"), options: { nodePrice: 0 } })
    const prices = [1, 10, 100, 500].map((steps) => improve({ steps }).totals.hourlyPrice)
    assert.deepStrictEqual([...prices].sort((a, b) => b - a), prices)
  })
})

describe("searched plans on Linode's price list", () => {
  const mixes = ["balanced", "wild", "daemons", "zones", "anti-affinity", "several pools"]

  it.each(mixes)("are legal, and one for any order of the pods: %s", (mix) => {
    const given = costProblem(mix, 120, "all")
    const { found } = both(given, 300)
    assert.deepStrictEqual(solve(shuffled(given, 7)).improve({ steps: 300 }), found)
  })

  it("cost at most 3 % more than the lower bound, on average", () => {
    const ratios = mixes.flatMap((mix) => [100, 400].map((size) => {
      const { totals } = solve(costProblem(mix, size, "standard+dedicated")).improve({ steps: 1000 })
      return totals.hourlyPrice / totals.lowerBound!
    }))
    assert.isAtMost(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length, 1.03)
  })

  it("have the same nodes for the same steps", () => {
    const plan = (): ReadonlyArray<string> => bought(solve(costProblem("zones", 150, "all")).improve({ steps: 200 }))
    assert.deepStrictEqual(plan(), plan())
  })
})
