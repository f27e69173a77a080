import type { PoolLimits } from "../pools.ts"

/** What the limits of NodePools still allow while a plan is put together. */
export class Allowance {
  /** By pool and dimension; undefined where a pool has no limits. */
  private readonly left: ReadonlyArray<Float64Array | undefined>
  private readonly nodes: Array<number>
  /** False when no pool limits anything. */
  readonly matters: boolean

  constructor(pools: ReadonlyArray<PoolLimits>) {
    this.left = pools.map(({ limits }) => limits?.slice())
    this.nodes = pools.map(({ nodeLimit }) => nodeLimit)
    this.matters = pools.some(({ limits, nodeLimit }) => limits !== undefined || nodeLimit !== Infinity)
  }

  /** True when one more node with this charge stays within the limits of its pool. */
  allows(pool: number, charge: Float64Array | undefined): boolean {
    if (this.nodes[pool]! < 1) return false
    const left = this.left[pool]
    if (left === undefined || charge === undefined) return true
    for (let d = 0; d < left.length; d++) if (charge[d]! > left[d]!) return false
    return true
  }

  /** The same for the charge found at `row` in `capacity`. */
  allowsType(pool: number, capacity: Float64Array, row: number): boolean {
    if (this.nodes[pool]! < 1) return false
    const left = this.left[pool]
    if (left === undefined) return true
    for (let d = 0; d < left.length; d++) if (capacity[row + d]! > left[d]!) return false
    return true
  }

  take(pool: number, charge: Float64Array | undefined): void {
    this.change(pool, charge, -1)
  }

  giveBack(pool: number, charge: Float64Array | undefined): void {
    this.change(pool, charge, 1)
  }

  private change(pool: number, charge: Float64Array | undefined, sign: number): void {
    this.nodes[pool]! += sign
    const left = this.left[pool]
    if (left === undefined || charge === undefined) return
    for (let d = 0; d < left.length; d++) left[d]! += sign * charge[d]!
  }
}
