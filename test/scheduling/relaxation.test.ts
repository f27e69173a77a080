import { assert, describe, it } from "@effect/vitest"
import type { LabelSelector, PodSpec, Requirement } from "../../src/scheduling/index.ts"
import { pod, pods, pool, required } from "./build.ts"
import { abc, closed, inValues, judged, placesBy, running, spread, web, zone, zoned } from "./judged.ts"

const one = { cpu: 1 }
const db = { matchLabels: { app: "db" } }
const near = (labelSelector: LabelSelector, weight = 1) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: { topologyKey: zone, labelSelector } }]
})
const likes = (...terms: ReadonlyArray<readonly [number, Requirement]>) => ({
  preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, item]) => (
    { weight, preference: { matchExpressions: [item] } }
  ))
})
const slow = { key: "slow", effect: "PreferNoSchedule" }
/** Of `web` some run in zone a, of `db` some in zone b. */
const nodes = [
  closed("n", "a", [running("web", { app: "web" }), running("web2", { app: "web" })]),
  closed("m", "b", [running("db", { app: "db" })])
]
const goesTo = (spec: Partial<PodSpec> & { readonly labels?: Record<string, string> }, extra: object = {}): string =>
  Object.keys(placesBy(zone, { types: abc, nodes, pods: [pod("p", one, spec)], ...extra })).join()

describe("a wish", () => {
  it.each<[string, string, Partial<PodSpec> & { readonly labels?: Record<string, string> }]>([
    ["to be near others is met", "b", { affinity: { podAffinity: near(db) } }],
    ["for a zone is met", "c", { affinity: { nodeAffinity: likes([1, inValues(zone, "c")]) } }],
    ["for a zone that there is not is given up, and the next is met", "b", {
      affinity: { nodeAffinity: likes([1, inValues(zone, "b")], [50, inValues(zone, "z")]) }
    }],
    ["that weighs more comes before one that weighs less", "c", {
      affinity: { nodeAffinity: likes([1, inValues(zone, "b")], [50, inValues(zone, "c")]) }
    }]
  ])("%s", (_, where, spec) => {
    assert.strictEqual(goesTo(spec), where)
  })

  it("to be away from others is met", () => {
    const away = { affinity: { podAntiAffinity: near(web) } }
    assert.notStrictEqual(goesTo(away, { types: zoned("a", "c") }), "a")
  })

  it("is asked again when a later pod makes it possible", () => {
    const follower = pod("big", { cpu: 4 }, { affinity: { podAffinity: near({ matchLabels: { app: "late" } }) } })
    const late = pod("late", one, { labels: { app: "late" }, nodeSelector: { [zone]: "c" } })
    assert.strictEqual(judged({ types: abc, pods: [follower, late] }).totals.unschedulable, 0)
  })

  it("of each pod is its own: one that gives up does not speak for the others", () => {
    const wishing = pods(2, one, { affinity: { nodeAffinity: likes([1, inValues(zone, "b")]) } })
    const pinned = pod("pinned", one, { ...wishing[0]!.spec, nodeSelector: { [zone]: "a" } })
    assert.deepStrictEqual(placesBy(zone, { types: abc, pods: [...wishing, pinned] }), { a: "pinned", b: "p0 p1" })
  })
})

describe("wishes that contradict each other are given up in this order:", () => {
  it("to be near others before to be away from others", () => {
    const spec = { affinity: { podAffinity: near(web, 100), podAntiAffinity: near(web) } }
    assert.notStrictEqual(goesTo(spec, { types: zoned("a", "c") }), "a")
  })

  it("to be near others before one for a node", () => {
    assert.strictEqual(goesTo({ affinity: { podAffinity: near(web, 100), nodeAffinity: likes([1, inValues(zone, "c")]) } }), "c")
  })

  it("to be away from others before one for a node", () => {
    const spec = { affinity: { podAntiAffinity: near(web, 100), nodeAffinity: likes([1, inValues(zone, "a")]) } }
    assert.strictEqual(goesTo(spec), "a")
  })

  it("for a node before a spread", () => {
    const spec = {
      ...spread(zone, { whenUnsatisfiable: "ScheduleAnyway" }), labels: { app: "web" },
      affinity: { nodeAffinity: likes([100, inValues(zone, "a")]) }
    }
    assert.notStrictEqual(goesTo(spec), "a")
  })

  it("a spread before tolerating a taint that only prefers others", () => {
    const nodePools = [
      pool("plain", { requirements: [inValues(zone, "a")] }),
      pool("slow", { weight: 10, requirements: [inValues(zone, "b")], taints: [slow] })
    ]
    const spec = { ...spread(zone, { whenUnsatisfiable: "ScheduleAnyway" }), labels: { app: "web" } }
    assert.strictEqual(goesTo(spec, { nodePools }), "a")
  })

  it("all of them before what is required", () => {
    const spec = {
      nodeSelector: { [zone]: "a" },
      affinity: { podAffinity: near(db), podAntiAffinity: near(web), nodeAffinity: likes([1, inValues(zone, "c")]) }
    }
    assert.strictEqual(goesTo(spec), "a")
  })
})

describe("required alternatives", () => {
  it("are tried from the first", () => {
    assert.strictEqual(goesTo(required([inValues(zone, "c")], [inValues(zone, "a")])), "c")
    assert.strictEqual(goesTo(required([inValues(zone, "z")], [inValues(zone, "a")])), "a")
  })

  it("are given up before a wish is", () => {
    const spec = { affinity: { nodeAffinity: {
      ...required([inValues(zone, "a")], [inValues(zone, "a", "c")]).affinity!.nodeAffinity, ...likes([1, inValues(zone, "c")])
    } } }
    assert.strictEqual(goesTo(spec), "c")
  })

  it("come back at the end, so that a wish leaves nobody out", () => {
    const spec = { affinity: { nodeAffinity: {
      ...required([inValues(zone, "a")], [inValues(zone, "z")]).affinity!.nodeAffinity, ...likes([1, inValues(zone, "c")])
    } } }
    assert.strictEqual(goesTo(spec), "a")
  })
})

describe("a taint that only prefers others", () => {
  const tainted = pool("slow", { weight: 10, taints: [slow] })

  it("is kept away from where there is another NodePool", () => {
    const plan = judged({ types: abc, nodePools: [tainted, pool("plain")], pods: pods(2, one) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.nodePool), ["plain"])
  })

  it("is put up with where there is not", () => {
    const plan = judged({ types: abc, nodePools: [tainted], pods: pods(2, one) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.nodePool), ["slow"])
  })
})

describe("the preference policy Ignore", () => {
  const options = { preferencePolicy: "Ignore" as const }

  it.each<[string, Partial<PodSpec> & { readonly labels?: Record<string, string> }]>([
    ["node affinity", { affinity: { nodeAffinity: likes([1, inValues(zone, "c")]) } }],
    ["pod affinity", { affinity: { podAffinity: near(db) } }],
    ["pod anti-affinity", { affinity: { podAntiAffinity: near({ matchLabels: { app: "web" } }) }, labels: { app: "web" } }],
    ["spread", { ...spread(zone, { whenUnsatisfiable: "ScheduleAnyway" }), labels: { app: "web" } }]
  ])("does not look at preferred %s", (_, spec) => {
    const plan = judged({ types: abc, nodes, options, pods: pods(3, one, spec) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.pods.length), [3])
  })

  it("still looks at what is required", () => {
    const parts = { types: abc, nodes, options, pods: pods(2, one, { ...spread(zone), labels: { app: "web" } }) }
    assert.deepStrictEqual(placesBy(zone, parts), { b: "p0", c: "p1" })
  })
})
