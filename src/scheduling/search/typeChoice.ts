import type { Task } from "./task.ts"

/** So many types are filled up around a pod at most. */
const mostTried = 10

/** By how much a type that is not tried seems cheaper the next time, so that its turn comes. */
const forgetting = 0.98

/** Which types to try where there are too many: those that were cheapest for what they held when they were last tried. */
export class TypeChoice {
  /** The types to try, `length` of them. */
  readonly chosen: Int32Array = new Int32Array(mostTried)
  length = 0
  private readonly task: Task
  /** By type, all pools numbered through: what it cost for what it was worth; 0 before it was tried. */
  private readonly rate: Float64Array

  constructor(task: Task) {
    this.task = task
    this.rate = new Float64Array(task.types)
  }

  /** Chooses among the types of the pool that hold a pod of the item. */
  choose(item: number, pool: number, types: ReadonlyArray<number>): void {
    const { task, chosen, rate } = this
    const first = task.firstType[pool]!
    this.length = 0
    for (let i = 0; i < types.length; i++) {
      const t = types[i]!
      if (!task.fits(item, pool, t)) continue
      const own = rate[first + t]!
      rate[first + t] = own * forgetting
      if (this.length === mostTried && own >= rate[first + chosen[mostTried - 1]!]! / forgetting) continue
      if (this.length < mostTried) this.length++
      let at = this.length - 1
      while (at > 0 && rate[first + chosen[at - 1]!]! / forgetting > own) {
        chosen[at] = chosen[at - 1]!
        at--
      }
      chosen[at] = t
    }
    task.meter.spend(types.length)
  }

  /** Remembers what a type cost for what it was worth. */
  learn(pool: number, type: number, ratio: number): void {
    this.rate[this.task.firstType[pool]! + type] = ratio
  }
}
