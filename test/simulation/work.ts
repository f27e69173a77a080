/** Lives, in this process or shared among several. */
import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { readGround } from "./ground.ts"
import type { Life } from "./life.ts"
import { live } from "./life.ts"
import type { Line } from "./record.ts"
import { minimalTrace } from "./report.ts"
import type { Violation } from "./stage.ts"
import type { Mode } from "./world.ts"

/** What comes of one life, as it is sent between processes. */
export interface Outcome {
  readonly seed: number
  readonly hash: string
  readonly faults: ReadonlyArray<readonly [kind: string, times: number]>
  readonly violation: Violation | undefined
  /** What tells why, where something went wrong. */
  readonly trace: ReadonlyArray<string>
}

/** New objects are many and die young: with room for them, collecting garbage costs a third. */
export const nodeOptions: ReadonlyArray<string> = ["--max-semi-space-size=64"]

export const outcomeOf = ({ faults, hash, lines, seed, violation }: Life): Outcome => ({
  seed, hash, violation, faults: [...faults], trace: violation === undefined ? [] : minimalTrace(lines, violation)
})

export interface Watcher {
  readonly onLines?: (seed: number, lines: ReadonlyArray<Line>) => void
  /** Told of each life; false ends the work. */
  readonly onOutcome: (outcome: Outcome) => boolean
}

export const workHere = async (mode: Mode, first: number, count: number, watcher: Watcher): Promise<void> => {
  const ground = await readGround(mode)
  for (let seed = first; seed < first + count; seed++) {
    const life = await live(seed, ground)
    watcher.onLines?.(seed, life.lines)
    if (!watcher.onOutcome(outcomeOf(life))) return
  }
}

/** Seeds that a worker has at hand, so that it need not wait for the next. */
const atHand = 3

const crashed = (seed: number, code: number | null, signal: string | null): Outcome => ({
  seed, hash: "", faults: [], trace: [],
  violation: { at: 0, invariant: "the process lives", text: `the process that played seed ${seed} ended with ${signal ?? `code ${code}`}` }
})

export const workShared = (mode: Mode, first: number, count: number, workers: number, watcher: Watcher): Promise<void> =>
  new Promise((resolve) => {
    let next = first
    let open = workers
    const children = new Map<ChildProcess, Array<number>>()
    const stop = () => {
      next = first + count
      for (const child of children.keys()) child.kill("SIGKILL")
    }
    const tell = (outcome: Outcome) => {
      if (!watcher.onOutcome(outcome)) stop()
    }
    const feed = (child: ChildProcess, hand: Array<number>) => {
      while (hand.length < atHand && next < first + count) {
        hand.push(next)
        child.send(next++)
      }
      if (hand.length === 0) child.disconnect()
    }
    const begin = () => {
      const child = fork(new URL("worker.ts", import.meta.url), [mode], { execArgv: [...nodeOptions] })
      const hand: Array<number> = []
      children.set(child, hand)
      child.on("message", (outcome: Outcome) => {
        hand.splice(hand.indexOf(outcome.seed), 1)
        tell(outcome)
        if (child.connected) feed(child, hand)
      })
      child.on("exit", (code, signal) => {
        children.delete(child)
        const [seed, ...others] = hand
        if (seed !== undefined && next < first + count + 1 && signal !== "SIGKILL") {
          tell(crashed(seed, code, signal))
          // The seeds that it had at hand are lost with it: they are not lives that went well.
          for (const other of others) tell(crashed(other, code, signal))
        }
        if (--open === 0) resolve()
      })
      feed(child, hand)
    }
    for (let i = 0; i < workers; i++) begin()
  })
