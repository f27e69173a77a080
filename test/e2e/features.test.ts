/** What feature gates turn on, with the rights that the chart gives: NodeOverlays and CapacityBuffers. */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import type { CapacityBuffer } from "../../src/apis/capacityBuffer.ts"
import type { NodeOverlay } from "../../src/apis/nodeOverlay.ts"
import { until } from "./support/cli.ts"
import { deployment, nodeClass } from "./support/manifests.ts"
import { scenario } from "./support/scenario.ts"
import { openWorld } from "./support/world.ts"
import type { World } from "./support/world.ts"

const types = (...values: ReadonlyArray<string>) => [{ key: "node.kubernetes.io/instance-type", operator: "In", values }]

describe.concurrent("a feature gate", () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld()
    await world.install()
    await world.kubectl("apply", "-f", "crds/autoscaling.x-k8s.io_capacitybuffers.yaml")
    await world.kubectl("wait", "--for=condition=Established", "crd/capacitybuffers.autoscaling.x-k8s.io", "--timeout=30s")
    await world.apply([nodeClass()])
    await world.start({ FEATURE_GATES: "NodeOverlay=true,CapacityBuffer=true" })
  })
  afterAll(async () => {
    try {
      await world.kubectl("delete", "nodeoverlays", "--all")
      await world.kubectl("delete", "capacitybuffers", "--all", "-n", "default")
      await world.giveBack()
    } finally {
      await world.close()
    }
  })

  it("makes NodeOverlays decide which type is bought, and say which of two is in force", async () => {
    const overlaid = scenario(world, "overlaid")
    const overlay = (name: string, spec: object) =>
      ({ apiVersion: "karpenter.sh/v1alpha1", kind: "NodeOverlay", metadata: { name }, spec })
    const requirements = [...types("g6-dedicated-2"), { key: "karpenter.sh/nodepool", operator: "In", values: ["overlaid"] }]
    await world.apply([
      overlaid.pool({ requirements: types("g6-standard-2", "g6-dedicated-2") }),
      overlay("contract", { requirements, priceAdjustment: "-90%" }),
      overlay("an-older-one", { requirements, price: "9" })
    ])
    const ready = async (name: string) => (await world.get<NodeOverlay>("nodeoverlay", name))[0]?.status?.conditions
      ?.find(({ type }) => type === "Ready")?.status
    await until("both overlays to be judged", async () =>
      await ready("contract") === "True" && await ready("an-older-one") === "False")
    await world.apply([deployment("overlaid", { replicas: 1, ...overlaid.at })])
    await overlaid.running(1)
    const [claim] = await overlaid.claims()
    assert.strictEqual(claim!.metadata.labels?.["node.kubernetes.io/instance-type"], "g6-dedicated-2")
    assert.strictEqual(claim!.metadata.annotations?.["karpenter.sh/price-overlay-applied"], "true")
  })

  it("makes CapacityBuffers keep a node ready for pods to come, and another once they have come", async () => {
    const buffered = scenario(world, "buffered")
    const conditions = async () => {
      const [found] = await world.get<CapacityBuffer>("capacitybuffer", "buffered", "-n", "default")
      return Object.fromEntries((found?.status?.conditions ?? []).map(({ reason, type }) => [type, reason]))
    }
    await world.apply([
      buffered.pool({ requirements: types("g6-standard-2") }),
      deployment("buffered", { replicas: 0, cpu: "1500m", ...buffered.at }),
      {
        apiVersion: "autoscaling.x-k8s.io/v1beta1",
        kind: "CapacityBuffer",
        metadata: { name: "buffered", namespace: "default" },
        spec: { scalableRef: { apiGroup: "apps", kind: "Deployment", name: "buffered" }, replicas: 1 }
      }
    ])
    await until("room for one pod", async () => (await conditions())["Provisioning"] === "FitsExistingCapacity", 90)
    const [spare, ...others] = await buffered.claims()
    assert.lengthOf(others, 0)
    await world.kubectl("scale", "deployment", "buffered", "--replicas", "1")
    const [pod] = await buffered.running(1)
    assert.strictEqual(pod!.spec.nodeName, spare!.status!.nodeName, "the pod went where room was kept")
    await until("room for the next one", async () => {
      const claims = await buffered.claims()
      return claims.length === 2 && (await conditions())["Provisioning"] === "FitsExistingCapacity"
    }, 120)
  })
})
