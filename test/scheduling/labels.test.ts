import { assert, describe, it } from "@effect/vitest"
import type { Plan, Requirement } from "../../src/scheduling/index.ts"
import { bought, filled, messages, node, pod, pods, pool, refused, required, solve, type } from "./build.ts"

const zone = "topology.kubernetes.io/zone"
const typeLabel = "node.kubernetes.io/instance-type"
const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })
const noSchedule = { key: "team", value: "a", effect: "NoSchedule" }

describe("taints", () => {
  const nodePools = [pool("default", { taints: [noSchedule] })]
  it.each<[string, object, boolean]>([
    ["no toleration", {}, false],
    ["equal value", { key: "team", value: "a" }, true],
    ["equal value by name", { key: "team", operator: "Equal", value: "a", effect: "NoSchedule" }, true],
    ["another value", { key: "team", value: "b" }, false],
    ["Exists", { key: "team", operator: "Exists" }, true],
    ["Exists without a key", { operator: "Exists" }, true],
    ["Equal without a key", { value: "a" }, false],
    ["another effect", { key: "team", operator: "Exists", effect: "NoExecute" }, false]
  ])("%s", (_, toleration, fine) => {
    const plan = solve({ nodePools, pods: [pod("a", { cpu: 1 }, { tolerations: [toleration] })] })
    assert.strictEqual(plan.totals.newNodes, fine ? 1 : 0)
    if (!fine) assert.deepStrictEqual(messages(plan), ["does not tolerate team=a:NoSchedule of NodePool default: let the pod tolerate it"])
  })

  it.each<[string, string, boolean]>(
    [["Gt", "5", true], ["Gt", "10", false], ["Lt", "20", true], ["Lt", "10", false], ["Gt", "x", false]]
  )(
    "compare as numbers with %s %s", (operator, value, fine) => {
      const plan = solve({
        nodePools: [pool("default", { taints: [{ key: "level", value: "10", effect: "NoSchedule" }] })],
        pods: [pod("a", { cpu: 1 }, { tolerations: [{ key: "level", operator, value }] })]
      })
      assert.strictEqual(plan.totals.newNodes, fine ? 1 : 0)
    }
  )

  it("for the start of a node keep no pod away", () => {
    assert.strictEqual(
      solve({ nodePools: [pool("default", { startupTaints: [noSchedule] })], pods: pods(1, { cpu: 1 }) }).totals.newNodes, 1
    )
  })

  it("that are preferences are kept while another NodePool will do, and given up when none does", () => {
    const soft = pool("soft", { weight: 10, taints: [{ key: "team", effect: "PreferNoSchedule" }] })
    const poolsOf = (plan: Plan) => plan.newNodes.map((made) => made.nodePool)
    assert.deepStrictEqual(poolsOf(solve({ nodePools: [soft, pool("plain")], pods: pods(1, { cpu: 1 }) })), ["plain"])
    assert.deepStrictEqual(poolsOf(solve({ nodePools: [soft], pods: pods(1, { cpu: 1 }) })), ["soft"])
  })

  it("of the NodePool are on the node", () => {
    const plan = solve({ nodePools, pods: [pod("a", { cpu: 1 }, { tolerations: [{ operator: "Exists" }] })] })
    assert.deepStrictEqual(plan.newNodes[0]!.taints, [noSchedule])
  })
})

describe("labels", () => {
  it("of an instance type can be selected", () => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { [typeLabel]: "c8" } })] })), ["c8: a"])
  })

  it("that a provider made known can be selected, and are missing where a type does not have them", () => {
    const types = [type("plain", 4, 8, 1), type("special", 4, 8, 2, { labels: { "linode/class": "dedicated" } })]
    const solveWith = (wellKnownLabels: ReadonlyArray<string>) =>
      solve({ types, wellKnownLabels, pods: [pod("a", { cpu: 1 }, { nodeSelector: { "linode/class": "dedicated" } })] })
    assert.deepStrictEqual(bought(solveWith(["linode/class"])), ["special: a"])
    assert.deepStrictEqual(refused(solveWith([])), ["a: default IncompatibleRequirements"])
  })

  it("of one's own must be set by the NodePool", () => {
    const own = { nodeSelector: { "example.com/team": "a" } }
    const plan = solve({ pods: [pod("a", { cpu: 1 }, own)] })
    assert.deepStrictEqual(messages(plan), ["needs example.com/team In [a], which NodePool default does not set: add the label example.com/team=a to NodePool default"])
    const labelled = solve(
      { nodePools: [pool("default", { labels: { "example.com/team": "a" } })], pods: [pod("a", { cpu: 1 }, own)] }
    )
    assert.deepStrictEqual(labelled.newNodes[0]!.labels, { "example.com/team": "a", "karpenter.sh/nodepool": "default" })
  })

  it("that are probably mistyped are named", () => {
    const plan = solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { "topology.k8s.io/zone": "us-ord" } })] })
    assert.deepStrictEqual(messages(plan), [
      `needs topology.k8s.io/zone In [us-ord], which NodePool default does not set (is ${zone} meant?)`
    ])
  })

  it("of one's own that the NodePool leaves open take the value that pods ask for, one for each node", () => {
    const nodePools = [pool("default", { requirements: [{ key: "example.com/team", operator: "Exists" }] })]
    const plan = solve(
      { nodePools, pods: ["a", "b"].map((team) => pod(team, { cpu: 1 }, { nodeSelector: { "example.com/team": team } })) }
    )
    assert.deepStrictEqual(plan.newNodes.map((made) => made.labels["example.com/team"]).sort(), ["a", "b"])
  })

  it("of the hostname never match a node that is not there", () => {
    const plan = solve(
      { pods: [pod("a", { cpu: 1 }, { nodeSelector: { "kubernetes.io/hostname": "n1" } })], nodes: [node("n0", 4, 8)] }
    )
    assert.deepStrictEqual(refused(plan), ["a: default IncompatibleRequirements"])
    assert.deepStrictEqual(
      filled(
        solve({ pods: [pod("a", { cpu: 1 }, { nodeSelector: { "kubernetes.io/hostname": "n1" } })], nodes: [node("n1", 4, 8)] })
      ),
      ["n1: a"]
    )
  })

  it("demanded of the node are on the NodeClaim, with the types and how they are paid", () => {
    const plan = solve({ pods: [pod("a", { cpu: 9 }, { nodeSelector: { "failure-domain.beta.kubernetes.io/zone": "us-ord" } })] })
    assert.deepStrictEqual(plan.newNodes[0]!.requirements, [
      inValues("karpenter.sh/capacity-type", "on-demand"),
      inValues("karpenter.sh/nodepool", "default"),
      inValues(typeLabel, "c16"),
      inValues(zone, "us-ord")
    ])
  })

  it("that a type leaves open are chosen by the pods, one value for each node", () => {
    const key = "linode/nic"
    const types = [type("t", 4, 8, 1, { requirements: [inValues(key, "x", "y")] })]
    const plan = solve({ types, wellKnownLabels: [key], pods: ["x", "y", "x"].map(
      (value, i) => pod(`${value}${i}`, { cpu: 1 }, { nodeSelector: { [key]: value } })
    ) })
    assert.deepStrictEqual(bought(plan), ["t: x0 x2", "t: y1"])
    const values = plan.newNodes.map((made) => made.requirements.find((item) => item.key === key)?.values?.join())
    assert.deepStrictEqual(values.sort(), ["x", "y"])
  })
})

describe("node affinity", () => {
  it.each<[string, ReadonlyArray<ReadonlyArray<Requirement>>, ReadonlyArray<string>]>([
    [
      "takes the first term that can hold",
      [[inValues(typeLabel, "none")], [inValues(typeLabel, "c16")], [inValues(typeLabel, "c8")]], ["c16: a"]
    ],
    [
      "demands all expressions of a term",
      [[inValues(typeLabel, "c4", "c8"), { key: typeLabel, operator: "NotIn", values: ["c4"] }]], ["c8: a"]
    ]
  ])("%s", (_, terms, expected) => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, required(...terms))] })), [...expected])
  })

  it("with nothing but empty terms matches no node", () => {
    assert.deepStrictEqual(
      refused(solve({ pods: [pod("a", { cpu: 1 }, required([]))], nodes: [node("n", 4, 8)] })), ["a:  IncompatibleRequirements"]
    )
  })

  it("prefers the heaviest wish that can hold and gives up those before it", () => {
    const prefer = (...types: ReadonlyArray<readonly [number, string]>) => ({
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: types.map(([weight, name]) => ({
            weight, preference: { matchExpressions: [inValues(typeLabel, name)] }
          }))
        }
      }
    })
    assert.deepStrictEqual(
      bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([1, "c4"], [50, "c8"], [100, "none"]))] })), ["c8: a"]
    )
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([100, "none"]))] })), ["c2: a"])
    assert.deepStrictEqual(
      bought(solve({ pods: [pod("a", { cpu: 1 }, prefer([50, "c8"]))], options: { preferencePolicy: "Ignore" } })), ["c2: a"]
    )
  })
})

describe("a pod with several terms and wishes", () => {
  const wish = { weight: 1, preference: { matchExpressions: [inValues(typeLabel, "none")] } }
  const spec = (...names: ReadonlyArray<string>) => ({
    affinity: {
      nodeAffinity: {
        ...required(...names.map((name) => [inValues(typeLabel, name)])).affinity!.nodeAffinity,
        preferredDuringSchedulingIgnoredDuringExecution: [wish]
      }
    }
  })

  it("comes back to an earlier term without the wishes when no later one can hold", () => {
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, spec("c4", "missing"))] })), ["c4: a"])
    assert.deepStrictEqual(bought(solve({ pods: [pod("a", { cpu: 1 }, spec("c4", "c8"))] })), ["c8: a"])
  })

  it("is told about the term that came closest", () => {
    assert.deepStrictEqual(messages(solve({ pods: [pod("a", { cpu: 6 }, spec("c4", "missing"))] })), [
      "needs 6 cpu, the largest type NodePool default allows has 4: no instance type that is to be had holds it"
    ])
  })
})
