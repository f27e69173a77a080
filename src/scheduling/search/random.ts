/** Numbers that look random and are the same in every run (xorshift, 32 bits). */
export class Random {
  private state: number

  constructor(seed: number) {
    this.state = seed | 1
  }

  /** At least 0, below 1. */
  next(): number {
    let x = this.state
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    this.state = x
    return (x >>> 0) / 4294967296
  }

  /** A whole number from 0, below `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
}
