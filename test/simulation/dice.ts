/** Chance with the words of a story, one for each concern: a new draw in one place does not shift the others. */
import { Chance } from "../../src/simulator/linode/chance.ts"

/** FNV-1a, then mixed: neighbouring seeds have nothing in common. */
export const seedOf = (seed: number, concern: string): number => {
  let hash = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x811c9dc5
  for (let i = 0; i < concern.length; i++) hash = Math.imul(hash ^ concern.charCodeAt(i), 0x01000193)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 13)) >>> 0
}

export class Dice {
  readonly chance: Chance

  constructor(seed: number, concern: string) {
    this.chance = new Chance(seedOf(seed, concern))
  }

  /** From 0 (included) to 1 (excluded). */
  next(): number {
    return this.chance.next()
  }

  /** Both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.chance.next() * (to - from + 1))
  }

  happens(probability: number): boolean {
    return this.chance.next() < probability
  }

  pick<A>(of: readonly [A, ...ReadonlyArray<A>]): A
  pick<A>(of: ReadonlyArray<A>): A | undefined
  pick<A>(of: ReadonlyArray<A>): A | undefined {
    return of[Math.floor(this.chance.next() * of.length)]
  }

  /** A name with the odds of its weight. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as unknown as ReadonlyArray<[K, number]>
    let left = this.chance.next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
    for (const [name, weight] of entries) {
      left -= weight
      if (left < 0) return name
    }
    return entries.at(-1)![0]
  }

  /** As likely between 10 and 100 as between 100 and 1,000. */
  magnitude(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.chance.next())
  }
}
