/** Where Karpenter's core does something that nobody would want, and this scheduler does not. */
import { assert, describe, it } from "@effect/vitest"
import { daemonSet, filled, node, pod, pods, pool, type } from "./build.ts"
import { abc, closed, countsBy, hostname, inValues, judged, placesBy, requires, running, spread, zone } from "./judged.ts"

const labels = { app: "web" }
const one = { cpu: 1 }

describe("decisions", () => {
  it("the nodes of one batch count against limits.nodes", () => {
    const nodePools = [pool("default", { limits: { nodes: 2 } })]
    const parts = { types: abc, nodePools, pods: pods(4, one, { ...requires("podAntiAffinity", hostname), labels }) }
    assert.deepStrictEqual(countsBy(hostname, parts), { "new default-1": 1, "new default-2": 1, nowhere: 2 })
  })

  it("values that a NodePool excludes are no domains", () => {
    const rack = "example.com/rack"
    const nodePools = [
      pool("default", { requirements: [inValues(rack, "r1")] }),
      pool("other", { requirements: [{ key: rack, operator: "NotIn", values: ["r2"] }] })
    ]
    const parts = { types: abc, nodePools, pods: pods(4, one, { ...spread(rack), labels }) }
    assert.strictEqual(judged(parts).totals.unschedulable, 0)
  })

  it("spreads that differ in minDomains only are different", () => {
    const strict = pods(2, one, { ...spread(zone, { minDomains: 4 }), labels })
    const nodes = ["a", "b", "c"].map((where) => closed(where, where, [running(`old-${where}`, labels)]))
    const lax = pod("lax", { cpu: 2 }, { ...spread(zone), labels })
    assert.deepStrictEqual(Object.keys(placesBy(zone, { types: abc, nodes, pods: [lax, ...strict] })).length, 2)
    assert.strictEqual(judged({ types: abc, nodes, pods: [lax, ...strict] }).totals.unschedulable, 2)
  })

  it("a label that is left open never gets a value that is excluded", () => {
    const team = "example.com/team"
    const nodePools = [pool("default", { requirements: [{ key: team, operator: "NotIn", values: ["0", "1"] }] })]
    const [made] = judged({ types: abc, nodePools, pods: pods(1, one) }).newNodes
    assert.notInclude(["0", "1"], made!.labels[team])
  })

  it("a pod of a DaemonSet that may run by one of its alternatives counts, and asking changes nothing", () => {
    const either = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [
      { matchExpressions: [inValues(zone, "z")] }, { matchExpressions: [inValues(zone, "a", "b", "c")] }
    ] } } } }
    const daemonSets = [daemonSet("d", { cpu: 1 }, either)]
    const plan = judged({ types: abc, daemonSets, pods: pods(1, { cpu: 2 }) })
    assert.strictEqual(plan.newNodes[0]!.instanceType, "c4")
    const nodes = [node("n", 2, 8, { labels: { [zone]: "a" } })]
    assert.deepStrictEqual(filled(judged({ types: abc, daemonSets, nodes, pods: pods(1, { cpu: 2 }) })), [])
  })

  it("host ports of sidecars count", () => {
    const sidecar = { initContainers: [{ restartPolicy: "Always", ports: [{ hostPort: 80 }] }] }
    assert.strictEqual(judged({ types: abc, pods: pods(2, one, sidecar) }).newNodes.length, 2)
    const once = { initContainers: [{ ports: [{ hostPort: 80 }] }] }
    assert.strictEqual(judged({ types: abc, pods: pods(2, one, once) }).newNodes.length, 1)
  })

  it("ties are settled by name", () => {
    const plan = judged({ types: abc, pods: pods(1, one, { ...spread(zone), labels }) })
    assert.strictEqual(plan.newNodes[0]!.zone, "a")
    const twins = [type("y", 2, 4, 1), type("x", 2, 4, 1)]
    assert.deepStrictEqual(judged({ types: twins, pods: pods(1, one) }).newNodes[0]!.instanceTypeOptions, ["x", "y"])
  })

  it("a pod whose volume cannot be looked up is left out, and counts nowhere", () => {
    const broken = pod("broken", { cpu: 4 }, {
      ...spread(zone), labels, volumes: [{ name: "v", persistentVolumeClaim: { claimName: "none" } }]
    })
    const parts = { types: abc, pods: [broken, ...pods(3, one, { ...spread(zone), labels })] }
    assert.deepStrictEqual(countsBy(zone, parts), { a: 1, b: 1, c: 1, nowhere: 1 })
  })
})
