/** Chance that is the same twice. */
export interface Dice {
  readonly chance: (probability: number) => boolean
  readonly upTo: (n: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

export const dice = (seed: number): Dice => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let x = Math.imul(state ^ (state >>> 15), state | 1)
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61)
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296
  }
  const upTo = (n: number): number => Math.floor(next() * n)
  return { chance: (probability) => next() < probability, upTo, pick: (from) => from[upTo(from.length)]! }
}

export const times = <A>(n: number, make: (i: number) => A): ReadonlyArray<A> => Array.from({ length: n }, (_, i) => make(i))
