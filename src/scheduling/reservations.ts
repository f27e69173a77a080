/**
 * Capacity that is paid for already: how many nodes each reservation still has, and which of the nodes to be bought may draw from
 * it. A node holds, of every reservation that it may be launched from, one place until it is known better, so that no more nodes
 * are planned on a reservation than it has (Karpenter's strict mode).
 */
import type { InstanceType, Offering, Problem } from "./problem.ts"

/** The value of the capacity type under which reservations are offered. */
export const reserved = "reserved"

/** The reservation that the offering draws from, if it does. */
export const reservationOf = (offering: Offering): string | undefined =>
  offering.capacityType === reserved ? offering.reservationId : undefined

/**
 * How many nodes each reservation still has: the least that any of its offerings says, nothing where one does not say. Empty
 * where the problem has no reservations.
 */
export const reservedCapacity = (problem: Pick<Problem, "instanceTypes">): ReadonlyMap<string, number> => {
  const out = new Map<string, number>()
  const seen = new Set<ReadonlyArray<InstanceType>>()
  for (const pool in problem.instanceTypes) {
    const types = problem.instanceTypes[pool]!
    if (seen.has(types)) continue
    seen.add(types)
    for (const { offerings } of types) {
      for (const offering of offerings) {
        const id = reservationOf(offering)
        if (id !== undefined) out.set(id, Math.min(out.get(id) ?? Infinity, offering.reservationCapacity ?? 0))
      }
    }
  }
  return out
}

/** A reservation that no offering of the problem draws from, or one with no place left: the scheduler's mistake. */
export class ReservationMisused extends Error {
  override readonly name = "ReservationMisused"
  readonly reservation: string
  constructor(reservation: string, problem: string) {
    super(`reservation ${JSON.stringify(reservation)} ${problem}`)
    this.reservation = reservation
  }
}

/**
 * What a node may hold. `none`: nothing is reserved for it, nor was. `deferred`: it could only draw from reservations that others
 * hold, or it would lose all of its own; the pod has to wait for a later plan rather than be put on a dearer node.
 */
export type Holding = "none" | "deferred" | ReadonlySet<string>

const nothing: ReadonlySet<string> = new Set()

/** Who holds what, during one pass over the pods. Nodes are numbers. */
export class Reservations {
  private readonly left: Map<string, number>
  private readonly holders: Map<number, ReadonlySet<string>> = new Map()
  /** True where there is nothing to reserve: nobody needs to be asked. */
  readonly isEmpty: boolean

  constructor(capacity: ReadonlyMap<string, number>) {
    this.left = new Map(capacity)
    this.isEmpty = capacity.size === 0
  }

  /** The reservations that the node holds. */
  heldBy(node: number): ReadonlySet<string> {
    return this.holders.get(node) ?? nothing
  }

  /** Throws `ReservationMisused`. */
  remaining(reservation: string): number {
    const left = this.left.get(reservation)
    if (left === undefined) throw new ReservationMisused(reservation, "is not offered")
    return left
  }

  /**
   * What the node may hold if these are the reservations that it could be launched from: available, of a type that holds its
   * pods, allowed by its requirements. Changes nothing; where nothing would change, it is the very set that the node holds.
   * Throws `ReservationMisused` for a reservation that is not offered.
   */
  test(node: number, compatible: ReadonlyArray<string>): Holding {
    const held = this.heldBy(node)
    if (compatible.length === 0) return held.size === 0 ? "none" : "deferred"
    const can = new Set<string>()
    let isSame = true
    for (const id of compatible) {
      const isHeld = held.has(id)
      if (!isHeld && this.remaining(id) < 1) continue
      can.add(id)
      isSame &&= isHeld
    }
    if (can.size === 0) return "deferred"
    return isSame && can.size === held.size ? held : can
  }

  /** From now on the node holds this and nothing else. Throws `ReservationMisused` for more than there is. */
  commit(node: number, holding: Exclude<Holding, "deferred">): void {
    const held = this.heldBy(node)
    const next = holding === "none" ? nothing : holding
    if (next === held) return
    for (const id of next) {
      if (held.has(id)) continue
      const left = this.remaining(id)
      if (left < 1) throw new ReservationMisused(id, "has no place left")
      this.left.set(id, left - 1)
    }
    for (const id of held) if (!next.has(id)) this.left.set(id, this.remaining(id) + 1)
    if (next.size === 0) this.holders.delete(node)
    else this.holders.set(node, next)
  }
}
