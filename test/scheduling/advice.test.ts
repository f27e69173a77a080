/** A refusal ends with what a person can do about it: the smallest change that would let the pod in. */
import { assert, describe, it } from "@effect/vitest"
import type { Requirement } from "../../src/scheduling/index.ts"
import { messages, pod, pool, required, solve, type } from "./build.ts"

const kind = "example.com/kind"
const zone = "topology.kubernetes.io/zone"
const typeLabel = "node.kubernetes.io/instance-type"
const inValues = (key: string, ...values: ReadonlyArray<string>): Requirement => ({ key, operator: "In", values })

const types = [
  type("small", 4, 8, 0.1, { labels: { [kind]: "standard" } }),
  type("wide", 32, 64, 1, { labels: { [kind]: "standard" } }),
  type("deep", 8, 256, 2, { labels: { [kind]: "highmem" } }),
  type("far", 4, 8, 0.05, { labels: { [kind]: "standard" }, offerings: [{ zone: "us-sea", capacityType: "on-demand", price: 0.05 }] }),
  type("gone", 512, 512, 0.01, { offerings: [{ zone: "us-ord", capacityType: "on-demand", price: 0.01, available: false }] })
]

const told = (requirements: ReadonlyArray<Requirement>, ...pods: ReadonlyArray<ReturnType<typeof pod>>) =>
  messages(solve({ types, nodePools: [pool("default", { requirements })], pods, wellKnownLabels: [kind] }))

describe("advice", () => {
  const standard = inValues(kind, "standard")
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Requirement>, ReturnType<typeof pod>, string]> = [
    ["names the label that leaves out a type with enough", [standard], pod("p", { memory: "96Gi" }),
      `needs 96Gi memory, the largest type NodePool default allows has 64Gi: allow ${kind} highmem in NodePool default (deep holds it)`],
    ["prefers one change to two, whatever the price", [standard, { key: typeLabel, operator: "NotIn", values: ["wide", "deep"] }], pod("p", { cpu: 8 }),
      `needs 8 cpu, the largest type NodePool default allows has 4: allow ${typeLabel} wide in NodePool default (wide holds it)`],
    ["names both where it takes two", [standard, inValues(typeLabel, "small", "wide")], pod("p", { memory: "96Gi" }),
      `needs 96Gi memory, the largest type NodePool default allows has 64Gi: allow ${kind} highmem and ${typeLabel} deep in NodePool default (deep holds it)`],
    ["keeps to what the pod itself demands", [standard], pod("p", { memory: "96Gi" }, required([inValues(typeLabel, "small")])),
      "needs 96Gi memory, the largest type NodePool default allows has 8Gi: no instance type that is to be had holds it"],
    ["offers no type that is sold out", [], pod("p", { cpu: 100 }),
      "needs 100 cpu, the largest type NodePool default allows has 32: no instance type that is to be had holds it"],
    ["names the zone to allow", [inValues(zone, "us-ord")], pod("p", { cpu: 1 }, { nodeSelector: { [zone]: "us-sea" } }),
      `needs ${zone} In [us-sea], NodePool default has In [us-ord]: allow ${zone} us-sea in NodePool default (far holds it)`],
    ["says where no type has what is asked, and what there is", [], pod("p", {}, { nodeSelector: { [kind]: "gpu" } }),
      `no instance type has ${kind} In [gpu]; there is highmem, standard`],
    ["says which requirement of the NodePool no type meets", [inValues(typeLabel, "smal")], pod("p", {}),
      `no instance type has ${typeLabel} In [smal]; there is deep, far, gone, small, wide: change that requirement of NodePool default`],
    ["names a value to allow of a label that is the NodePool's own", [inValues("team", "a")], pod("p", {}, { nodeSelector: { team: "b" } }),
      "needs team In [b], NodePool default has In [a]: allow team b in NodePool default"]
  ]
  it.each(cases)("%s", (_, requirements, asking, expected) => {
    assert.deepStrictEqual(told(requirements, asking), [expected])
  })

  it("leaves a label alone that the NodePool gives its nodes", () => {
    const nodePools = [pool("default", { labels: { team: "a" }, requirements: [inValues(typeLabel, "small")] })]
    const plan = solve({ types, nodePools, pods: [pod("p", {}, { nodeSelector: { team: "b" } })] })
    assert.deepStrictEqual(messages(plan), ["needs team In [b], NodePool default has In [a]"])
  })
})
