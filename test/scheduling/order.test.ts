import { assert, describe, it } from "@effect/vitest"
import { filled, node, pod, pods, pool, required, type } from "./build.ts"
import { abc, inValues, judged, typeLabel } from "./judged.ts"

const made = (parts: Parameters<typeof judged>[0]) =>
  judged(parts).newNodes.map(({ nodePool, pods: on }) => `${nodePool}: ${on.map(({ name }) => name).sort().join(" ")}`).sort()
const one = { cpu: 1 }

describe("where a pod is tried", () => {
  it("first the nodes that are there, then those being bought, then a new one", () => {
    const parts = { types: abc, nodes: [node("n", 2, 8)], pods: pods(5, one) }
    assert.deepStrictEqual(filled(judged(parts)), ["n: p0 p1"])
    assert.deepStrictEqual(made(parts), ["default: p2 p3 p4"])
  })

  it("of the nodes that are there first the ready ones, then by name", () => {
    const nodes = [node("a", 1, 8, { initialized: false }), node("c", 1, 8), node("b", 1, 8)]
    const plan = judged({ types: abc, nodes, pods: ["1", "900m", "800m"].map((cpu, i) => pod(`p${i}`, { cpu })) })
    assert.deepStrictEqual([...filled(plan)].sort(), ["a: p2", "b: p0", "c: p1"])
  })

  it("of the nodes being bought first the one with the fewest pods", () => {
    const types = [type("t", 4, 64, 1)]
    const parts = { types, pods: [pod("x", { cpu: "2500m" }), pod("y", { cpu: "2400m" }), ...pods(2, one)] }
    assert.deepStrictEqual(made(parts), ["default: p0 x", "default: p1 y"])
  })

  it("small ones after large ones, so that they fill what these leave", () => {
    const types = [type("t", 4, 64, 1)]
    assert.strictEqual(made({ types, pods: [...pods(4, one), pod("big", { cpu: 4 }), pod("half", { cpu: 2 })] }).length, 3)
  })

  it("by CPU, then memory, then age, then uid", () => {
    const nodes = [node("n", 1, 8)]
    const first = (...of: ReadonlyArray<ReturnType<typeof pod>>) =>
      filled(judged({ types: abc, nodes, pods: of }))[0]
    const born = (name: string, creationTimestamp: string, uid: string) => {
      const it = pod(name, one)
      return { ...it, metadata: { ...it.metadata, creationTimestamp, uid } }
    }
    assert.strictEqual(first(pod("a", one), pod("b", { cpu: 1, memory: "1Gi" })), "n: b")
    assert.strictEqual(first(born("a", "2026-01-02T00:00:00Z", "1"), born("b", "2026-01-01T00:00:00Z", "2")), "n: b")
    assert.strictEqual(first(born("a", "2026-01-01T00:00:00Z", "2"), born("b", "2026-01-01T00:00:00Z", "1")), "n: b")
  })

  it("again, when another pod made it possible", () => {
    const near = pod("near", { cpu: 4 }, { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [
      { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "late" } } }
    ] } } })
    const late = pod("late", one, { labels: { app: "late" } })
    assert.deepStrictEqual(made({ types: abc, pods: [near, late] }), ["default: late near"])
  })
})

describe("which NodePool buys", () => {
  const small = [inValues(typeLabel, "c2")]

  it("is the heaviest that can", () => {
    const nodePools = [pool("light"), pool("heavy", { weight: 50, requirements: small }), pool("middle", { weight: 10 })]
    assert.deepStrictEqual(made({ types: abc, nodePools, pods: [pod("p", one)] }), ["heavy: p"])
    assert.deepStrictEqual(made({ types: abc, nodePools, pods: [pod("p", { cpu: 3 })] }), ["middle: p"])
  })

  it("is a lighter one only for a pod that needs it, whom others may join", () => {
    const nodePools = [pool("light"), pool("heavy", { weight: 50, requirements: small })]
    assert.deepStrictEqual(made({ types: abc, nodePools, pods: [pod("big", { cpu: 3 }), pod("p", one)] }), ["light: big p"])
  })

  it("is a lighter one for the sake of a wish", () => {
    const nodePools = [pool("light"), pool("heavy", { weight: 50, requirements: small })]
    const wishing = pod("p", one, { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [
      { weight: 1, preference: { matchExpressions: [inValues(typeLabel, "c4")] } }
    ] } } })
    assert.deepStrictEqual(made({ types: abc, nodePools, pods: [wishing] }), ["light: p"])
  })

  it("is a lighter one for the first of a pod's alternatives", () => {
    const nodePools = [pool("light"), pool("heavy", { weight: 50, requirements: small })]
    const either = required([inValues(typeLabel, "c4")], [inValues(typeLabel, "c2")])
    assert.deepStrictEqual(made({ types: abc, nodePools, pods: [pod("p", one, either)] }), ["light: p"])
  })
})
