/** How long it takes until a complete first plan is there, ours and the rival's by turns, on the same problems. */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { createInterface } from "node:readline"
import type { Section } from "./results.ts"
import { machine, median, table } from "./results.ts"
import type { Rival, RivalAnswer } from "./rival.ts"
import { provideRival } from "./rival.ts"
import type { Mix } from "./schedulingMixes.ts"
import type { Answer } from "./schedulingWorker.ts"

interface Measured {
  readonly mix: Mix
  readonly rival: ReadonlyArray<RivalAnswer>
  readonly warm: ReadonlyArray<Answer>
  readonly cold: ReadonlyArray<Answer>
}

/** A service that works at all solves more than once between two runs of somebody else's that take seconds. */
const warmPerTurn = 5

const worker = resolve(import.meta.dirname, "schedulingWorker.ts")

/** A process of ours; `next` is its next line, `ask` has it solve once more. */
const start = (kind: "cold" | "warm", file: string) => {
  const child = spawn(process.execPath, ["--expose-gc", worker, kind, file], { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next()
    if (done === true) throw new Error(`our scheduler ended while it was asked about ${file}`)
    return value
  }
  return {
    next,
    ask: async (): Promise<Answer> => {
      child.stdin.write("\n")
      return JSON.parse(await next()) as Answer
    },
    stop: () => { child.kill() }
  }
}

const cold = async (file: string): Promise<Answer> => {
  const process = start("cold", file)
  const answer = JSON.parse(await process.next()) as Answer
  process.stop()
  return answer
}

const measure = async (mix: Mix, rival: Rival, runs: number, dir: string): Promise<Measured> => {
  const asked = await mix.make(rival)
  const peerFile = join(dir, "peer.json")
  const file = join(dir, "problem.json")
  writeFileSync(peerFile, JSON.stringify(asked.peer))
  writeFileSync(file, JSON.stringify(asked.problem))
  process.stderr.write(`${mix.what}: warming up\n`)
  const warmed = start("warm", file)
  await warmed.next()
  const out = { mix, rival: [] as Array<RivalAnswer>, warm: [] as Array<Answer>, cold: [] as Array<Answer> }
  for (let i = 0; i < runs; i++) {
    if (mix.alone !== true) out.rival.push(await rival.solve(peerFile))
    out.cold.push(await cold(file))
    const answers: Array<Answer> = []
    for (let n = 0; n < warmPerTurn; n++) answers.push(await warmed.ask())
    out.warm.push(...answers)
    const theirs = out.rival.at(-1)
    process.stderr.write(`  run ${i + 1} of ${runs}: ${theirs === undefined ? "" : `rival ${millisOf(theirs).toFixed(0)} ms, `}` +
      `cold ${out.cold.at(-1)!.millis.toFixed(1)} ms, warm ${answers.map(({ millis }) => millis.toFixed(1)).join(", ")} ms\n`)
  }
  warmed.stop()
  return out
}

const millisOf = (answer: RivalAnswer): number => answer.runs[0]!.totalNs / 1e6

const round = (value: number): string => value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1)

/** Median and extremes. */
const spread = (values: ReadonlyArray<number>): string =>
  values.length === 0 ? "" : `${round(median(values))} [${round(Math.min(...values))}–${round(Math.max(...values))}]`

/** Where runs differ, from the least to the most. */
const range = (values: ReadonlyArray<number>, digits: number): string => {
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits))
  return values.length === 0 ? "" : least === most ? least! : `${least}–${most}`
}

const ratio = (rival: ReadonlyArray<number>, ours: ReadonlyArray<number>, goal: number | undefined): string => {
  if (rival.length === 0) return ""
  const value = median(rival) / median(ours)
  return `${round(value)}×${goal === undefined ? "" : ` (≥ ${goal.toLocaleString("en")}×)`}`
}

const speedRow = ({ cold, mix, rival, warm }: Measured): ReadonlyArray<string> => {
  const [theirs, ourWarm, ourCold] = [rival.map(millisOf), warm.map(({ millis }) => millis), cold.map(({ millis }) => millis)]
  return [
    mix.what, spread(theirs), spread(ourWarm), ratio(theirs, ourWarm, mix.goal?.warm), spread(ourCold),
    ratio(theirs, ourCold, mix.goal?.cold)
  ]
}

const planRow = ({ cold, mix, rival, warm }: Measured): ReadonlyArray<string> => {
  const theirs = rival.map(({ runs }) => runs[0]!)
  const [ours] = warm as readonly [Answer]
  const memory = rival.map(({ maxRssBytes }) => maxRssBytes / 1024 ** 2)
  return [
    mix.what, range(theirs.map(({ newNodes }) => newNodes), 0), String(ours.newNodes),
    range(theirs.map(({ totalPrice }) => totalPrice), 2), ours.hourlyPrice.toFixed(2),
    range(theirs.map(({ podsOnExisting }) => podsOnExisting), 0), String(ours.onExisting),
    range(theirs.map(({ errors }) => Object.keys(errors).length), 0), String(ours.unschedulable),
    memory.length === 0 ? "" : round(median(memory)), round(median(cold.map(({ maxRssMiB }) => maxRssMiB))),
    round(median(warm.map(({ heapMiB }) => heapMiB)))
  ]
}

/** The largest mix beside the one of a tenth: growth should be that of the pods. */
const growth = (all: ReadonlyArray<Measured>): string => {
  const of = (name: string) => all.find(({ mix }) => mix.name === name)?.warm.map(({ millis }) => millis)
  const [ten, hundred] = [of("diverse-10000"), of("diverse-100000")]
  if (ten === undefined || hundred === undefined) return ""
  const times = (median(hundred) / median(ten)).toFixed(1)
  return `\n\n100,000 diverse pods take ${times} times as long as 10,000, warm (goal: at most 12 times).`
}

export const scheduling = async (asked: ReadonlyArray<Mix>, runs: number): Promise<Section> => {
  const rival = await provideRival()
  const dir = mkdtempSync(join(tmpdir(), "karpenter-bench-"))
  const all: Array<Measured> = []
  try {
    for (const mix of asked) all.push(await measure(mix, rival, runs, dir))
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
  const version = all.flatMap(({ rival: answers }) => answers)[0]?.karpenter ?? "unknown"
  return {
    title: "Scheduling",
    text: [
      `${machine()}; the rival is \`sigs.k8s.io/karpenter\` ${version} with one worker, its default. ` +
      `Milliseconds: median [least–most] of ${runs} runs, the rival and ours by turns.`,
      "",
      "Rival: making the scheduler and solving, a fresh process each time. Ours: from parsed objects to the first complete " +
      `plan, before the search for a cheaper one. *Warm* is a process that has solved 60 times, with pauses of 50 ms, and solves ` +
      `${warmPerTurn} times each turn; *cold* is the ` +
      "first solve of a process, its modules loaded. The ratio's goal stands beside it.",
      "",
      table(["work", "rival", "ours warm", "times faster", "ours cold", "times faster"], all.map(speedRow)) + growth(all),
      "",
      "The plans: new nodes, US dollars an hour, pods on nodes that are there, pods left out; memory in MiB, the problem's " +
      "JSON included.",
      "",
      table([
        "work", "nodes: rival", "ours", "$/h: rival", "ours", "on nodes: rival", "ours", "left out: rival", "ours",
        "RSS: rival", "ours cold", "heap, ours warm"
      ], all.map(planRow))
    ].join("\n")
  }
}
