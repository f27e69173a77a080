import { assert, describe, it } from "@effect/vitest"
import type { Selecting } from "../../src/scheduling/index.ts"
import { pod, pods } from "./build.ts"
import { abc, closed, countsBy, hostname, judged, running, spread, zone } from "./judged.ts"

const labels = { app: "web" }
const one = { cpu: 1 }
const service = (selector: Record<string, string> | undefined, namespace = "default"): Selecting => ({
  kind: "Service", metadata: { name: "web", namespace }, spec: selector === undefined ? {} : { selector }
})
const over = (selecting: ReadonlyArray<Selecting>, whenUnsatisfiable = "DoNotSchedule", topologyKey = zone) => ({
  types: abc, defaultSpread: { constraints: [{ maxSkew: 1, topologyKey, whenUnsatisfiable }], selecting }
})
const even = { a: 2, b: 2, c: 2 }

describe("the cluster's default spread", () => {
  it("holds for pods that a Service selects", () => {
    assert.deepStrictEqual(countsBy(zone, { ...over([service(labels)]), pods: pods(6, one, { labels }) }), even)
  })

  it("holds for pods of a ReplicaSet, counting its own", () => {
    const owned = (name: string) => {
      const it = pod(name, one, { labels: { ...labels, hash: "1" } })
      return { ...it, metadata: { ...it.metadata, ownerReferences: [{ kind: "ReplicaSet", name: "web-1", controller: true }] } }
    }
    const replicaSet: Selecting = {
      kind: "ReplicaSet", metadata: { name: "web-1", namespace: "default" }, spec: { selector: { matchLabels: { hash: "1" } } }
    }
    const nodes = [closed("n", "a", [running("old", { ...labels, hash: "0" }), running("old2", { ...labels, hash: "0" })])]
    const six = Array.from({ length: 6 }, (_, i) => owned(`p${i}`))
    assert.deepStrictEqual(countsBy(zone, { ...over([replicaSet]), nodes, pods: six }), even)
  })

  it("counts what runs", () => {
    const nodes = [closed("n", "a", [running("old", labels), running("old2", labels)])]
    assert.deepStrictEqual(countsBy(zone, { ...over([service(labels)]), nodes, pods: pods(4, one, { labels }) }), { b: 2, c: 2 })
  })

  it("is a wish where it says so", () => {
    const parts = over([service(labels)], "ScheduleAnyway")
    assert.deepStrictEqual(countsBy(zone, { ...parts, pods: pods(6, one, { labels }) }), even)
    const pinned = pods(2, one, { labels, nodeSelector: { [zone]: "b" } })
    const nodes = [closed("n", "b", [running("old", labels), running("old2", labels)])]
    assert.deepStrictEqual(countsBy(zone, { ...parts, nodes, pods: pinned }), { b: 2 })
  })

  it("may go by host", () => {
    const parts = over([service(labels)], "DoNotSchedule", hostname)
    assert.strictEqual(judged({ ...parts, pods: pods(3, one, { labels }) }).newNodes.length, 3)
  })

  it.each<[string, ReadonlyArray<Selecting>, object]>([
    ["that nothing selects", [], {}],
    ["that another Service selects", [service({ app: "db" })], {}],
    ["that a Service without a selector would have", [service(undefined)], {}],
    ["that a Service in another namespace selects", [service(labels, "other")], {}],
    ["with constraints of their own", [service(labels)], spread(zone, { maxSkew: 10 })]
  ])("does not hold for pods %s", (_, selecting, spec) => {
    const plan = judged({ ...over(selecting), pods: pods(6, one, { labels, ...spec }) })
    assert.deepStrictEqual(plan.newNodes.map((made) => made.pods.length), [6])
  })
})
