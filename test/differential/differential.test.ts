/**
 * Our scheduler beside Karpenter's own on generated problems: it breaks no rule, places every pod that the rival always places,
 * and is no dearer than the rival's dearest run.
 *
 * DIFFERENTIAL_SEEDS says how many problems (1,000), DIFFERENTIAL_FROM the first seed: without it they change from day to day.
 * DIFFERENTIAL_TOLERATED is the share of them that may differ (0), for whoever runs other seeds each day: among equals first-fit is a
 * matter of luck in a few cases of a thousand. A plan that breaks a rule is never tolerated.
 */
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { peerOf } from "../../bench/peer.ts"
import type { RivalAnswer, RivalServer } from "../../bench/rival.ts"
import { provideRival } from "../../bench/rival.ts"
import type { Problem } from "../../src/scheduling/index.ts"
import type { Comparison } from "./compare.ts"
import { compare } from "./compare.ts"
import { generate } from "./generate/generate.ts"
import { seeds } from "./seeds.ts"
import { shrink } from "./shrink.ts"

const count = Number(process.env["DIFFERENTIAL_SEEDS"] ?? 1000)
const tolerated = Number(process.env["DIFFERENTIAL_TOLERATED"] ?? 0)
const today = Math.floor(Date.now() / 86_400_000)
const from = Number(process.env["DIFFERENTIAL_FROM"] ?? today * 1000)

/** The rival breaks ties at random: so many tries show its luck. */
const runs = 10

let rival: RivalServer

beforeAll(async () => { rival = (await provideRival()).serve(runs) })

afterAll(() => { rival?.close() })

/** Who looks worse than so many runs may be worse than the lucky ones alone: then more runs say so. */
const judge = async (problem: Problem, answer: RivalAnswer): Promise<Comparison> => {
  const found = compare(problem, answer)
  if (found.differences.every(({ kind }) => kind === "illegal")) return found
  const more = [answer]
  for (let i = 0; i < 3; i++) more.push(await rival.ask(peerOf(problem)))
  return compare(problem, { ...answer, runs: more.flatMap((each) => each.runs) })
}

const ask = async (problem: Problem): Promise<Comparison> => judge(problem, await rival.ask(peerOf(problem)))

/** What the rival answers to each seed's problem; it is asked about the next one while we judge the last. */
const answers = async function*(): AsyncGenerator<readonly [number, Problem, RivalAnswer]> {
  let next = generate(from)
  let answer = rival.ask(peerOf(next))
  for (let seed = from; seed < from + count; seed++) {
    const problem = next
    const given = await answer
    next = generate(seed + 1)
    answer = rival.ask(peerOf(next))
    yield [seed, problem, given]
  }
  await answer
}

/** The first difference as a person wants to see it: small, and how to see it again. */
const describeFailure = async (seed: number, { differences }: Comparison): Promise<string> => {
  const { kind } = differences[0]!
  const fails = async (problem: Problem): Promise<boolean> =>
    (await ask(problem)).differences.some((other) => other.kind === kind)
  return [
    ...differences.map((each) => `${each.kind}: ${each.what}`),
    `see it again: DIFFERENTIAL_FROM=${seed} DIFFERENTIAL_SEEDS=1 npm run test:differential`,
    `a smaller problem with such a difference: ${JSON.stringify(await shrink(generate(seed), fails))}`
  ].join("\n")
}

describe("beside Karpenter's own scheduler", () => {
  it.each(seeds)("the problem of seed %i shows no difference any more", async (seed) => {
    assert.deepStrictEqual((await ask(generate(seed))).differences, [])
  })

  it(`no difference shows in ${count} problems from seed ${from} on`, async () => {
    const failed: Array<readonly [number, Comparison]> = []
    const excused = new Map<string, number>()
    let dearer = 0
    for await (const [seed, problem, answer] of answers()) {
      const found = await judge(problem, answer)
      if (found.excuse !== undefined) excused.set(found.excuse, (excused.get(found.excuse) ?? 0) + 1)
      if (found.isDearerThanBest) dearer++
      if (found.differences.length > 0) failed.push([seed, found])
      const done = seed - from + 1
      if (done % 100 === 0) process.stderr.write(`  ${done} of ${count} problems, ${failed.length} differences\n`)
    }
    const asides = [
      `${dearer} dearer than the rival's best of ${runs} runs`, ...[...excused].map(([why, times]) => `${times} excused: ${why}`)
    ]
    process.stdout.write(`${count} problems, ${failed.length} differences, ${asides.join(", ")}\n`)
    const illegal = failed.filter(([, { differences }]) => differences.some(({ kind }) => kind === "illegal"))
    if (illegal.length === 0 && failed.length <= tolerated * count) return
    const [[seed, first]] = [...illegal, ...failed] as unknown as [readonly [number, Comparison]]
    assert.fail(`seeds that differ: ${failed.map(([each]) => each).join(" ")}\n${await describeFailure(seed, first)}`)
  })
})
