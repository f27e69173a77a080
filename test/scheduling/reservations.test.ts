import { assert, describe, it } from "@effect/vitest"
import type { Offering } from "../../src/scheduling/index.ts"
import type { Holding } from "../../src/scheduling/reservations.ts"
import { reservationOf, ReservationMisused, Reservations, reservedCapacity } from "../../src/scheduling/reservations.ts"
import { type } from "./build.ts"

const offering = (reservationId: string, reservationCapacity?: number): Offering => ({
  zone: "us-ord", capacityType: "reserved", price: 0.01, reservationId,
  ...(reservationCapacity === undefined ? {} : { reservationCapacity })
})
const shown = (holding: Holding) => typeof holding === "string" ? holding : [...holding].sort()
/** Tests, and commits what can be had. */
const reserve = (reservations: Reservations, node: number, ...ids: ReadonlyArray<string>) => {
  const holding = reservations.test(node, ids)
  if (holding !== "deferred") reservations.commit(node, holding)
  return shown(holding)
}

describe("what a reservation has", () => {
  it("is the least that any offering of it says", () => {
    const types = [
      type("a", 1, 1, 1, { offerings: [offering("r1", 3), offering("r2", 1)] }),
      type("b", 2, 2, 2, { offerings: [offering("r1", 2), offering("r3")] })
    ]
    const capacity = reservedCapacity({ instanceTypes: { default: types, other: types } })
    assert.deepStrictEqual([...capacity], [["r1", 2], ["r2", 1], ["r3", 0]])
  })

  it("is nothing where no offering is reserved", () => {
    const onDemand = { zone: "us-ord", capacityType: "on-demand", price: 1, reservationId: "r1", reservationCapacity: 5 }
    assert.isUndefined(reservationOf(onDemand))
    assert.strictEqual(reservationOf(offering("r1")), "r1")
    const capacity = reservedCapacity({ instanceTypes: { default: [type("a", 1, 1, 1, { offerings: [onDemand] })] } })
    assert.strictEqual(capacity.size, 0)
    const reservations = new Reservations(capacity)
    assert.isTrue(reservations.isEmpty)
    assert.strictEqual(reserve(reservations, 0), "none")
  })
})

describe("a node", () => {
  const of = (capacity: Record<string, number>) => new Reservations(new Map(Object.entries(capacity)))

  it("holds a place of every reservation that it could be launched from", () => {
    const reservations = of({ a: 2, b: 1, c: 1 })
    assert.deepStrictEqual(reserve(reservations, 0, "a", "b", "a"), ["a", "b"])
    assert.deepStrictEqual(["a", "b", "c"].map((id) => reservations.remaining(id)), [1, 0, 1])
    assert.deepStrictEqual(reserve(reservations, 1, "a", "b"), ["a"])
    assert.strictEqual(reservations.remaining("a"), 0)
  })

  it("is asked without effect, and asked again holds what it holds", () => {
    const reservations = of({ a: 1 })
    reservations.test(0, ["a"])
    assert.strictEqual(reservations.remaining("a"), 1)
    assert.deepStrictEqual(reserve(reservations, 0, "a"), ["a"])
    assert.deepStrictEqual(reserve(reservations, 0, "a"), ["a"])
    assert.strictEqual(reservations.remaining("a"), 0)
    assert.strictEqual(reservations.test(0, ["a"]), reservations.heldBy(0))
  })

  it("gives back what it can no longer be launched from", () => {
    const reservations = of({ a: 1, b: 1 })
    reserve(reservations, 0, "a", "b")
    assert.deepStrictEqual(reserve(reservations, 0, "b"), ["b"])
    assert.deepStrictEqual(reserve(reservations, 1, "a", "b"), ["a"])
  })

  it("is put off rather than bought dearer, while others hold all that it could have or it would lose all that it has", () => {
    const reservations = of({ a: 1, b: 0 })
    assert.strictEqual(reserve(reservations, 0, "b"), "deferred")
    assert.deepStrictEqual(reserve(reservations, 0, "a"), ["a"])
    assert.strictEqual(reserve(reservations, 1, "a", "b"), "deferred")
    assert.strictEqual(reserve(reservations, 0), "deferred")
    assert.strictEqual(reserve(reservations, 0, "b"), "deferred")
    assert.deepStrictEqual([...reservations.heldBy(0)], ["a"])
    assert.strictEqual(reserve(reservations, 2), "none")
  })

  it("that is dropped gives all back", () => {
    const reservations = of({ a: 1 })
    reserve(reservations, 0, "a")
    reservations.commit(0, "none")
    assert.strictEqual(reservations.heldBy(0).size, 0)
    assert.deepStrictEqual(reserve(reservations, 1, "a"), ["a"])
  })

  it("has no use for a reservation that is not offered, nor for more than there is: both are mistakes of the scheduler", () => {
    const reservations = of({ a: 1 })
    assert.throws(() => reservations.test(0, ["x"]), ReservationMisused, 'reservation "x" is not offered')
    assert.throws(() => reservations.remaining("x"), ReservationMisused)
    reservations.commit(0, new Set(["a"]))
    assert.throws(() => reservations.commit(1, new Set(["a"])), ReservationMisused, 'reservation "a" has no place left')
  })
})
