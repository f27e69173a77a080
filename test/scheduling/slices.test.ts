/** Solving a part at a time: the same answer, and no part that grows with the problem. */
import { assert, describe, it } from "vitest"
import { solve, solving } from "../../src/scheduling/index.ts"
import type { Problem } from "../../src/scheduling/index.ts"
import { node, pod, pods, problem } from "./build.ts"
import { generate } from "./generate.ts"

/** The answer, and how many parts it took. */
const counted = <A>(work: Generator<void, A>): { readonly answer: A; readonly parts: number } => {
  for (let parts = 1;; parts++) {
    const { done, value } = work.next()
    if (done === true) return { answer: value, parts }
  }
}

const partsOf = (given: Problem): number => {
  const { answer, parts } = counted(solving(given))
  return parts + counted(answer.improving({ steps: 0 })).parts
}

describe("solving a part at a time", () => {
  it("gives the plan that solving in one go gives, with whatever rules", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const given = generate(seed)
      const { first, improving } = counted(solving(given)).answer
      assert.deepStrictEqual(first, solve(given).first, `seed ${seed}`)
      assert.deepStrictEqual(counted(improving({ steps: 30 })).answer, solve(given).improve({ steps: 30 }), `seed ${seed}`)
    }
  })

  it("takes a part more for each two hundred pods, also of one kind", () => {
    const parts = [1_000, 3_000].map((count) => partsOf(problem({
      pods: pods(count, { cpu: "100m", memory: "64Mi" }), options: { assert: false }
    })))
    assert.isAtLeast(parts[0]!, 5)
    assert.isAtLeast(parts[1]! - parts[0]!, 10)
  })

  it("takes a part more for each five hundred nodes that are there, and for each twenty pods that are left out", () => {
    const parts = [500, 2_500].map((count) => partsOf(problem({
      pods: [pod("p", { cpu: 1 })], nodes: Array.from({ length: count }, (_, i) => node(`n${i}`, 4, 8))
    })))
    assert.isAtLeast(parts[1]! - parts[0]!, 4)
    const left = [20, 120].map((count) => partsOf(problem({
      pods: Array.from({ length: count }, (_, i) => pod(`p${i}`, { cpu: 100 + i }))
    })))
    assert.isAtLeast(left[1]! - left[0]!, 5)
  })
})
