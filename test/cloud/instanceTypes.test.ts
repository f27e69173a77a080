import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { label } from "../../src/apis/labels.ts"
import { allocatableOf, makeCandidates } from "../../src/cloud/choose.ts"
import { instanceTypesOf } from "../../src/cloud/instanceTypes.ts"
import { measure, roomOf } from "../../src/cloud/nodeRoom.ts"
import { plansOf } from "../../src/cloud/plans.ts"
import type { Node } from "../../src/kube/objects.ts"
import type { LinodeType, Region } from "../../src/linode/models.ts"
import * as snapshot from "../../src/linode/snapshot.ts"
import { toUnits } from "../../src/scheduling/quantity.ts"
import { claimOf } from "./lkeWorld.ts"

const standard2: LinodeType = {
  id: "g6-standard-2", label: "Linode 4GB", class: "standard", vcpus: 2, memory: 4096, disk: 81920, gpus: 0, accelerated_devices: 0,
  transfer: 4000, network_out: 4000, price: { hourly: 0.036, monthly: 24 }, region_prices: [{ id: "id-cgk", hourly: 0.043, monthly: 28.8 }]
}
const gpu: LinodeType = { ...standard2, id: "g2-gpu-rtx4000a1-s", class: "gpu", gpus: 1, price: { hourly: 0.52, monthly: null } }
const premium: LinodeType = { ...standard2, id: "g7-premium-2", class: "premium" }

const place = (id: string, capabilities: ReadonlyArray<string>): Region =>
  ({ id, label: id, country: "us", capabilities, status: "ok" })

const mib = (quantity: string | number | undefined) => toUnits(quantity ?? 0) / 2 ** 20

describe("the price list of a cluster", () => {
  const region = place("us-ord", ["Kubernetes", "Premium Plans", "GPU Linodes"])
  const listed = (types: ReadonlyArray<LinodeType>, options: {
    readonly tier?: "standard" | "enterprise"
    readonly region?: Region
    readonly sold?: ReadonlyArray<{ readonly plan: string; readonly available: boolean }>
  } = {}) => {
    const there = options.region ?? region
    const rows = (options.sold ?? []).map((row) => ({ ...row, region: there.id }))
    return plansOf({ id: there.id, tier: options.tier ?? "standard" }, types, [there], rows)
      .map(({ available, price, type }) => [type.id, price, available])
  }
  const table = [
    { it: "has plans at their price", is: listed([standard2]), wanted: [["g6-standard-2", 0.036, true]] },
    { it: "has the region's price where there is one", is: listed([standard2], { region: place("id-cgk", []) }), wanted: [["g6-standard-2", 0.043, true]] },
    { it: "leaves out what LKE takes no orders for", is: listed([{ ...standard2, class: "nanode" }, { ...standard2, class: "metal" }, { ...standard2, id: "g1-edge" }]), wanted: [] },
    { it: "leaves out what has no price", is: listed([{ ...standard2, price: { hourly: null, monthly: null } }]), wanted: [] },
    { it: "has GPUs on the standard tier", is: listed([gpu]), wanted: [["g2-gpu-rtx4000a1-s", 0.52, true]] },
    { it: "and not on enterprise", is: listed([gpu], { tier: "enterprise" }), wanted: [] },
    { it: "knows what a region cannot have", is: listed([premium], { region: place("us-east", []) }), wanted: [["g7-premium-2", 0.036, false]] },
    { it: "knows what the region is out of", is: listed([standard2], { sold: [{ plan: "g6-standard-2", available: false }] }), wanted: [["g6-standard-2", 0.036, false]] },
    { it: "takes a row that says available for what it is", is: listed([premium], { sold: [{ plan: "g7-premium-2", available: true }] }), wanted: [["g7-premium-2", 0.036, true]] }
  ]
  for (const { is, it: name, wanted } of table) it(name, () => assert.deepStrictEqual(is as unknown, wanted))
})

describe("the room on a node", () => {
  const allocatable = (...[type, kubelet, measured, share]: Parameters<typeof roomOf>) => {
    const room = roomOf(type, kubelet, measured, share)
    return allocatableOf({ name: type.id, offerings: [], ...room })
  }

  it("is estimated a little below what two LKE nodes were seen to have", () => {
    for (const [memory, real] of [[2048, 2027296 / 1024 - 100], [4096, 4022024 / 1024 - 100]] as const) {
      const room = mib(allocatable({ ...standard2, memory }, undefined, undefined, undefined).memory)
      assert.isAtMost(room, real)
      assert.isAbove(room, real * 0.98)
    }
    const room = allocatable(standard2, undefined, undefined, undefined)
    assert.strictEqual(room.cpu, "2")
    assert.strictEqual(room.pods, "110")
    assert.strictEqual(Math.floor(mib(room["ephemeral-storage"])), Math.floor(81920 * 0.983 * 0.9))
  })

  it("is what the user says is left of the memory until a node tells", () => {
    assert.strictEqual(mib(allocatable(standard2, undefined, undefined, 0.25).memory), 4096 * 0.75 - 100)
  })

  const node = (memory: string, allocatable: string, ready = "True"): Node => ({
    metadata: { name: "n", labels: { [label.instanceType]: "g6-standard-2" } },
    status: {
      conditions: [{ type: "Ready", status: ready === "True" ? "True" : "False" }],
      capacity: { cpu: "2", memory, "ephemeral-storage": "80Gi", pods: "110" },
      allocatable: { cpu: "2", memory: allocatable, "ephemeral-storage": "70Gi", pods: "110" }
    }
  })

  it("is exactly what live nodes have, the least of them", () => {
    const measured = measure([node("4022024Ki", "3919624Ki"), node("4000000Ki", "3900000Ki"), node("1Ki", "1Ki", "False")])
    const room = allocatable(standard2, undefined, measured.get("g6-standard-2"), 0.5)
    assert.strictEqual(toUnits(room.memory!), 3_900_000 * 1024)
    assert.strictEqual(room["ephemeral-storage"], "70Gi")
  })

  it("shrinks by what a NodeClass reserves, and never grows by what LKE does not pass on", () => {
    const before = allocatable(standard2, undefined, undefined, undefined)
    const after = allocatable(standard2, {
      maxPods: 250, kubeReserved: { memory: "200Mi", cpu: "100m" }, systemReserved: { memory: "50Mi" }, evictionHard: { "memory.available": "300Mi" }
    }, undefined, undefined)
    assert.strictEqual(mib(before.memory) - mib(after.memory), 200 + 50 + 300 - 100)
    assert.strictEqual(after.cpu, "1900m")
    assert.strictEqual(after.pods, "110")
    assert.strictEqual(allocatable(standard2, { podsPerCore: 10, maxPods: 50 }, undefined, undefined).pods, "20")
    const five = allocatable(standard2, { evictionHard: { "memory.available": "5%" } }, undefined, undefined)
    assert.isBelow(mib(five.memory), mib(before.memory))
    const off = allocatable(standard2, { evictionSoft: { "memory.available": "100%" } }, undefined, undefined)
    assert.strictEqual(off.memory, before.memory)
  })
})

describe("instance types", () => {
  const circumstances = { region: "us-ord", measured: new Map(), memoryShare: undefined, soldOut: new Set(["g6-standard-2"]) }
  const [plain, graphic] = instanceTypesOf(
    [{ type: standard2, price: 0.036, available: true }, { type: gpu, price: 0.52, available: true }], undefined, circumstances
  )

  it("carry the provider's labels", () => {
    assert.deepStrictEqual(plain?.labels, {
      "node.kubernetes.io/instance-type": "g6-standard-2", "topology.kubernetes.io/region": "us-ord", "kubernetes.io/arch": "amd64",
      "kubernetes.io/os": "linux", "karpenter.k8s.linode/instance-cpu": "2", "karpenter.k8s.linode/instance-memory": "4096",
      "karpenter.k8s.linode/instance-transfer": "4000", "karpenter.k8s.linode/instance-network-out": "4000",
      "karpenter.k8s.linode/instance-class": "standard", "karpenter.k8s.linode/instance-gpu-count": "0",
      "karpenter.k8s.linode/instance-accelerated-devices-count": "0", "karpenter.k8s.linode/instance-disk": "81920",
      "karpenter.k8s.linode/instance-generation": "6", "topology.linode.com/region": "us-ord"
    })
    assert.strictEqual(graphic?.labels?.[label.instanceGpuName], "rtx4000a1")
    assert.strictEqual(graphic?.capacity["nvidia.com/gpu"], "1")
  })

  it.each([[1, 7], [8, 7], [16, 15], [32, 31], [64, 63], [96, 63]])(
    "of %d GiB can have %d volumes attached beside their disk", (gib, volumes) => {
      const type = { ...standard2, memory: gib * 1024 }
      const [made] = instanceTypesOf([{ type, price: 1, available: true }], undefined, circumstances)
      assert.deepStrictEqual(made?.volumeLimits, { "linodebs.csi.linode.com": volumes })
    }
  )

  it("are offered on demand in the region as their zone, unless they were just refused", () => {
    assert.deepStrictEqual(plain?.offerings, [{ zone: "us-ord", capacityType: "on-demand", price: 0.036, available: false }])
    assert.deepStrictEqual(graphic?.offerings.map(({ available }) => available), [true])
  })

  it.effect("answer a claim cheapest first, by requirements and requests", () => Effect.gen(function*() {
    const plans = plansOf({ id: "us-ord", tier: "standard" }, yield* snapshot.types, yield* snapshot.regions, [])
    const types = instanceTypesOf(plans, undefined, { ...circumstances, soldOut: new Set() })
    const named = (spec: Partial<ReturnType<typeof claimOf>["spec"]>) => makeCandidates()({ ...claimOf("a"), spec: { ...claimOf("a").spec, requirements: [], ...spec } }, types)
    const anything = named({ resources: { requests: { cpu: "3", memory: "6Gi" } } })
    const prices = anything.map((type) => type.offerings[0]!.price)
    assert.deepStrictEqual(prices, prices.toSorted((a, b) => a - b))
    assert.isTrue(anything.every((type) => Number(type.labels?.[label.instanceCpu]) >= 3))
    const gpus = named({ resources: { requests: { "nvidia.com/gpu": 2 } } })
    assert.isTrue(gpus.length > 0 && gpus.every((type) => Number(type.labels?.[label.instanceGpuCount]) >= 2))
    assert.isEmpty(named({ requirements: [{ key: label.zone, operator: "In", values: ["eu-west"] }] }))
    const ofVolume = (region: string) => named({ requirements: [{ key: label.volumeRegion, operator: "In", values: [region] }] })
    assert.lengthOf(ofVolume("us-ord"), types.length)
    assert.isEmpty(ofVolume("eu-west"))
    assert.isEmpty(named({ requirements: [{ key: label.capacityType, operator: "In", values: ["spot"] }] }))
    assert.isTrue(named({ requirements: [{ key: label.instanceGpuName, operator: "Exists" }] }).every((type) => type.labels?.[label.instanceClass] === "gpu"))
    assert.strictEqual(
      named({ requirements: [{ key: "example.com/team", operator: "In", values: ["a"] }, { key: label.nodePool, operator: "In", values: ["x"] }] }).length,
      types.length
    )
  }))
})
