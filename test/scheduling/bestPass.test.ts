import { assert, describe, it } from "@effect/vitest"
import { solve } from "../../src/scheduling/index.ts"
import { pod, pool, problem, type } from "./build.ts"
import { violations } from "./checker.ts"
import { abc, at, hostname, inValues, judged, requires, running, spread, typeLabel, web, zone } from "./judged.ts"

const labels = { app: "web" }

/** The first plan and the searched one, both legal. */
const both = (parts: Parameters<typeof problem>[0]) => {
  const given = problem(parts)
  const { first, improve } = solve(given)
  const searched = improve({ steps: 20 })
  for (const plan of [first, searched]) assert.deepStrictEqual(violations(given, plan), [])
  return { first, searched }
}

describe("first-fit done otherwise", () => {
  it("lets those come first that ask for the most even zones", () => {
    const even = { labels, topologySpreadConstraints: [zone, hostname].map((topologyKey) => (
      { maxSkew: 1, topologyKey, whenUnsatisfiable: "DoNotSchedule" as const, labelSelector: web }
    )) }
    const { first, searched } = both({
      types: abc.map((each) => ({ ...each, offerings: each.offerings.filter((offering) => offering.zone !== "c") })),
      nodes: [at("n1", "b", [running("old", labels)]), at("n2", "b"), at("n3", "b")],
      pods: [
        pod("big", { cpu: 2 }, { labels, ...spread(zone, { maxSkew: 2 }) }),
        ...["s1", "s2", "s3", "s4"].map((name) => pod(name, { cpu: 1 }, even))
      ]
    })
    assert.deepStrictEqual([first.totals.newNodes, searched.totals.newNodes], [3, 2])
  })

  it("leaves nobody out for several smaller ones", () => {
    const { searched } = both({
      nodePools: [pool("default", { limits: { cpu: 4 }, requirements: [inValues(typeLabel, "c4")] })],
      types: [type("c4", 4, 8, 0.04)],
      pods: [pod("big", { cpu: "3500m" }), ...["s1", "s2", "s3", "s4"].map((name) => pod(name, { cpu: 1 }))]
    })
    assert.deepStrictEqual(searched.newNodes.map((node) => node.pods.map(({ name }) => name)), [["big"]])
  })
})

describe("a tight limit", () => {
  const apart = ["p1", "p2", "p3", "p4"].map((name) => pod(name, { cpu: 1 }, { labels, ...requires("podAntiAffinity", hostname) }))

  it("leaves no pod out in the first plan that has a place once nodes give up their largest types", () => {
    const plan = judged({ types: abc, nodePools: [pool("default", { limits: { cpu: 20 } })], pods: apart })
    assert.deepStrictEqual([plan.totals.newNodes, plan.totals.unschedulable], [4, 0])
  })

  it("leaves nodes their types where giving them up places nobody", () => {
    const plan = judged({ types: abc, nodePools: [pool("default", { limits: { cpu: 16 } })], pods: [...apart, pod("large", { cpu: 17 })] })
    assert.deepStrictEqual(plan.unschedulable.map((each) => each.pod.name), ["large"])
    const one = judged({ types: abc, nodePools: [pool("default", { limits: { cpu: 16 } })], pods: [apart[0]!, pod("large", { cpu: 17 })] })
    assert.deepStrictEqual(one.newNodes.map(({ instanceTypeOptions }) => instanceTypeOptions), [["c2", "c4", "c8", "c16"]])
  })
})
