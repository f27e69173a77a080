import { assert, describe, it } from "@effect/vitest"
import type { CapacityBuffer } from "../../../src/apis/capacityBuffer.ts"
import { bufferSize } from "../../../src/controllers/capacitybuffer/size.ts"
import { bufferOf, virtualPods } from "../../../src/controllers/capacitybuffer/virtualPods.ts"
import type { PodSpec } from "../../../src/kube/objects.ts"

const pod: PodSpec = { containers: [{ name: "a", resources: { requests: { cpu: "500m", memory: "1Gi" } } }] }

describe("the size of a buffer", () => {
  it.each<readonly [CapacityBuffer["spec"], number | undefined, number]>([
    [{ replicas: 3 }, undefined, 3],
    [{ replicas: 0 }, 10, 0],
    [{ percentage: 20 }, 10, 2],
    [{ percentage: 25 }, 10, 3],
    [{ percentage: 1 }, 3, 1],
    [{ percentage: 0 }, 3, 0],
    [{ percentage: 50 }, 0, 0],
    [{ percentage: 50, replicas: 2 }, 10, 5],
    [{ percentage: 10, replicas: 4 }, 10, 4],
    [{}, 10, 0],
    [{ limits: { cpu: "2" } }, undefined, 4],
    [{ limits: { cpu: 2, memory: "3500Mi" } }, undefined, 3],
    [{ limits: { cpu: "100m" } }, undefined, 0],
    [{ limits: { "example.com/fuse": 7 } }, undefined, 0],
    [{ limits: { "example.com/fuse": 7 }, replicas: 2 }, undefined, 2],
    [{ limits: { cpu: "2" }, replicas: 10 }, undefined, 4],
    [{ limits: { cpu: "20" }, replicas: 10 }, undefined, 10],
    [{ limits: { pods: 3 }, percentage: 100 }, 10, 3]
  ])("of %j beside %s pods is %d", (spec, own, expected) => {
    assert.strictEqual(bufferSize(spec, pod, own), expected)
  })
})

describe("virtual pods", () => {
  const buffer: CapacityBuffer = { metadata: { name: "b", namespace: "shop", uid: "u" }, spec: {} }
  const template = {
    metadata: { labels: { app: "web" } },
    spec: {
      ...pod,
      nodeName: "node",
      priorityClassName: "high",
      nodeSelector: { team: "red" },
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: "data" } },
        { name: "scratch", ephemeral: {} },
        { name: "tmp", emptyDir: {} }
      ]
    }
  }

  it("are numbered from 1, tell their buffer, and are like their template", () => {
    const [first, second, ...others] = virtualPods(buffer, template, 2)
    assert.lengthOf(others, 0)
    assert.deepInclude(first?.metadata, { name: "capacity-buffer-b-1", namespace: "shop", uid: "u-1", labels: { app: "web" } })
    assert.strictEqual(second?.metadata.uid, "u-2")
    assert.strictEqual(bufferOf(first!), "shop/b")
    assert.deepStrictEqual(first?.spec.nodeSelector, { team: "red" })
    assert.strictEqual(first?.spec.priority, -2_147_483_648)
  })

  it("have no node, no claims for volumes and no priority class", () => {
    const [first] = virtualPods(buffer, template, 1)
    assert.notProperty(first?.spec, "nodeName")
    assert.notProperty(first?.spec, "priorityClassName")
    assert.deepStrictEqual(first?.spec.volumes?.map(({ name }) => name), ["tmp"])
  })
})
