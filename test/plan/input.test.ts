/** The forms in which objects may come. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { list, node, nodePool, placed, plan, pod } from "./support.ts"

const yamlPod = (name: string): string => `apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  creationTimestamp: null
spec:
  containers:
    - name: main
      resources:
        requests: {cpu: 500m, memory: 512Mi}
status: {}
`

const text = (...objects: ReadonlyArray<unknown>): string => objects.map((object) => JSON.stringify(object)).join("\n")

describe("what plan reads", () => {
  const forms: ReadonlyArray<readonly [string, string]> = [
    ["one YAML document", yamlPod("a")],
    ["YAML in several documents, some of them empty", `---\n${yamlPod("a")}---\n# nothing\n---\n${yamlPod("b")}`],
    ["YAML with anchors and merge keys", "x: &spec\n  containers: [{name: main}]\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  <<: *spec\n"],
    ["JSON", text(pod("a"))],
    ["several JSON values one after the other", text(pod("a"), pod("b{\"]"))],
    ["kind: List", list(pod("a"), pod("b"))],
    ["a list in a list", list(JSON.parse(list(pod("a"))), pod("b"))],
    ["a typed list, whose items do not name their kind",
      text({ apiVersion: "v1", kind: "PodList", metadata: {}, items: [{ ...pod("a"), apiVersion: undefined, kind: undefined }] })],
    ["several JSON lists, as of several calls of kubectl", text(JSON.parse(list(pod("a"))), JSON.parse(list(pod("b"))))]
  ]
  it.effect.each(forms)("%s", ([, input]) => Effect.gen(function*() {
    const { json } = yield* plan(input)
    const names = ["default/a", "default/b", "default/b{\"]"]
    assert.isNotEmpty(json.unschedulable)
    assert.deepStrictEqual(json.unschedulable.filter(({ pod }) => !names.includes(pod)), [])
  }))

  it.effect("a list without items is a plan of nothing", () => Effect.gen(function*() {
    const { json } = yield* plan(list())
    assert.deepStrictEqual([json.newNodes, json.existingNodes, json.unschedulable], [[], [], []])
  }))

  it.effect("pods without a node wait; those that have one, have ended or belong to a node do not", () => Effect.gen(function*() {
    const owner = (kind: string, apiVersion: string) => ({ ownerReferences: [{ apiVersion, kind, name: "x", uid: "1" }] })
    const { json } = yield* plan(list(
      nodePool(), node("n1"),
      pod("waits"),
      pod("runs", {}, { nodeName: "n1" }),
      { ...pod("done"), status: { phase: "Succeeded" } },
      { ...pod("failed"), status: { phase: "Failed" } },
      pod("agent", {}, {}, owner("DaemonSet", "apps/v1")),
      pod("static", {}, {}, owner("Node", "v1")),
      pod("going", {}, {}, { deletionTimestamp: "2026-01-01T00:00:00Z" })
    ))
    assert.deepStrictEqual(placed(json), ["default/waits"])
    assert.deepStrictEqual(json.unschedulable, [])
  }))

  it.effect("a pod that waits at a gate is left out, and said to be", () => Effect.gen(function*() {
    const { json, notes } = yield* plan(list(nodePool(), pod("gated", {}, { schedulingGates: [{ name: "example.com/wait" }] })))
    assert.deepStrictEqual([placed(json), json.unschedulable], [[], []])
    assert.deepStrictEqual(notes, ["a pod with scheduling gates left out"])
  }))

  it.effect("kinds that planning has no use for are passed over and named once", () => Effect.gen(function*() {
    const other = (kind: string, name: string) => ({ apiVersion: "example.com/v1", kind, metadata: { name } })
    const { ignored, json } = yield* plan(list(nodePool(), other("Secret", "a"), other("Secret", "b"), other("Gateway", "a"), pod("a")))
    assert.deepStrictEqual(ignored, ["Gateway", "Secret"])
    assert.deepStrictEqual(placed(json), ["default/a"])
  }))

  it.effect("kinds of other groups that are called like one it knows", () => Effect.gen(function*() {
    const { ignored } = yield* plan(list({ apiVersion: "longhorn.io/v1beta2", kind: "Node", metadata: { name: "a" } }))
    assert.deepStrictEqual(ignored, ["Node"])
  }))

  it.effect("pods that are to be given a name", () => Effect.gen(function*() {
    const { json } = yield* plan(list(nodePool(), { ...pod(""), metadata: { generateName: "run-" } }, { ...pod(""), metadata: { generateName: "run-" } }))
    assert.deepStrictEqual(placed(json), ["default/run-2", "default/run-3"])
  }))

  it.effect("every kind it knows", () => Effect.gen(function*() {
    const meta = (apiVersion: string, kind: string, more: object) => ({ apiVersion, kind, metadata: { name: "x" }, ...more })
    const { ignored } = yield* plan(list(
      meta("policy/v1", "PodDisruptionBudget", { spec: { maxUnavailable: "50%", selector: { matchLabels: { app: "x" } } } }),
      meta("v1", "PersistentVolumeClaim", { spec: { storageClassName: "fast", resources: { requests: { storage: "1Gi" } } } }),
      meta("v1", "PersistentVolume", { spec: { capacity: { storage: "1Gi" }, csi: { driver: "linodebs.csi.linode.com", volumeHandle: "1" } } }),
      meta("storage.k8s.io/v1", "StorageClass", { provisioner: "linodebs.csi.linode.com", volumeBindingMode: "WaitForFirstConsumer" }),
      meta("storage.k8s.io/v1", "CSINode", { spec: { drivers: [{ name: "linodebs.csi.linode.com", nodeID: "1", allocatable: { count: 8 } }] } }),
      meta("v1", "Namespace", {}),
      meta("v1", "Service", { spec: { selector: { app: "x" }, ports: [{ port: 80 }] } }),
      meta("karpenter.k8s.linode/v1", "LinodeNodeClass", {}),
      meta("karpenter.sh/v1", "NodeClaim", {
        spec: { requirements: [], nodeClassRef: { group: "karpenter.k8s.linode", kind: "LinodeNodeClass", name: "default" } }
      })
    ))
    assert.deepStrictEqual(ignored, [])
  }))
})
