/** The resources of a problem as positions in vectors of numbers: thousandths of a CPU, whole units of everything else. */
import type { Quantity, Resources } from "./problem.ts"
import { toMillis, toUnits } from "./quantity.ts"

export const CPU = 0
export const MEMORY = 1
export const PODS = 2

export class Dimensions {
  /** cpu, memory and pods, then the others in order of the alphabet: the same for any order of the input. */
  readonly names: ReadonlyArray<string>
  readonly size: number
  private readonly positions: ReadonlyMap<string, number>
  private readonly wanted: Map<Quantity, number> = new Map()
  private readonly offered: Map<Quantity, number> = new Map()
  private readonly wantedMillis: Map<Quantity, number> = new Map()
  private readonly offeredMillis: Map<Quantity, number> = new Map()

  constructor(resources: Iterable<string>) {
    const first = ["cpu", "memory", "pods"]
    this.names = [...first, ...[...new Set(resources)].filter((name) => !first.includes(name)).sort()]
    this.size = this.names.length
    this.positions = new Map(this.names.map((name, i) => [name, i]))
  }

  positionOf(resource: string): number | undefined {
    return this.positions.get(resource)
  }

  /** What is wanted, rounded up. Throws `MalformedQuantity`. */
  need(resources: Resources | undefined): Float64Array {
    return this.addTo(new Float64Array(this.size), resources, "up", 1)
  }

  /** What is there, rounded down. Throws `MalformedQuantity`. */
  supply(resources: Resources | undefined): Float64Array {
    return this.addTo(new Float64Array(this.size), resources, "down", 1)
  }

  /** Adds `sign` times the resources to a vector. Resources without a position are left out. */
  addTo(into: Float64Array, resources: Resources | undefined, round: "up" | "down", sign: number): Float64Array {
    for (const name in resources) {
      const d = this.positions.get(name)
      if (d !== undefined) into[d]! += sign * this.amount(d, resources[name]!, round)
    }
    return into
  }

  /** One quantity in the unit of its dimension. */
  amount(d: number, quantity: Quantity, round: "up" | "down"): number {
    const memo = d === CPU ? round === "up" ? this.wantedMillis : this.offeredMillis : round === "up" ? this.wanted : this.offered
    let amount = memo.get(quantity)
    if (amount === undefined) {
      amount = d === CPU ? toMillis(quantity, round) : toUnits(quantity, round)
      memo.set(quantity, amount)
    }
    return amount
  }
}
