import { assert, describe, it } from "@effect/vitest"
import type { PodSpec } from "../../src/scheduling/index.ts"
import { pod, pods, pool } from "./build.ts"
import { abc, at, closed, inValues, judged, running, web, zone } from "./judged.ts"

const labels = { app: "web" }
const one = { cpu: 1 }
const prefers = (kind: "podAffinity" | "podAntiAffinity"): Partial<PodSpec> => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [
    { weight: 1, podAffinityTerm: { topologyKey: zone, labelSelector: web } }
  ] } }
})
const nodesOf = (parts: Parameters<typeof judged>[0]) => judged(parts).newNodes.map(({ pods: on }) => on.map(({ name }) => name).sort().join(" "))

describe("a wish about other pods buys no node", () => {
  it("to be apart, where there are more pods than zones", () => {
    assert.deepStrictEqual(nodesOf({ types: abc, pods: pods(4, one, { ...prefers("podAntiAffinity"), labels }) }), ["p0 p1 p2 p3"])
  })

  it("to be apart, where some zones have such pods already", () => {
    const nodes = [closed("n", "c", [running("old", labels)])]
    const plan = judged({ types: abc, nodes, pods: pods(4, one, { ...prefers("podAntiAffinity"), labels }) })
    assert.deepStrictEqual(plan.newNodes.map(({ pods: on }) => on.length), [4])
    assert.deepStrictEqual(plan.newNodes[0]!.requirements.find(({ key }) => key === zone)?.values, ["a", "b"])
  })

  it("of others to be apart from pods whose zone nobody has named", () => {
    const parts = { types: abc, pods: [pod("web", { cpu: 2 }, { labels }), pod("wary", one, prefers("podAntiAffinity"))] }
    assert.deepStrictEqual(nodesOf(parts), ["wary web"])
  })

  it("of others to be near a pod that somebody else draws into another zone", () => {
    const web = pod("web", { cpu: 2 }, { labels })
    const fond = pod("fond", one, prefers("podAffinity"))
    const placed = pod("placed", { cpu: "500m" }, { nodeSelector: { [zone]: "a" } })
    const nodes = [at("n", "c", [running("old", labels)], { allocatable: { cpu: "1100m", memory: "16Gi", pods: 110 } })]
    for (const preferencePolicy of ["Respect", "Ignore"] as const) {
      assert.deepStrictEqual(nodesOf({ types: abc, nodes, pods: [web, fond, placed], options: { preferencePolicy } }), ["placed web"])
    }
  })

  it("to be spread, of a pod that decides where its peers are", () => {
    const nodePools = [pool("default", { requirements: [inValues("team", "red", "blue")] })]
    const even: Partial<PodSpec> = { topologySpreadConstraints: [
      { maxSkew: 1, topologyKey: "team", whenUnsatisfiable: "ScheduleAnyway", labelSelector: web }
    ] }
    const parts = { types: abc, nodePools, pods: [pod("first", { cpu: 2 }, { labels }), pod("second", one, { ...even, labels })] }
    assert.deepStrictEqual(nodesOf(parts), ["first second"])
  })
})
