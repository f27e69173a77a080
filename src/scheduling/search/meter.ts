import type { Budget } from "../problem.ts"

/** How many items may be looked at in one step: about 100 µs on a machine of 2025 that has warmed up. */
const looksPerStep = 8000

const stepsPerTurn = 50

/**
 * Counts work instead of time, so that a search of so many steps is the same on every machine. Work is counted in looks: one
 * look is about what it takes to see whether one item still fits a node. Whoever works reports what it did and stops once
 * `isOver`.
 */
export class Meter {
  private readonly budget: Budget
  private looks: number
  private isStopped: boolean
  private turn = 0

  constructor(budget: Budget) {
    this.budget = budget
    this.looks = 0
    this.isStopped = !(budget.steps > 0)
  }

  /** Steps begun so far. */
  get steps(): number {
    return Math.floor(this.looks / looksPerStep)
  }

  /** Reports work; between steps, the budget is asked. */
  spend(looks: number): void {
    const before = this.steps
    this.looks += looks
    const now = this.steps
    if (now === before || this.isStopped) return
    this.isStopped = now >= this.budget.steps || this.budget.isSpent?.() === true
  }

  /** True once in some steps: others may have their turn. */
  get isTurn(): boolean {
    if (this.steps < this.turn) return false
    this.turn = this.steps + stepsPerTurn
    return true
  }

  get isOver(): boolean {
    return this.isStopped
  }
}
