/** The pods that workloads are still going to make. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { list, node, nodePool, placed, plan, pod, podSpec, workload } from "./support.ts"
import type { Fields } from "./support.ts"

const owned = (name: string, kind: string, owner: string, labels: Fields = {}, spec: Fields = { nodeName: "n1" }): Fields =>
  pod(name, {}, spec, { labels, ownerReferences: [{ apiVersion: "apps/v1", kind, name: owner, uid: owner, controller: true }] })

const job = (name: string, spec: Fields, status: Fields = {}): Fields =>
  ({ apiVersion: "batch/v1", kind: "Job", metadata: { name }, spec: { template: { spec: podSpec() }, ...spec }, status })

const asked = (...objects: ReadonlyArray<Fields>) =>
  Effect.map(plan(list(nodePool(), node("n1", {}, { spec: { unschedulable: true } }), ...objects)), ({ json }) => placed(json))

describe("workloads", () => {
  const cases: ReadonlyArray<readonly [string, ReadonlyArray<Fields>, ReadonlyArray<string>]> = [
    ["a Deployment has as many pods as replicas", [workload("Deployment", "web", 3)], ["default/web-1", "default/web-2", "default/web-3"]],
    ["a Deployment that does not say has one", [workload("Deployment", "web", undefined)], ["default/web-1"]],
    ["a Deployment of none has none", [workload("Deployment", "web", 0)], []],
    ["pods that run already count", [
      workload("Deployment", "web", 3), owned("web-abc-x", "ReplicaSet", "web-abc", { "pod-template-hash": "abc" }),
      owned("web-abc-y", "ReplicaSet", "web-abc", { "pod-template-hash": "abc" })
    ], ["default/web-1"]],
    ["so do those that wait", [
      workload("Deployment", "web", 2), owned("web-abc-x", "ReplicaSet", "web-abc", { "pod-template-hash": "abc" }, {})
    ], ["default/web-1", "default/web-abc-x"]],
    ["the ReplicaSet of a Deployment in the input is not counted again", [
      workload("Deployment", "web", 2),
      { ...workload("ReplicaSet", "web-abc", 2), metadata: { name: "web-abc", ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: "1", controller: true }] } }
    ], ["default/web-1", "default/web-2"]],
    ["a ReplicaSet by itself is", [workload("ReplicaSet", "rs", 2), owned("rs-x", "ReplicaSet", "rs")], ["default/rs-1"]],
    ["a StatefulSet counts from 0 and fills its gaps", [
      workload("StatefulSet", "db", 3), owned("db-1", "StatefulSet", "db")
    ], ["default/db-0", "default/db-2"]],
    ["a Job runs so many at a time", [job("batch", { parallelism: 2, completions: 5 })], ["default/batch-1", "default/batch-2"]],
    ["a Job does no more than is left", [job("batch", { parallelism: 4, completions: 5 }, { succeeded: 4 })], ["default/batch-1"]],
    ["a suspended Job does nothing", [job("batch", { suspend: true })], []],
    ["a Job that is over does nothing", [job("batch", {}, { conditions: [{ type: "Complete", status: "True" }] })], []]
  ]
  it.effect.each(cases)("%s", ([, objects, expected]) => Effect.gen(function*() {
    assert.deepStrictEqual(yield* asked(...objects), expected)
  }))

  it.effect("what a template asks for is asked of every pod", () => Effect.gen(function*() {
    const apart = {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } }]
      }
    }
    const template = { metadata: { labels: { app: "web" } }, spec: podSpec({ cpu: "100m" }, { affinity: apart }) }
    const { json } = yield* plan(list(nodePool(), workload("Deployment", "web", 3, { template })))
    assert.strictEqual(json.totals.newNodes, 3)
  }))

  it.effect("pods of a Deployment get the default spread of the cluster", () => Effect.gen(function*() {
    const defaultConstraints = [{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "DoNotSchedule" }]
    const nodes = ["n1", "n2", "n3"].map((name) => node(name))
    const used = Effect.fnUntraced(function*(constraints: typeof defaultConstraints) {
      const { json } = yield* plan(list(nodePool(), ...nodes, workload("Deployment", "web", 6)), { defaultConstraints: constraints })
      return json.existingNodes.map(({ pods }) => pods.length)
    })
    assert.deepStrictEqual(yield* used([]), [6])
    assert.deepStrictEqual(yield* used(defaultConstraints), [1, 1, 1])
  }))

  it.effect("a StatefulSet makes the claims of its pods", () => Effect.gen(function*() {
    const storage = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", metadata: { name: "fast" }, provisioner: "linodebs.csi.linode.com", volumeBindingMode: "WaitForFirstConsumer" }
    const set = workload("StatefulSet", "db", 2, { volumeClaimTemplates: [{ metadata: { name: "data" }, spec: { storageClassName: "fast" } }] })
    const { json, question } = yield* plan(list(nodePool(), storage, set))
    assert.deepStrictEqual(question.problem.persistentVolumeClaims?.map((claim) => claim.metadata.name), ["data-db-0", "data-db-1"])
    assert.deepStrictEqual(question.problem.pods[0]!.spec.volumes, [{ name: "data", persistentVolumeClaim: { claimName: "data-db-0" } }])
    assert.deepStrictEqual(json.unschedulable, [])
  }))
})
