import { assert, describe, it } from "@effect/vitest"
import { leanNode, leanPod } from "../../src/kube/lean.ts"
import type { Node, Pod } from "../../src/kube/objects.ts"

const needs = { name: "main", image: "pause", resources: { requests: { cpu: "1" } }, ports: [{ hostPort: 80 }] }
const claim = { name: "data", persistentVolumeClaim: { claimName: "data" } }
const lean: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "default", labels: { app: "a" }, annotations: { keep: "me" } },
  spec: {
    nodeName: "n", schedulerName: "default-scheduler", tolerations: [{ operator: "Exists" }], containers: [needs],
    initContainers: [{ ...needs, name: "sidecar", restartPolicy: "Always" }], volumes: [claim]
  },
  status: { phase: "Running", startTime: "2026-01-01T00:00:00Z", conditions: [{ type: "Ready", status: "True" }] }
}

describe("a pod in the caches", () => {
  it("says where it is, what it needs and how it is, and not what it runs", () => {
    const runs = { env: [{ name: "A", value: "b" }], command: ["sh"], volumeMounts: [{ name: "data" }], livenessProbe: {} }
    const whole = {
      ...lean,
      metadata: { ...lean.metadata, managedFields: [{}] },
      spec: {
        ...lean.spec,
        containers: [{ ...needs, ...runs }],
        initContainers: lean.spec.initContainers?.map((container) => ({ ...container, ...runs })) ?? [],
        volumes: [{ name: "token", projected: { sources: [{}] } }, claim]
      },
      status: { ...lean.status, containerStatuses: [{}], podIPs: [{}] }
    }
    assert.deepStrictEqual(leanPod(whole), lean)
  })

  it("is the very object that came where there is nothing to drop", () => {
    assert.strictEqual(leanPod(lean), lean)
  })

  it("has no volumes where none has a claim", () => {
    const { volumes: _, ...spec } = lean.spec
    assert.deepStrictEqual(leanPod({ ...lean, spec: { ...spec, volumes: [{ name: "tmp", emptyDir: {} }] } }), { ...lean, spec })
  })
})

describe("a node in the caches", () => {
  it("does not list its images", () => {
    const node: Node = {
      metadata: { name: "n" }, spec: { providerID: "linode://1" },
      status: { capacity: { cpu: "1" }, nodeInfo: { kubeletVersion: "v1.34.0" }, conditions: [{ type: "Ready", status: "True" }] }
    }
    const listed = { ...node, status: { ...node.status, images: [{ names: ["a"] }] } }
    assert.deepStrictEqual(leanNode(listed), node)
    assert.strictEqual(leanNode(node), node)
  })
})
