import { assert, describe, it } from "@effect/vitest"
import type { Labels, LabelSelector, OwnerReference, Pod, Selecting, SpreadConstraint } from "../../src/scheduling/index.ts"
import { DefaultConstraints, defaultSpreadProblems } from "../../src/scheduling/defaultSpread.ts"
import { pod } from "./build.ts"

const zone: SpreadConstraint = { maxSkew: 1, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "DoNotSchedule" }
const host: SpreadConstraint = { maxSkew: 3, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" }

const selecting = (kind: string, name: string, selector: LabelSelector | Labels | undefined, namespace = "default"): Selecting =>
  ({ kind, metadata: { name, namespace }, spec: selector === undefined ? {} : { selector } })
const owned = (labels: Labels, owner?: Partial<OwnerReference>): Pod => ({
  metadata: {
    name: "a",
    namespace: "default",
    labels,
    ...(owner === undefined ? {} : { ownerReferences: [{ kind: "ReplicaSet", name: "web-1", controller: true, ...owner }] })
  },
  spec: { containers: [] }
})
const labels = { app: "web", tier: "front" }
const deduced = (list: ReadonlyArray<Selecting>, one: Pod) => {
  const constraints = new DefaultConstraints({ constraints: [zone, host], selecting: list }).constraintsFor(one)
  if (constraints.length === 0) return undefined
  const { labelSelector } = constraints[0]!
  assert.deepStrictEqual(constraints, [zone, host].map((constraint) => ({ ...constraint, labelSelector: labelSelector! })))
  return labelSelector
}

describe("default constraints count the pods", () => {
  const web = { matchLabels: { app: "web" } }
  const expression = { key: "tier", operator: "Exists" }
  it.each<[string, ReadonlyArray<Selecting>, Pod, LabelSelector | undefined]>([
    ["of the Service", [selecting("Service", "web", { app: "web" })], owned(labels), web],
    [
      "of all Services that select the pod",
      [{ app: "web" }, { tier: "front" }, { app: "b" }].map((selector, i) => selecting("Service", `s${i}`, selector)),
      owned(labels), { matchLabels: { app: "web", tier: "front" } }
    ],
    ["of no Service of another namespace", [selecting("Service", "web", { app: "web" }, "other")], owned(labels), undefined],
    ["of no Service without a selector", [selecting("Service", "web", undefined)], owned(labels), undefined],
    ["of no Service with an empty one", [selecting("Service", "web", {})], owned(labels), undefined],
    ["of its ReplicaSet", [selecting("ReplicaSet", "web-1", web)], owned(labels, {}), web],
    [
      "of its StatefulSet", [selecting("StatefulSet", "db", { matchExpressions: [expression] })],
      owned(labels, { kind: "StatefulSet", name: "db" }), { matchLabels: {}, matchExpressions: [expression] }
    ],
    [
      "of its ReplicationController", [selecting("ReplicationController", "old", { app: "web" })],
      owned(labels, { kind: "ReplicationController", name: "old" }), web
    ],
    [
      "of Service and controller at once",
      [
        selecting("Service", "t", { tier: "front" }),
        selecting("ReplicaSet", "web-1", { ...web, matchExpressions: [expression] })
      ],
      owned(labels, {}), { matchLabels: { app: "web", tier: "front" }, matchExpressions: [expression] }
    ],
    [
      "of nobody, where Service and controller contradict each other",
      [selecting("Service", "web", { app: "web" }), selecting("ReplicaSet", "web-1", { matchLabels: { app: "b" } })],
      owned(labels, {}), { ...web, matchExpressions: [{ key: "app", operator: "In", values: ["b"] }] }
    ],
    ["of no other owner", [selecting("ReplicaSet", "web-1", web)], owned(labels, { controller: false }), undefined],
    ["of no controller of another name", [selecting("ReplicaSet", "web-2", web)], owned(labels, {}), undefined],
    ["of no controller of another kind", [selecting("StatefulSet", "web-1", web)], owned(labels, {}), undefined],
    ["of no controller of another namespace", [selecting("ReplicaSet", "web-1", web, "other")], owned(labels, {}), undefined],
    ["of no controller that says nothing", [selecting("ReplicaSet", "web-1", undefined)], owned(labels, {}), undefined]
  ])("%s", (_, list, one, expected) => {
    assert.deepStrictEqual(deduced(list, one), expected)
  })
})

describe("a pod has", () => {
  const services = [selecting("Service", "web", { app: "web" })]

  it("its own constraints where there are any, as they are", () => {
    const own = { ...pod("a", { cpu: 1 }, { labels, topologySpreadConstraints: [host] }) }
    const defaults = new DefaultConstraints({ constraints: [zone], selecting: services })
    assert.strictEqual(defaults.constraintsFor(own), own.spec.topologySpreadConstraints)
    assert.strictEqual(defaults.constraintsFor(pod("a", { cpu: 1 }, { labels, topologySpreadConstraints: [] })).length, 1)
  })

  it("none where there are no defaults", () => {
    assert.deepStrictEqual(new DefaultConstraints(undefined).constraintsFor(owned(labels)), [])
  })

  it("the same array as others that are counted with it", () => {
    const defaults = new DefaultConstraints({ constraints: [zone], selecting: services })
    const [first, second] = [{ app: "web", id: "1" }, { id: "2", app: "web" }]
    assert.strictEqual(defaults.constraintsFor(owned(first!)), defaults.constraintsFor(owned(second!)))
  })
})

describe("default constraints are refused", () => {
  it.each<[string, object, string]>([
    ["without any skew", { maxSkew: 0 }, "[0].maxSkew is 0, must be a whole number above 0"],
    ["with half a skew", { maxSkew: 1.5 }, "[0].maxSkew is 1.5, must be a whole number above 0"],
    ["without a key", { topologyKey: undefined }, "[0].topologyKey is missing, must be a label key"],
    ["with an empty key", { topologyKey: "" }, '[0].topologyKey is "", must be a label key'],
    ["with a key that is none", { topologyKey: "a/b/c" }, '[0].topologyKey is "a/b/c", must be a label key'],
    ["with another action", { whenUnsatisfiable: "x" }, '[0].whenUnsatisfiable is "x", must be DoNotSchedule or ScheduleAnyway'],
    ["with no domains", { minDomains: 0 }, "[0].minDomains is 0, must be a whole number above 0"],
    ["with another policy for affinity", { nodeAffinityPolicy: "x" }, '[0].nodeAffinityPolicy is "x", must be Honor or Ignore'],
    ["with another policy for taints", { nodeTaintsPolicy: "x" }, '[0].nodeTaintsPolicy is "x", must be Honor or Ignore'],
    ["with a selector", { labelSelector: {} }, "[0].labelSelector is {}, must be left out: it is deduced for each pod"],
    [
      "with label keys", { matchLabelKeys: ["a"] },
      '[0].matchLabelKeys is ["a"], must be left out: the selector is deduced for each pod'
    ]
  ])("%s", (_, wrong, expected) => {
    assert.deepStrictEqual(defaultSpreadProblems([{ ...zone, ...wrong }, host]), [expected])
  })

  it("where two say the same", () => {
    const soft = { ...zone, whenUnsatisfiable: "ScheduleAnyway" }
    assert.deepStrictEqual(defaultSpreadProblems([zone, soft, { ...zone, maxSkew: 2 }]), [
      "[2] has the topologyKey and whenUnsatisfiable of [0], must differ in one of them"
    ])
  })

  it("and not otherwise", () => {
    const keys = ["zone", "a.b-c.io/d_e.F", "topology.kubernetes.io/zone"]
    assert.deepStrictEqual(defaultSpreadProblems(keys.map((topologyKey) => ({ ...zone, topologyKey, minDomains: 2 }))), [])
    assert.deepStrictEqual(defaultSpreadProblems([]), [])
  })
})
