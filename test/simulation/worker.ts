/** Plays the seeds that its parent sends, one after the other, and sends back what came of them. */
import { readGround } from "./ground.ts"
import { live } from "./life.ts"
import { outcomeOf } from "./work.ts"

const ground = await readGround(process.argv[2] === "instance" ? "instance" : "lke")
let turn: Promise<void> = Promise.resolve()
process.on("message", (seed: number) => {
  turn = turn.then(async () => {
    process.send?.(outcomeOf(await live(seed, ground)))
  })
})
