/** A generator of random choices that gives the same ones for the same seed. */
export interface Dice {
  readonly chance: (probability: number) => boolean
  /** 0 to n - 1. */
  readonly upTo: (n: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
  /** So many different ones, fewer where there are not as many. */
  readonly some: <A>(n: number, from: ReadonlyArray<A>) => ReadonlyArray<A>
}

export const dice = (seed: number): Dice => {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
  const upTo = (n: number): number => Math.floor(next() * n)
  return {
    chance: (probability) => next() < probability,
    upTo,
    pick: (from) => from[upTo(from.length)]!,
    some: (n, from) => {
      const left = [...from]
      return Array.from({ length: Math.min(n, from.length) }, () => left.splice(upTo(left.length), 1)[0]!)
    }
  }
}

export const times = <A>(n: number, make: (i: number) => A): ReadonlyArray<A> => Array.from({ length: n }, (_, i) => make(i))
