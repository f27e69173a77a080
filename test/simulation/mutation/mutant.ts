/** Plays lives with one bug in the product until one goes wrong: `mutant.ts <number of the mutation> <seed> <seed> ...`. */
import type { Violation } from "../stage.ts"
import { mutations } from "./mutations.ts"
import { rewriteOnLoad } from "./rewrite.ts"

export interface Caught {
  /** None where it lived. */
  readonly seed: number | undefined
  readonly violation: Violation | undefined
}

const [which = 0, ...seeds] = process.argv.slice(2).map(Number)
const { edits, mode = "lke" } = mutations[which]!
const done = rewriteOnLoad(edits)
const { readGround } = await import("../ground.ts")
const { live } = await import("../life.ts")
const ground = await readGround(mode)
for (const { file } of edits) if (!done.has(file)) throw new Error(`src/${file} was not loaded`)

let caught: Caught = { seed: undefined, violation: undefined }
for (const seed of seeds) {
  const { violation } = await live(seed, ground)
  if (violation === undefined) continue
  caught = { seed, violation }
  break
}
process.stdout.write(`${JSON.stringify(caught)}\n`)
