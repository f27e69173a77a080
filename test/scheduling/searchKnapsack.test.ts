import { assert, describe, it } from "@effect/vitest"
import { FirstFit } from "../../src/scheduling/firstFit.ts"
import { compile } from "../../src/scheduling/model.ts"
import { Knapsack } from "../../src/scheduling/search/knapsack.ts"
import { Meter } from "../../src/scheduling/search/meter.ts"
import { Random } from "../../src/scheduling/search/random.ts"
import { Task } from "../../src/scheduling/search/task.ts"
import { pod, problem, type } from "./build.ts"
import type { Dice } from "./generate/dice.ts"
import { dice } from "./generate/dice.ts"

/** Up to six kinds of pods, each some times, and a node of 4 CPUs and 8 GiB. */
const taskOf = (d: Dice): Task => {
  const sizes = Array.from({ length: 2 + d.upTo(5) }, () =>
    ({ cpu: `${100 * (1 + d.upTo(20))}m`, memory: `${256 * (1 + d.upTo(16))}Mi` }))
  const asked = sizes.flatMap((requests, i) => Array.from({ length: 1 + d.upTo(3) }, (_, j) => pod(`p${i}-${j}`, requests)))
  const model = compile(problem({ types: [type("t", 4, 8, 0.04)], pods: asked }))
  const pass = new FirstFit(model, Infinity).run()
  return new Task(model, pass, pass.packed(), [], new Meter({ steps: 1e9 }))
}

/** By trying everything. */
const best = (task: Task, worth: Float64Array, room: Float64Array, item = 0): number => {
  if (item === task.size) return 0
  let top = 0
  for (let copies = 0; copies <= task.count[item]!; copies++) {
    const left = room.map((amount, d) => amount - copies * task.request[item * task.D + d]!)
    if (left.some((amount) => amount < 0)) break
    top = Math.max(top, copies * worth[item]! + best(task, worth, left, item + 1))
  }
  return top
}

describe("the knapsack", () => {
  it("finds what is worth most on a node, and what it says is on the node", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const d = dice(seed)
      const task = taskOf(d)
      const worth = Float64Array.from(task.count, () => 1 + d.upTo(100))
      const room = task.model.pools[0]!.room
      const knapsack = new Knapsack(task, new Random(1))
      const list = Int32Array.from(task.count, (_, item) => item)
      knapsack.left.set(room)
      const found = knapsack.solve(list, list.length, worth, task.count, 0, 4, 5000)
      assert.closeTo(found, best(task, worth, room), 1e-6, `seed ${seed}`)
      for (let d = 0; d < task.D; d++) {
        const used = list.reduce((sum, item) => sum + knapsack.copies[item]! * task.request[item * task.D + d]!, 0)
        assert.isAtMost(used, room[d]!, `seed ${seed}`)
      }
      assert.closeTo(list.reduce((sum, item) => sum + knapsack.copies[item]! * worth[item]!, 0), found, 1e-6, `seed ${seed}`)
    }
  })
})

describe("random numbers of the search", () => {
  it("are the same for the same seed, and spread over the whole range", () => {
    const draw = (seed: number): ReadonlyArray<number> => {
      const random = new Random(seed)
      return Array.from({ length: 1000 }, () => random.below(10))
    }
    assert.deepStrictEqual(draw(5), draw(5))
    assert.notDeepEqual(draw(5), draw(7))
    assert.deepStrictEqual([...new Set(draw(5))].sort(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})
