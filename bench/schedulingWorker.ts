/**
 * The process in which our scheduler is timed: `node --expose-gc schedulingWorker.ts cold|warm problem.json`, the problem being
 * one of ours. Answers with a line of JSON: when cold, at once, for its first solve; when warm, after having solved many times, for
 * each line on stdin.
 */
import { readFileSync } from "node:fs"
import type { Problem, solve as Solve } from "../src/scheduling/index.ts"

/** What is shipped: compiled code. */
const { solve } = await import("../dist/scheduling/index.js" as string) as { readonly solve: typeof Solve }

export interface Answer {
  /** From the problem as parsed objects to the complete first plan. */
  readonly millis: number
  readonly newNodes: number
  readonly hourlyPrice: number
  readonly unschedulable: number
  readonly onExisting: number
  readonly heapMiB: number
  readonly maxRssMiB: number
}

const solvesBefore = 60
const pauseMillis = 50

const { gc } = globalThis as { readonly gc?: (options: { readonly type: "minor" }) => void }
const text = readFileSync(process.argv[3]!, "utf8")
const pause = () => new Promise((done) => setTimeout(done, pauseMillis))

/** Every solve gets objects of its own, so that nothing can be remembered about them. */
const once = async (): Promise<Answer> => {
  const problem = JSON.parse(text) as Problem
  // What reading the problem left behind is not scheduling's to collect; two young collections make what stays of it old.
  gc?.({ type: "minor" })
  gc?.({ type: "minor" })
  await pause()
  const began = performance.now()
  const { existingNodes, totals } = solve(problem).first
  const millis = performance.now() - began
  return {
    millis,
    newNodes: totals.newNodes,
    hourlyPrice: totals.hourlyPrice,
    unschedulable: totals.unschedulable,
    onExisting: existingNodes.reduce((sum, { pods }) => sum + pods.length, 0),
    heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
    maxRssMiB: process.resourceUsage().maxRSS / 1024
  }
}

const say = (answer: Answer) => { process.stdout.write(`${JSON.stringify(answer)}\n`) }

if (process.argv[2] === "cold") say(await once())
else {
  for (let i = 0; i < solvesBefore; i++) await once()
  process.stdout.write("warm\n")
  for await (const _ of process.stdin) say(await once())
}
