/** The rooms of many types, for who asks which of them hold a need: a look-up in each dimension. */
import type { Bits } from "./bits.ts"
import { intersectBits, noBits, setBit } from "./bits.ts"

export class Rooms {
  /** By type and dimension. */
  private readonly room: Float64Array
  private readonly D: number
  /** By dimension: the different rooms, ascending, once somebody has asked. */
  private steps: ReadonlyArray<Float64Array> | undefined = undefined
  /** By dimension and step: the types with at least that room. */
  private readonly atLeast: Array<Array<Bits | undefined>> = []
  /** By step in each dimension: needs that lie between the same rooms are held by the same types. */
  private readonly known: Map<string, Bits> = new Map()

  constructor(room: Float64Array, D: number) {
    this.room = room
    this.D = D
  }

  /** The types that hold the need found at `at` in `needs`. Equal needs have one answer. */
  holding(needs: Float64Array, at: number): Bits {
    const steps = this.steps ??= this.read()
    let key = ""
    for (let d = 0; d < this.D; d++) key += String.fromCharCode(rankOf(steps[d]!, needs[at + d]!))
    let types = this.known.get(key)
    if (types === undefined) {
      types = this.from(0, key.charCodeAt(0)).slice()
      for (let d = 1; d < this.D; d++) intersectBits(types, this.from(d, key.charCodeAt(d)))
      this.known.set(key, types)
    }
    return types
  }

  private read(): ReadonlyArray<Float64Array> {
    const { D, room } = this
    return Array.from({ length: D }, (_, d) => {
      const all = new Set<number>()
      for (let at = d; at < room.length; at += D) all.add(room[at]!)
      return Float64Array.from(all).sort()
    })
  }

  private from(d: number, step: number): Bits {
    while (this.atLeast.length <= d) this.atLeast.push([])
    const ofDimension = this.atLeast[d]!
    while (ofDimension.length <= step) ofDimension.push(undefined)
    let types = ofDimension[step]
    if (types === undefined) {
      types = noBits(this.room.length / this.D)
      // Beyond the last step is more than any type has.
      const least = this.steps![d]![step] ?? Infinity
      for (let t = 0, at = d; at < this.room.length; t++, at += this.D) if (this.room[at]! >= least) setBit(types, t)
      ofDimension[step] = types
    }
    return types
  }
}

/** How many of the ascending numbers are less than this one. */
const rankOf = (ascending: Float64Array, value: number): number => {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const mid = (low + high) >>> 1
    if (ascending[mid]! < value) low = mid + 1
    else high = mid
  }
  return low
}
