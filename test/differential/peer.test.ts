/** Problems have to mean the same in the rival's shape, or the comparison is worth nothing. */
import { assert, describe, it } from "vitest"
import { peerOf, problemOf } from "../../bench/peer.ts"
import { solve } from "../../src/scheduling/index.ts"
import { generate } from "./generate/generate.ts"

describe("a problem in the rival's shape", () => {
  it("has the same plan when it is turned back", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const problem = generate(seed)
      assert.deepStrictEqual(solve(problemOf(peerOf(problem))).first, solve(problem).first, `seed ${seed}`)
    }
  })
})
