import { assert, describe, it } from "@effect/vitest"
import { schedule, solve } from "../../src/scheduling/index.ts"
import { violations } from "./checker.ts"
import { generate, shuffled } from "./generate.ts"

const problems = (count: number) => Array.from({ length: count }, (_, i) => ({ seed: i + 1, given: generate(i + 1) }))

const frozen = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value)
    Object.values(value).forEach(frozen)
  }
  return value
}

/** Enough to change plans; how good they get is told elsewhere. */
const searched = { steps: 30 }

describe("any problem", () => {
  it("has a first plan that Kubernetes would let happen, with no pod left out that has a place", () => {
    for (const { seed, given } of problems(500)) assert.deepStrictEqual(violations(given, solve(given).first), [], `seed ${seed}`)
  })

  it("has a searched plan that Kubernetes would let happen, never dearer than the first where it leaves out as many", () => {
    for (const { seed, given } of problems(200)) {
      const solution = solve(given)
      const plan = solution.improve(searched)
      assert.deepStrictEqual(violations(given, plan), [], `seed ${seed}`)
      const { totals } = solution.first
      assert.isAtMost(plan.totals.unschedulable, totals.unschedulable, `seed ${seed}`)
      if (plan.totals.unschedulable < totals.unschedulable) continue
      assert.isAtMost(plan.totals.hourlyPrice, totals.hourlyPrice + 1e-9, `seed ${seed}`)
    }
  })

  it("has one plan, whatever the order of its lists", () => {
    for (const { seed, given } of problems(300)) {
      const [one, other] = [solve(given), solve(shuffled(given, seed))]
      assert.deepStrictEqual(other.first, one.first, `seed ${seed}`)
      assert.deepStrictEqual(other.improve(searched), one.improve(searched), `seed ${seed}`)
    }
  })

  it("has one plan, however often it is asked for", () => {
    for (const { seed, given } of problems(30)) {
      const solution = solve(given)
      assert.deepStrictEqual(solution.improve(searched), solution.improve(searched), `seed ${seed}`)
      assert.deepStrictEqual(schedule(given, searched), solution.improve(searched), `seed ${seed}`)
    }
  })

  it("and its plan are the same after a trip through JSON", () => {
    const copy = <A>(value: A): A => JSON.parse(JSON.stringify(value)) as A
    for (const { seed, given } of problems(50)) {
      const plan = schedule(given, searched)
      assert.deepStrictEqual(copy(plan), plan, `seed ${seed}`)
      assert.deepStrictEqual(schedule(copy(given), searched), plan, `seed ${seed}`)
    }
  })

  it("is not changed by being solved", () => {
    for (const { given } of problems(50)) schedule(frozen(given), searched)
  })
})
