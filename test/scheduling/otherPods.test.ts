import { assert, describe, it } from "@effect/vitest"
import { filled, ladder, messages, node, pod, pods, refused, solve, type } from "./build.ts"

const zone = "topology.kubernetes.io/zone"
const inValues = (key: string, ...values: ReadonlyArray<string>) => ({ key, operator: "In", values })

describe("rules about other pods on the same node", () => {
  const hostname = "kubernetes.io/hostname"
  const web = { labelSelector: { matchLabels: { app: "web" } } }
  const apart = (extra: object = {}) => ({
    labels: { app: "web" },
    affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{
      topologyKey: hostname, ...web, ...extra
    }] } }
  })
  const spread = (maxSkew: number, extra: object = {}) => ({
    labels: { app: "web" },
    topologySpreadConstraints: [{ maxSkew, topologyKey: hostname, whenUnsatisfiable: "DoNotSchedule", ...web, ...extra }]
  })

  it("give each pod that is apart from its like a node of its own, and let others join", () => {
    const plan = solve({ pods: [...pods(3, { cpu: 1 }, apart()), pod("other", { cpu: 1 })] })
    assert.strictEqual(plan.totals.newNodes, 3)
    assert.strictEqual(plan.newNodes.filter((made) => made.pods.length === 2).length, 1)
  })

  it("keep others away from whom does not want them, in either order", () => {
    const wary = pod("wary", { cpu: 1 }, { ...apart(), labels: { app: "wary" } })
    for (const cpu of ["500m", "1500m"]) {
      assert.strictEqual(
        solve({ pods: [wary, pod("web", { cpu }, { labels: { app: "web" } })], types: ladder.slice(2) }).totals.newNodes, 2
      )
    }
    assert.deepStrictEqual(
      filled(solve({ pods: [pod("web", { cpu: 1 }, { labels: { app: "web" } })], nodes: [node("n", 8, 8, { pods: [wary] })] })),
      []
    )
    assert.deepStrictEqual(
      filled(solve({ pods: [wary], nodes: [node("n", 8, 8, { pods: [pod("web", { cpu: 1 }, { labels: { app: "web" } })] })] })),
      []
    )
  })

  it("hold within the namespaces that the term names", () => {
    const elsewhere = {
      ...pod("b", { cpu: 1 }, { labels: { app: "web" } }), metadata: { name: "b", namespace: "other", labels: { app: "web" } }
    }
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart()), elsewhere] }).totals.newNodes, 1)
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart({ namespaces: ["other"] })), elsewhere] }).totals.newNodes, 2)
    assert.strictEqual(solve({ pods: [pod("a", { cpu: 1 }, apart({ namespaceSelector: {} })), elsewhere] }).totals.newNodes, 2)
  })

  it("spread pods up to the skew on each node, counting those that run", () => {
    assert.deepStrictEqual(
      solve({ pods: pods(5, { cpu: "100m" }, spread(2)) }).newNodes.map((made) => made.pods.length).sort(), [1, 2, 2]
    )
    const running = node("n", 8, 8, { pods: [pod("old", { cpu: 1 }, { labels: { app: "web" } })] })
    assert.deepStrictEqual(filled(solve({ pods: pods(2, { cpu: "100m" }, spread(2)), nodes: [running] })), ["n: p0"])
  })

  it("do not spread pods that their own selector does not select", () => {
    assert.strictEqual(solve({ pods: pods(5, { cpu: "100m" }, { ...spread(1), labels: { app: "other" } }) }).totals.newNodes, 1)
    assert.strictEqual(solve({ pods: pods(5, { cpu: "100m" }, spread(1, { labelSelector: undefined })) }).totals.newNodes, 1)
  })

  it("compare only pods of one revision where matchLabelKeys says so", () => {
    const revision = (name: string) => pod(
      name, { cpu: "100m" }, { ...spread(1, { matchLabelKeys: ["rev"] }), labels: { app: "web", rev: name } }
    )
    assert.strictEqual(solve({ pods: [revision("a"), revision("b")] }).totals.newNodes, 1)
  })
})

describe("spread over another label", () => {
  const over = (topologyKey: string, extra: object = {}) => ({
    labels: { app: "web" },
    topologySpreadConstraints: [
      { maxSkew: 1, topologyKey, whenUnsatisfiable: "DoNotSchedule", labelSelector: { matchLabels: { app: "web" } }, ...extra }
    ]
  })
  const zones = (...names: ReadonlyArray<string>) =>
    [type("t", 8, 16, 1, { offerings: names.map((name) => ({ zone: name, capacityType: "on-demand", price: 1 })) })]

  it("holds by itself where there is one zone only", () => {
    const plan = solve({ pods: pods(5, { cpu: 1 }, over(zone)) })
    assert.strictEqual(plan.totals.unschedulable, 0)
    assert.deepStrictEqual(plan.newNodes[0]!.requirements.find(({ key }) => key === zone)?.values, ["us-ord"])
    assert.deepStrictEqual(filled(solve({ pods: pods(1, { cpu: 1 }, over(zone)), nodes: [node("n", 4, 8)] })), [])
  })

  it("holds by itself where the pod leaves one, unless it needs more", () => {
    const chosen = { ...over(zone), nodeSelector: { [zone]: "b" } }
    assert.strictEqual(solve({ types: zones("a", "b"), pods: pods(3, { cpu: 1 }, chosen) }).newNodes[0]!.zone, "b")
    assert.deepStrictEqual(
      refused(solve({ types: zones("a"), pods: pods(2, { cpu: 1 }, over(zone, { minDomains: 2 })) })),
      ["p1: default TopologySpreadNotMet"]
    )
  })

  it("refuses pods where no node has the label", () => {
    assert.deepStrictEqual(
      refused(solve({ pods: pods(1, { cpu: 1 }, over("example.com/rack")) })), ["p0: default TopologySpreadNotMet"]
    )
  })

  it("keeps pods out of a zone that a running pod wants to itself", () => {
    const alone = pod("alone", { cpu: 1 }, {
      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{
        topologyKey: zone, labelSelector: { matchLabels: { app: "web" } }
      }] } }
    })
    const nodes = [node("n", 8, 8, { labels: { [zone]: "a" }, pods: [alone] })]
    const plan = solve({ types: zones("a", "b"), nodes, pods: pods(1, { cpu: 1 }, { labels: { app: "web" } }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.zone), ["b"])
    assert.deepStrictEqual(filled(solve({ types: zones("a", "b"), nodes, pods: pods(1, { cpu: 1 }) })), ["n: p0"])
  })
})

describe("pods with constraints that are not judged", () => {
  const byField = { nodeSelectorTerms: [{ matchFields: [inValues("metadata.name", "n")] }] }

  it("are not placed", () => {
    const spec = { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: byField } } }
    const plan = solve({ pods: [pod("p", { cpu: 1 }, spec)], nodes: [node("n", 4, 8)] })
    assert.deepStrictEqual(refused(plan), ["p:  UnsupportedConstraint"])
    assert.match(messages(plan)[0]!, /^spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.*matchFields/)
  })
})
