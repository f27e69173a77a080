import { assert, describe, it } from "@effect/vitest"
import type { InstanceType, Offering } from "../../src/scheduling/index.ts"
import { pod, pods, pool, type } from "./build.ts"
import { capacityType, hostname, inValues, judged, requires, reasonsOf, spread, zone } from "./judged.ts"

const reservation = "example.com/reservation"
const one = { cpu: 1 }
const onDemand: Offering = { zone: "a", capacityType: "on-demand", price: 1 }
const reserved = (reservationId: string, reservationCapacity: number, zone = "a"): Offering =>
  ({ zone, capacityType: "reserved", price: 0.01, reservationId, reservationCapacity })
const given = (types: ReadonlyArray<InstanceType>) => ({ types, reservationIdLabel: reservation, wellKnownLabels: [reservation] })
const big = (...offerings: ReadonlyArray<Offering>) => type("big", 8, 16, 1, { offerings })
const apart = { ...requires("podAntiAffinity", hostname), labels: { app: "web" } }
const kinds = (parts: Parameters<typeof judged>[0]) => judged(parts).newNodes.map((made) => made.capacityType)

describe("reserved capacity", () => {
  it("is used first, being cheapest, and the claim says which", () => {
    const [made] = judged({ ...given([big(onDemand, reserved("r1", 2))]), pods: pods(1, one) }).newNodes
    assert.strictEqual(made!.capacityType, "reserved")
    const says = (key: string) => made!.requirements.find((item) => item.key === key)?.values
    assert.deepStrictEqual(says(capacityType), ["reserved"])
    assert.deepStrictEqual(says(reservation), ["r1"])
  })

  it("is used up to what it has; who comes too late waits for what becomes of it", () => {
    const parts = { ...given([big(onDemand, reserved("r1", 2))]), pods: pods(3, one, apart) }
    assert.deepStrictEqual(kinds(parts), ["reserved", "reserved"])
    assert.deepStrictEqual(reasonsOf(parts), ["p2: ReservedCapacityInUse"])
  })

  it("is counted by its id, over types and zones, at the least that is said", () => {
    const small = type("small", 4, 8, 1, { offerings: [reserved("r1", 1)] })
    const parts = { ...given([big(reserved("r1", 3)), small]), pods: pods(2, one, apart) }
    assert.deepStrictEqual(kinds(parts), ["reserved"])
    assert.strictEqual(judged(parts).totals.unschedulable, 1)
  })

  it("is held whole by a node that may still become either", () => {
    const small = type("small", 4, 8, 1, { offerings: [reserved("r2", 1)] })
    const parts = { ...given([big(reserved("r1", 1)), small]), pods: pods(2, one, apart) }
    assert.strictEqual(judged(parts).newNodes.length, 1)
  })

  it("is let go by a node that grows out of it", () => {
    const small = type("small", 2, 8, 1, { offerings: [reserved("r2", 1)] })
    const parts = {
      ...given([big(reserved("r1", 1)), small]),
      pods: [pod("large", { cpu: 4 }), pod("small", one, { nodeSelector: { "node.kubernetes.io/instance-type": "small" } })]
    }
    assert.deepStrictEqual(kinds(parts), ["reserved", "reserved"])
  })

  it("is left alone by pods that do not want it, and by NodePools that do not allow it", () => {
    const types = [big(onDemand, reserved("r1", 1))]
    const other = pods(2, one, { ...apart, nodeSelector: { [capacityType]: "on-demand" } })
    assert.deepStrictEqual(kinds({ ...given(types), pods: other }), ["on-demand", "on-demand"])
    const nodePools = [pool("default", { requirements: [inValues(capacityType, "on-demand")] })]
    assert.deepStrictEqual(kinds({ ...given(types), nodePools, pods: pods(1, one) }), ["on-demand"])
  })

  it("that is used up or not to be had is as if it were not there", () => {
    for (const gone of [{ reservationCapacity: 0, available: false }, { available: false }]) {
      const parts = { ...given([big(onDemand, { ...reserved("r1", 1), ...gone })]), pods: pods(1, one) }
      assert.deepStrictEqual(kinds(parts), ["on-demand"])
    }
  })

  it("of a heavier NodePool is not given up for a lighter one", () => {
    const nodePools = [pool("heavy", { weight: 10, requirements: [inValues(capacityType, "reserved")] }), pool("light")]
    const parts = { ...given([big(onDemand, reserved("r1", 1))]), nodePools, pods: pods(2, one, apart) }
    assert.deepStrictEqual(judged(parts).newNodes.map((made) => made.nodePool), ["heavy"])
    assert.deepStrictEqual([...new Set(reasonsOf(parts))], ["p1: ReservedCapacityInUse"])
  })

  describe("that others hold makes nobody wait who can be elsewhere", () => {
    const inB = { ...onDemand, zone: "b" }
    const zonesOf = (parts: Parameters<typeof judged>[0]) =>
      judged(parts).newNodes.map((made) => `${made.zone} ${made.capacityType}`).sort()

    it("where its volume can be in another zone", () => {
      const parts = {
        ...given([big(onDemand, inB, reserved("r1", 1))]),
        persistentVolumeClaims: [{ metadata: { name: "x" }, spec: { storageClassName: "disk" } }],
        storageClasses: [{
          metadata: { name: "disk" }, provisioner: "csi.example.com", volumeBindingMode: "WaitForFirstConsumer",
          allowedTopologies: ["a", "b"].map((name) => ({ matchLabelExpressions: [{ key: zone, values: [name] }] }))
        }],
        pods: [pod("first", { cpu: 2 }, apart), pod("last", one, {
          ...apart, volumes: [{ name: "x", persistentVolumeClaim: { claimName: "x" } }]
        })]
      }
      assert.deepStrictEqual(zonesOf(parts), ["a reserved", "b on-demand"])
    })

    it("where it has to have one zone and may choose which", () => {
      const parts = {
        ...given([big(onDemand, inB, reserved("r1", 1))]),
        pods: [pod("first", { cpu: 2 }, apart), pod("last", one, {
          ...apart, ...spread(zone, { maxSkew: 2 })
        })]
      }
      assert.deepStrictEqual(zonesOf(parts), ["a reserved", "b on-demand"])
    })
  })
})
