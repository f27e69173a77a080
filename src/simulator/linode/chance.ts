/** Chance from a seed: the same seed gives the same numbers. */

/** A range of milliseconds or anything else, both ends included. */
export type Range = readonly [from: number, to: number]

export class Chance {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** From 0 (included) to 1 (excluded): mulberry32. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let x = this.state
    x = Math.imul(x ^ (x >>> 15), x | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32
  }

  integer([from, to]: Range): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () => this.integer([0, 15]).toString(16)).join("")
  }
}
