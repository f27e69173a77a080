import type { Meter } from "./meter.ts"

const mostPivots = 40

/**
 * Prices of what is left on a node by which that is worth least while no pod is worth more than what it takes: the dual of
 * filling the node with parts of pods, by the simplex method. Where it takes too long it ends early; whoever uses the prices is
 * then less thorough.
 */
export class ResourcePrices {
  /** By resource. */
  readonly price: Float64Array
  /** By item and resource. */
  private readonly size: Float64Array
  private readonly width: number
  private readonly meter: Meter
  private readonly tableau: Float64Array

  /** `size` is by item and resource, of which there are `width`. */
  constructor(size: Float64Array, width: number, meter: Meter) {
    this.size = size
    this.width = width
    this.meter = meter
    this.price = new Float64Array(width)
    this.tableau = new Float64Array((width + 1) * (size.length / width + width + 1))
  }

  /** Sets `price` for what is left on the node and what pods of these items are worth. */
  find(list: Int32Array, n: number, worth: Float64Array, left: Float64Array): void {
    const { size, width: W, tableau, price, meter } = this
    const columns = n + W + 1
    const last = W * columns
    tableau.fill(0, 0, (W + 1) * columns)
    for (let d = 0; d < W; d++) {
      const scale = left[d]! > 0 ? 1 / left[d]! : 0
      for (let i = 0; i < n; i++) tableau[d * columns + i] = size[list[i]! * W + d]! * scale
      tableau[d * columns + n + d] = 1
      tableau[d * columns + n + W] = scale > 0 ? 1 : 0
    }
    for (let i = 0; i < n; i++) tableau[last + i] = worth[list[i]!]!
    let pivots = 0
    while (pivots < mostPivots && this.pivot(n, columns, last)) pivots++
    for (let d = 0; d < W; d++) price[d] = left[d]! > 0 ? Math.max(0, -tableau[last + n + d]!) / left[d]! : 0
    meter.spend(n * (pivots + 2))
  }

  private pivot(n: number, columns: number, last: number): boolean {
    const { width: W, tableau } = this
    let column = -1
    let top = 1e-12
    for (let j = 0; j < n + W; j++) {
      if (tableau[last + j]! > top) {
        top = tableau[last + j]!
        column = j
      }
    }
    if (column < 0) return false
    let leaving = -1
    let least = Infinity
    for (let d = 0; d < W; d++) {
      const by = tableau[d * columns + column]!
      if (by > 1e-12 && tableau[d * columns + n + W]! / by < least) {
        least = tableau[d * columns + n + W]! / by
        leaving = d
      }
    }
    if (leaving < 0) return false
    const from = leaving * columns
    const by = 1 / tableau[from + column]!
    for (let j = 0; j < columns; j++) tableau[from + j]! *= by
    for (let d = 0; d <= W; d++) {
      const factor = tableau[d * columns + column]!
      if (d === leaving || factor === 0) continue
      for (let j = 0; j < columns; j++) tableau[d * columns + j]! -= factor * tableau[from + j]!
    }
    return true
  }
}
