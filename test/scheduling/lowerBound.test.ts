import { assert, describe, it } from "@effect/vitest"
import { FirstFit } from "../../src/scheduling/firstFit.ts"
import type { InstanceType, Pod, Problem } from "../../src/scheduling/index.ts"
import { solve } from "../../src/scheduling/index.ts"
import { lowerBound } from "../../src/scheduling/lowerBound.ts"
import { compile } from "../../src/scheduling/model.ts"
import { daemonSet, node, pod, pods, pool, problem, type } from "./build.ts"
import { dice } from "./generate/dice.ts"

const boundOf = (given: Problem): number => {
  const model = compile(given)
  return lowerBound(model, new FirstFit(model, Infinity).run().packed())
}

const separate = (app: string) => ({
  labels: { app },
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [
    { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } }
  ] } }
})

describe("the lower bound", () => {
  it("is nothing where nothing is to be bought", () => {
    assert.strictEqual(boundOf(problem({})), 0)
    assert.strictEqual(boundOf(problem({ pods: [pod("a", { cpu: 1 })], nodes: [node("n", 2, 4)] })), 0)
  })

  it("is what the pods would cost if they could be poured into the cheapest types", () => {
    const types = [type("dear", 8, 16, 0.2), type("cheap", 2, 4, 0.02)]
    assert.closeTo(boundOf(problem({ types, pods: pods(30, { cpu: "500m" }) })), 0.15, 1e-9)
  })

  it("mixes types that are rich in different resources", () => {
    const types = [type("cpu", 8, 1, 0.08), type("memory", 1, 8, 0.08)]
    // Nine of each resource for 0.16.
    assert.closeTo(boundOf(problem({ types, pods: pods(18, { cpu: "500m", memory: "512Mi" }) })), 0.16, 1e-9)
  })

  it("leaves out what pods on nodes that are there request", () => {
    const types = [type("t", 2, 4, 0.02)]
    const given = problem({ types, pods: pods(4, { cpu: 1 }), nodes: [node("n", 2, 4)] })
    assert.closeTo(boundOf(given), 0.02, 1e-9)
  })

  it("leaves daemons their room", () => {
    const types = [type("t", 2, 4, 0.02)]
    const given = problem({ types, pods: pods(30, { cpu: "100m" }), daemonSets: [daemonSet("d", { cpu: "500m" })] })
    assert.closeTo(boundOf(given), 0.04, 1e-9)
  })

  it("prices large pods by the types that hold them", () => {
    const types = [type("small", 2, 4, 0.02), type("large", 8, 16, 0.16)]
    assert.closeTo(boundOf(problem({ types, pods: pods(4, { cpu: 4 }) })), 0.32, 1e-9)
  })

  it("prices pods that select by the types that they select", () => {
    const types = [
      type("plain", 2, 4, 0.02), type("fine", 2, 4, 0.05, { labels: { grade: "fine" } })
    ]
    const given = problem({
      types, wellKnownLabels: ["grade"], pods: pods(4, { cpu: 1 }, { nodeSelector: { grade: "fine" } })
    })
    assert.closeTo(boundOf(given), 0.1, 1e-9)
  })

  it("is a whole node at least", () => {
    const types = [type("t", 16, 32, 0.16)]
    assert.closeTo(boundOf(problem({ types, pods: [pod("a", { cpu: "100m" })] })), 0.16, 1e-9)
  })

  it("is a node for each of the pods that keep each other away", () => {
    const types = [type("t", 16, 32, 0.16)]
    assert.closeTo(boundOf(problem({ types, pods: pods(5, { cpu: "100m" }, separate("a")) })), 0.8, 1e-9)
  })

  it("copes with types that have nothing of what is asked for, and with several pools", () => {
    const types = [type("plain", 4, 8, 0.04), type("gpu", 4, 8, 0.5, { capacity: { cpu: 4, memory: "8Gi", pods: 110, gpu: 2 } })]
    const nodePools = [pool("a", { weight: 10 }), pool("b")]
    assert.closeTo(boundOf(problem({ types, nodePools, pods: pods(4, { cpu: 1, gpu: 1 }) })), 1, 1e-9)
  })

  it("is never above the best plan there is", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const d = dice(seed)
      const types = Array.from({ length: 1 + d.upTo(3) }, (_, i) =>
        type(`t${i}`, d.pick([1, 2, 4, 8]), d.pick([1, 2, 4, 8]), 0.01 * (1 + d.upTo(9))))
      const asked = Array.from({ length: 1 + d.upTo(6) }, (_, i) => {
        const requests = { cpu: d.pick(["250m", "500m", "1", "2"]), memory: d.pick(["256Mi", "1Gi", "2Gi"]) }
        return pod(`p${i}`, requests, d.chance(0.2) ? separate("a") : {})
      })
      const given = problem({ types, pods: asked })
      if (solve(given).first.unschedulable.length > 0) continue
      assert.isAtMost(boundOf(given), cheapest(types, asked) + 1e-9, `seed ${seed}`)
    }
  })
})

const sizeOf = ({ spec: { containers: [container] } }: Pod): readonly [cpu: number, memory: number] => {
  const { cpu, memory } = container!.resources!.requests!
  const gi = String(memory)
  return [String(cpu).endsWith("m") ? parseInt(String(cpu)) / 1000 : Number(cpu), parseInt(gi) / (gi.endsWith("Mi") ? 1024 : 1)]
}

/** By trying every way to share the pods out. */
const cheapest = (types: ReadonlyArray<InstanceType>, asked: ReadonlyArray<Pod>): number => {
  const priceOf = (group: ReadonlyArray<Pod>): number => {
    if (group.filter(({ spec }) => spec.affinity !== undefined).length > 1) return Infinity
    const [cpu, memory] = group.map(sizeOf).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0])
    const able = types.filter(({ capacity }) => cpu <= Number(capacity["cpu"]) && memory <= parseInt(String(capacity["memory"])))
    return Math.min(Infinity, ...able.map(({ offerings: [offering] }) => offering!.price))
  }
  const share = (left: ReadonlyArray<Pod>, groups: ReadonlyArray<ReadonlyArray<Pod>>): number => {
    const [next, ...rest] = left
    if (next === undefined) return groups.reduce((sum, group) => sum + priceOf(group), 0)
    return Math.min(share(rest, [...groups, [next]]), ...groups.map((group, i) => share(rest, groups.with(i, [...group, next]))))
  }
  return share(asked, [])
}
